package fs

import (
	"golang.org/x/sys/unix"
)

// openDeep implements deepOpener by openat2(2), which takes all names in one step.
// It refuses symlinks, which are the walk's to judge, and mount points, behind
// which admit has to look: so what it opens is on the filesystem that was
// admitted before.
func (d *hostDir) openDeep(path string) (Dir, error) {
	if d.tree.shallow.Load() {
		return nil, errShallow
	}
	how := unix.OpenHow{
		Flags:   dirOpen | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd := -1
	err := d.use(func(dirfd int) (err error) {
		fd, err = unix.Openat2(dirfd, path, &how)
		return err
	})
	switch err {
	case nil:
		return &hostDir{owner{d: newDescriptor(fd)}, d.tree}, nil
	case unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.E2BIG:
		// An old kernel, or a filter that does not know the call: never again.
		d.tree.shallow.Store(true)
		return nil, errShallow
	}
	return nil, err
}
