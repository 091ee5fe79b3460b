package wasi

import (
	"syscall"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// path reads a string from parameters i and i+1.
func (c call) path(i int) (string, error) { return c.mem.text(c.u32(i), c.u32(i+1)) }

// follow reads $lookupflags, which has one bit: symlink_follow.
func (c call) follow(i int) (bool, error) {
	if c.u32(i) > 1 {
		return false, syscall.EINVAL
	}
	return c.u32(i) == 1, nil
}

// lookup reads (flags, path, path_len) from parameter i on.
func (c call) lookup(i int) (follow bool, path string, err error) {
	if follow, err = c.follow(i); err != nil {
		return false, "", err
	}
	path, err = c.path(i + 1)
	return follow, path, err
}

// pathCreateDirectory (fd, path, path_len).
func pathCreateDirectory(c call) error { return c.onPath(c.p.Mkdir) }

// pathRemoveDirectory (fd, path, path_len).
func pathRemoveDirectory(c call) error { return c.onPath(c.p.Rmdir) }

// pathUnlinkFile (fd, path, path_len).
func pathUnlinkFile(c call) error { return c.onPath(c.p.Unlink) }

func (c call) onPath(do func(kernel.FD, string) error) error {
	path, err := c.path(1)
	if err != nil {
		return err
	}
	return do(c.fd(0), path)
}

// pathFilestatGet (fd, flags, path, path_len, stat: filestat*).
func pathFilestatGet(c call) error {
	follow, path, err := c.lookup(1)
	if err != nil {
		return err
	}
	out, err := c.mem.bytes(c.u32(4), filestatSize)
	if err != nil {
		return err
	}
	s, err := c.p.PathStat(c.fd(0), path, follow)
	if err == nil {
		putFilestat(out, s)
	}
	return err
}

// pathFilestatSetTimes (fd, flags, path, path_len, atim, mtim, fstflags).
func pathFilestatSetTimes(c call) error {
	follow, path, err := c.lookup(1)
	if err != nil {
		return err
	}
	t, err := c.times(4)
	if err != nil {
		return err
	}
	return c.p.PathSetTimes(c.fd(0), path, follow, t)
}

// pathLink (old_fd, old_flags, old_path, old_path_len, new_fd, new_path, new_path_len).
func pathLink(c call) error {
	follow, from, err := c.lookup(1)
	if err != nil {
		return err
	}
	to, err := c.path(5)
	if err != nil {
		return err
	}
	return c.p.Link(c.fd(0), from, follow, c.fd(4), to)
}

// pathOpen (fd, flags, path, path_len, oflags, base, inheriting, fdflags, opened: fd*).
func pathOpen(c call) error {
	follow, path, err := c.lookup(1)
	if err != nil {
		return err
	}
	if c.u32(4) > 0xffff {
		return syscall.EINVAL
	}
	flags, err := fdflags(c.u32(7))
	if err != nil {
		return err
	}
	out, err := c.mem.bytes(c.u32(8), 4)
	if err != nil {
		return err
	}
	fd, err := c.p.Open(c.fd(0), kernel.OpenRequest{
		Path:       path,
		Follow:     follow,
		How:        kernel.OpenFlags(c.u32(4)),
		Base:       kernel.Rights(c.u64(5)),
		Inheriting: kernel.Rights(c.u64(6)),
		Flags:      flags,
	})
	if err == nil {
		le.PutUint32(out, uint32(fd))
	}
	return err
}

// pathReadlink (fd, path, path_len, buf, buf_len, bufused: u32*). As readlink(2)
// does, it cuts off what does not fit.
func pathReadlink(c call) error {
	path, err := c.path(1)
	if err != nil {
		return err
	}
	buf, err := c.mem.bytes(c.u32(3), c.u32(4))
	if err != nil {
		return err
	}
	used, err := c.mem.bytes(c.u32(5), 4)
	if err != nil {
		return err
	}
	dest, err := c.p.Readlink(c.fd(0), path)
	if err != nil {
		return err
	}
	le.PutUint32(used, uint32(copy(buf, dest)))
	return nil
}

// pathRename (old_fd, old_path, old_path_len, new_fd, new_path, new_path_len).
func pathRename(c call) error {
	from, err := c.path(1)
	if err != nil {
		return err
	}
	to, err := c.path(4)
	if err != nil {
		return err
	}
	return c.p.Rename(c.fd(0), from, c.fd(3), to)
}

// pathSymlink (old_path, old_path_len, fd, new_path, new_path_len).
func pathSymlink(c call) error {
	dest, err := c.path(0)
	if err != nil {
		return err
	}
	path, err := c.path(3)
	if err != nil {
		return err
	}
	return c.p.Symlink(dest, c.fd(2), path)
}
