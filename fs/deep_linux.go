package fs

import (
	"golang.org/x/sys/unix"
)

// openDeep implements deepOpener by openat2(2), which takes all names in one step.
// It refuses symlinks, which are the walk's to judge, and mount points, behind
// which admit has to look: so what it opens is on the filesystem that was
// admitted before.
func (d *hostDir) openDeep(path string) (Dir, error) {
	fd, err := d.openat2(path, dirOpen|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	return &hostDir{owner{d: newDescriptor(fd)}, d.tree}, nil
}

// openDeepFile implements deepFileOpener. What is opened is a file of the
// filesystem that was admitted before, as in openDeep.
func (d *hostDir) openDeepFile(path string, flag int) (Node, error) {
	fd, err := d.openat2(path, fileOpen|access(flag))
	if err != nil {
		return nil, err
	}
	n, err := d.tree.node(fd)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return n, nil
}

func (d *hostDir) openat2(path string, flags int) (fd int, err error) {
	if d.tree.shallow.Load() {
		return -1, errShallow
	}
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	err = d.use(func(dirfd int) (err error) {
		fd, err = unix.Openat2(dirfd, path, &how)
		return err
	})
	switch err {
	case unix.EPERM:
		if flags&unix.O_ACCMODE != unix.O_RDONLY {
			return -1, err // it may be the file, which is immutable
		}
		fallthrough
	case unix.ENOSYS, unix.EINVAL, unix.E2BIG:
		// An old kernel, or a filter that does not know the call: never again.
		d.tree.shallow.Store(true)
		return -1, errShallow
	}
	return fd, err
}
