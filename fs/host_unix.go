//go:build linux || darwin || freebsd

package fs

import (
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// hostDir is a directory of the host, used by *at system calls on its
// descriptor with one name at a time and O_NOFOLLOW.
type hostDir struct {
	owner
	tree *hostTree
}

// hostTree is what all directories below one root share; its identity tells two
// roots apart.
type hostTree struct {
	whole   bool        // NewUnrestricted: procfs and devices are allowed
	dev     uint64      // of the root, which has been admitted
	shallow atomic.Bool // the system has no way to go down several names at once
}

// openHost opens root, following symlinks, and returns its absolute path too.
func openHost(root string) (Dir, string, error) {
	d, err := openHostDir(root, &hostTree{})
	if err != nil {
		return nil, "", err
	}
	host, err := filepath.Abs(root)
	if err == nil {
		host, err = filepath.EvalSymlinks(host)
	}
	if err != nil {
		d.Close()
		return nil, "", err
	}
	return d, host, nil
}

func openHostDir(root string, tree *hostTree) (*hostDir, error) {
	if strings.IndexByte(root, 0) >= 0 {
		return nil, unix.EINVAL
	}
	// Read permission is asked for here, where it is missed most clearly, and
	// search permission by looking at "." in it.
	fd, err := openat(unix.AT_FDCWD, root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	d := &hostDir{owner{d: newDescriptor(fd)}, tree}
	if _, err = d.statAt("."); err == nil {
		err = tree.plant(fd)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// restrict makes a root of its own of a directory of the whole host.
func restrict(d Dir) (Dir, error) {
	if ro, ok := d.(readOnlyDir); ok {
		return readOnly(restrict(ro.Dir))
	}
	h, ok := d.(*hostDir)
	if !ok {
		return d, nil
	}
	h.tree = &hostTree{}
	if err := h.use(h.tree.plant); err != nil {
		d.Close()
		return nil, err
	}
	return h, nil
}

// plant makes fd, when it is admitted, the root of the tree.
func (t *hostTree) plant(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	t.dev = uint64(st.Dev)
	return t.admit(fd)
}

func hostRoot() string { return "/" }

// openWhole opens the host's own root.
func openWhole() (Dir, error) { return openHostDir(hostRoot(), &hostTree{whole: true}) }

func openat(dirfd int, name string, flags int, perm uint32) (int, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(dirfd, name, flags|unix.O_CLOEXEC, perm)
		return err
	})
	return fd, err
}

func (d *hostDir) Dup() (Dir, error) {
	fd, err := d.share()
	if err != nil {
		return nil, err
	}
	return &hostDir{owner{d: fd}, d.tree}, nil
}

func (d *hostDir) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := d.use(func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return Stat{}, err
	}
	return statOf(&st), nil
}

func (d *hostDir) Lookup(name string) (Stat, error) { return d.statAt(name) }

func (d *hostDir) statAt(name string) (Stat, error) {
	var st unix.Stat_t
	err := d.use(func(fd int) error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return Stat{}, err
	}
	return statOf(&st), nil
}

func (d *hostDir) ReadDir() ([]Entry, error) {
	var entries []Entry
	err := d.use(func(fd int) error {
		// A descriptor of its own: the position is part of the open file, and
		// dirOpen may not be for reading at all.
		own, err := openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(own)
		entries, err = readEntries(own)
		return err
	})
	return entries, err
}

func (d *hostDir) OpenDir(name string) (Dir, error) {
	var sub *hostDir
	err := d.use(func(fd int) error {
		own, err := openat(fd, name, dirOpen|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if err = d.tree.admit(own); err != nil {
			unix.Close(own)
			return err
		}
		sub = &hostDir{owner{d: newDescriptor(own)}, d.tree}
		return nil
	})
	switch err {
	case nil:
		return sub, nil
	case unix.ENOTDIR, unix.ELOOP, unix.EMLINK:
		// Systems differ in what they answer for a symlink here.
		return nil, d.notDir(name)
	}
	return nil, err
}

// notDir says why name is not a directory.
func (d *hostDir) notDir(name string) error {
	st, err := d.statAt(name)
	switch {
	case err != nil:
		return err
	case st.Mode&iofs.ModeSymlink != 0:
		return unix.ELOOP
	}
	return unix.ENOTDIR
}

// fileOpen opens what may turn out not to be a regular file, without waiting for
// anybody and without becoming its terminal's session.
const fileOpen = unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY

// access is the access mode in the flags of package os.
func access(flag int) int {
	switch {
	case flag&os.O_RDWR != 0:
		return unix.O_RDWR
	case flag&os.O_WRONLY != 0:
		return unix.O_WRONLY
	}
	return unix.O_RDONLY
}

func (d *hostDir) OpenFile(name string, flag int, perm iofs.FileMode) (Node, error) {
	flags := fileOpen | access(flag)
	if flag&os.O_CREATE != 0 {
		flags |= unix.O_CREAT
	}
	if flag&os.O_EXCL != 0 {
		flags |= unix.O_EXCL
	}
	if flag&os.O_TRUNC != 0 {
		flags |= unix.O_TRUNC
	}
	var n *hostNode
	err := d.use(func(fd int) error {
		own, err := openat(fd, name, flags, uint32(perm.Perm()))
		if err != nil {
			return err
		}
		if n, err = d.tree.node(own); err != nil {
			unix.Close(own)
		}
		return err
	})
	switch err {
	case nil:
		return n, nil
	case unix.EMLINK:
		return nil, unix.ELOOP // FreeBSD's word for a symlink under O_NOFOLLOW
	case unix.ENXIO, unix.EOPNOTSUPP:
		// A FIFO nobody reads, a socket, a device without a driver.
		if st, err := d.statAt(name); err == nil && !st.Mode.IsRegular() {
			return nil, notRegular()
		}
	}
	return nil, err
}

// node checks what was opened, now that it cannot change any more.
func (t *hostTree) node(fd int) (*hostNode, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return nil, err
	}
	if uint64(st.Dev) != t.dev {
		// A file can be mounted on a file.
		if err := t.admit(fd); err != nil {
			return nil, err
		}
	}
	switch mode := modeOf(uint32(st.Mode)); {
	case mode.IsRegular():
		return &hostNode{owner: owner{d: newDescriptor(fd)}}, nil
	case mode.IsDir():
		return nil, unix.EISDIR
	case mode&iofs.ModeDevice != 0 && t.whole:
		if err := unix.SetNonblock(fd, false); err != nil {
			return nil, err
		}
		return &hostNode{owner: owner{d: newDescriptor(fd)}, device: true}, nil
	}
	return nil, notRegular()
}

func (d *hostDir) Mkdir(name string, perm iofs.FileMode) error {
	return d.use(func(fd int) error { return unix.Mkdirat(fd, name, uint32(perm.Perm())) })
}

func (d *hostDir) Symlink(target, name string) error {
	return d.use(func(fd int) error { return unix.Symlinkat(target, fd, name) })
}

func (d *hostDir) Readlink(name string) (string, error) {
	buf := make([]byte, 256)
	for {
		var n int
		err := d.use(func(fd int) (err error) {
			n, err = unix.Readlinkat(fd, name, buf)
			return err
		})
		if err != nil {
			return "", err
		}
		if n < len(buf) {
			return string(buf[:n]), nil
		}
		buf = make([]byte, 2*len(buf))
	}
}

// both runs call with the descriptors of two directories of one tree.
func (d *hostDir) both(to Dir, call func(from, to int) error) error {
	other, ok := to.(*hostDir)
	if !ok || other.tree != d.tree {
		return unix.EXDEV
	}
	return d.use(func(from int) error {
		return other.use(func(to int) error { return call(from, to) })
	})
}

func (d *hostDir) Link(name string, to Dir, newname string) error {
	return d.both(to, func(from, to int) error { return unix.Linkat(from, name, to, newname, 0) })
}

func (d *hostDir) Rename(name string, to Dir, newname string) error {
	return d.both(to, func(from, to int) error { return unix.Renameat(from, name, to, newname) })
}

func (d *hostDir) Unlink(name string) error {
	err := d.use(func(fd int) error { return unix.Unlinkat(fd, name, 0) })
	if err == unix.EPERM {
		// POSIX's answer for a directory, where Linux says EISDIR.
		if st, serr := d.statAt(name); serr == nil && st.Mode.IsDir() {
			return unix.EISDIR
		}
	}
	return err
}

func (d *hostDir) Rmdir(name string) error {
	return d.use(func(fd int) error { return unix.Unlinkat(fd, name, unix.AT_REMOVEDIR) })
}

func (d *hostDir) SetTimes(name string, atime, mtime time.Time) error {
	return d.use(func(fd int) error { return setTimesAt(fd, name, atime, mtime) })
}

func (d *hostDir) SetOwnTimes(atime, mtime time.Time) error {
	return d.use(func(fd int) error { return setTimesAt(fd, ".", atime, mtime) })
}

func (d *hostDir) Sync() error {
	return d.use(func(fd int) error {
		own, err := openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(own)
		err = retry(func() error { return unix.Fsync(own) })
		if err == unix.EINVAL || err == unix.ENOTSUP {
			return nil // a filesystem on which directories need no fsync
		}
		return err
	})
}

// Lock implements locker by flock(2) on the directory itself, which stays the
// same file whatever is renamed in it.
func (d *hostDir) Lock() (unlock func(), err error) {
	own := -1
	err = d.use(func(fd int) (err error) {
		own, err = openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err = retry(func() error { return unix.Flock(own, unix.LOCK_EX) }); err != nil {
		unix.Close(own)
		return nil, err
	}
	return func() { unix.Close(own) }, nil
}

func (d *hostDir) Close() error { return d.close() }

func statOf(st *unix.Stat_t) Stat {
	return Stat{
		Mode:  modeOf(uint32(st.Mode)),
		Size:  st.Size,
		Dev:   uint64(st.Dev),
		Ino:   uint64(st.Ino),
		Nlink: uint64(st.Nlink),
		Atime: time.Unix(st.Atim.Unix()),
		Mtime: time.Unix(st.Mtim.Unix()),
		Ctime: time.Unix(st.Ctim.Unix()),
	}
}

// modeOf translates st_mode (inode(7)).
func modeOf(m uint32) iofs.FileMode {
	mode := iofs.FileMode(m & 0o777)
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= iofs.ModeDir
	case unix.S_IFLNK:
		mode |= iofs.ModeSymlink
	case unix.S_IFIFO:
		mode |= iofs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= iofs.ModeSocket
	case unix.S_IFCHR:
		mode |= iofs.ModeDevice | iofs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= iofs.ModeDevice
	case unix.S_IFREG:
	default:
		mode |= iofs.ModeIrregular
	}
	if m&unix.S_ISUID != 0 {
		mode |= iofs.ModeSetuid
	}
	if m&unix.S_ISGID != 0 {
		mode |= iofs.ModeSetgid
	}
	if m&unix.S_ISVTX != 0 {
		mode |= iofs.ModeSticky
	}
	return mode
}

// isHostDir reports whether host still names the directory that want describes.
func isHostDir(host string, want Stat) bool {
	var st unix.Stat_t
	err := retry(func() error { return unix.Lstat(host, &st) })
	return err == nil && uint64(st.Dev) == want.Dev && uint64(st.Ino) == want.Ino
}
