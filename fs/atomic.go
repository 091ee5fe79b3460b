package fs

import (
	"crypto/rand"
	"errors"
	iofs "io/fs"
	"os"
	"syscall"
)

// WriteAtomic replaces the file's content at once and durably: a reader, at any
// time and after any crash, sees the old bytes or the new ones. When it returns
// nil the new ones are on the disk.
//
// It writes a temporary file beside the target (where a last symlink leads to),
// gives it the old file's permissions, or 0644 before umask, syncs it, renames it
// over the target and syncs the directory. After any failure the temporary is
// gone; only a crash, or SIGKILL, can leave one, whose name starts with ".cloche-".
// Nothing removes that, since nobody can tell it from one that is being written: the
// owner of the directory may, when nobody writes there.
//
// The result is a new file: other hard links keep the old content, and owner,
// extended attributes and setuid bits are not carried over. Writers that read
// first can still undo each other's work: see Update.
func (f *Fs) WriteAtomic(path string, data []byte) error {
	p, err := f.resolve("write", path, Follow)
	if err != nil {
		return err
	}
	defer p.Close()
	if err = p.mustBeFile(os.O_CREATE); err == nil {
		err = replace(p.Dir, p.Name, data)
	}
	return pathError("write", path, err)
}

// replace is WriteAtomic of the file name in dir.
func replace(dir Dir, name string, data []byte) error {
	old, err := dir.Lookup(name)
	switch {
	case isErrno(err, syscall.ENOENT):
		return replaceBy(dir, name, newFileMode, func(n Node) error { return fill(n, data, nil) })
	case err != nil:
		return err
	case old.Mode.IsDir():
		return syscall.EISDIR
	case old.Mode&iofs.ModeSymlink != 0:
		return syscall.ELOOP // it came after the walk
	case !old.Mode.IsRegular():
		return notRegular()
	}
	keep := old.Mode.Perm()
	return replaceBy(dir, name, 0o600, func(n Node) error { return fill(n, data, &keep) })
}

// replaceBy makes the temporary with mode perm, and renames it when fill has
// made it complete.
func replaceBy(dir Dir, name string, perm iofs.FileMode, fill func(Node) error) error {
	temp := tempName()
	n, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	if err := closeAfter(n, fill(n)); err != nil {
		return removeTemp(dir, temp, err)
	}
	return moveOver(dir, temp, name)
}

func tempName() string { return ".cloche-" + rand.Text() } // 128 random bits

// moveOver gives a complete temporary its name, durably.
func moveOver(dir Dir, temp, name string) error {
	if err := dir.Rename(temp, dir, name); err != nil {
		return removeTemp(dir, temp, err)
	}
	return dir.Sync()
}

func removeTemp(dir Dir, temp string, err error) error {
	if uerr := dir.Unlink(temp); uerr != nil {
		return errors.Join(err, uerr)
	}
	return err
}

func fill(n Node, data []byte, mode *iofs.FileMode) error {
	if _, err := n.WriteAt(data, 0); err != nil {
		return err
	}
	if mode != nil {
		if err := n.SetMode(*mode); err != nil {
			return err
		}
	}
	return n.Sync()
}
