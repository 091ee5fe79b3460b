package fs

import (
	iofs "io/fs"
	"os"
	"syscall"
	"time"
)

// ReadOnly returns an Fs on the same files that writes nothing: every attempt is
// a *DeniedError with EROFS. It has a handle of its own.
func (f *Fs) ReadOnly() *Fs {
	d, err := f.Dir()
	if err != nil {
		return &Fs{}
	}
	g := f.derive(readOnlyDir{d})
	g.base, g.host = f.base, f.host
	return g
}

// IsReadOnly reports whether f was made by ReadOnly, or from what was.
func (f *Fs) IsReadOnly() bool {
	if f == nil {
		return false
	}
	_, ok := f.dir.(readOnlyDir)
	return ok
}

func readOnlyError(op, name string) error {
	return &DeniedError{
		Op: op, Path: name,
		Rule: RuleReadOnly,
		Fix:  "give the filesystem without ReadOnly, or mount the directory writable",
		Err:  syscall.EROFS,
	}
}

// readOnlyDir passes on what only reads.
type readOnlyDir struct{ Dir }

func (d readOnlyDir) Dup() (Dir, error) { return readOnly(d.Dir.Dup()) }

func (d readOnlyDir) OpenDir(name string) (Dir, error) { return readOnly(d.Dir.OpenDir(name)) }

func (d readOnlyDir) openDeep(path string) (Dir, error) {
	if deep, ok := d.Dir.(deepOpener); ok {
		return readOnly(deep.openDeep(path))
	}
	return nil, errShallow
}

func (d readOnlyDir) openDeepFile(path string, flag int) (Node, error) {
	deep, ok := d.Dir.(deepFileOpener)
	if !ok || flag != os.O_RDONLY {
		return nil, errShallow
	}
	n, err := deep.openDeepFile(path, flag)
	if err != nil {
		return nil, err
	}
	return readOnlyNode{n}, nil
}

func readOnly(d Dir, err error) (Dir, error) {
	if err != nil {
		return nil, err
	}
	return readOnlyDir{d}, nil
}

func (d readOnlyDir) OpenFile(name string, flag int, perm iofs.FileMode) (Node, error) {
	if flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL {
		return nil, d.create("open", name)
	}
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_TRUNC) != 0 {
		return nil, readOnlyError("open", name)
	}
	n, err := d.Dir.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		if flag&os.O_CREATE != 0 && isErrno(err, syscall.ENOENT) {
			err = readOnlyError("open", name)
		}
		return nil, err
	}
	return readOnlyNode{n}, nil
}

// create refuses a new entry, but says so when there is an old one, as POSIX
// asks: "mkdir -p" lives by it.
func (d readOnlyDir) create(op, name string) error {
	if _, err := d.Dir.Lookup(name); err == nil {
		return syscall.EEXIST
	}
	return readOnlyError(op, name)
}

// change refuses a change to an entry that must be there.
func (d readOnlyDir) change(op, name string) error {
	if _, err := d.Dir.Lookup(name); err != nil {
		return err
	}
	return readOnlyError(op, name)
}

func (d readOnlyDir) Mkdir(name string, _ iofs.FileMode) error { return d.create("mkdir", name) }
func (d readOnlyDir) Symlink(_, name string) error             { return d.create("symlink", name) }
func (d readOnlyDir) Link(name string, _ Dir, _ string) error  { return d.change("link", name) }
func (d readOnlyDir) Rename(name string, _ Dir, _ string) error {
	return d.change("rename", name)
}
func (d readOnlyDir) Unlink(name string) error { return d.change("unlink", name) }
func (d readOnlyDir) Rmdir(name string) error  { return d.change("rmdir", name) }
func (d readOnlyDir) SetTimes(name string, _, _ time.Time) error {
	return d.change("utimes", name)
}
func (d readOnlyDir) SetOwnTimes(_, _ time.Time) error { return readOnlyError("utimes", ".") }

// Lock refuses at once what could not be written in the end.
func (d readOnlyDir) Lock() (func(), error) { return nil, readOnlyError("update", ".") }

// readOnlyNode is a file opened for reading, which alone would not keep its
// mode and times from being changed.
type readOnlyNode struct{ Node }

// ReadOnce passes on what some nodes have: reading as pread(2) does.
func (n readOnlyNode) ReadOnce(p []byte, off int64) (int, error) {
	if r, ok := n.Node.(interface {
		ReadOnce([]byte, int64) (int, error)
	}); ok {
		return r.ReadOnce(p, off)
	}
	return n.Node.ReadAt(p, off)
}

func (n readOnlyNode) WriteAt([]byte, int64) (int, error)    { return 0, syscall.EBADF }
func (n readOnlyNode) Append([]byte) (int, int64, error)     { return 0, 0, syscall.EBADF }
func (n readOnlyNode) Truncate(int64) error                  { return syscall.EINVAL }
func (n readOnlyNode) SetTimes(atime, mtime time.Time) error { return readOnlyError("utimes", "") }
func (n readOnlyNode) SetMode(iofs.FileMode) error           { return readOnlyError("chmod", "") }
