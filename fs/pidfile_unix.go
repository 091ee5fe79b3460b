//go:build linux || darwin || freebsd

package fs

import "golang.org/x/sys/unix"

func (n *hostNode) tryLock() (locked bool, err error) {
	err = n.use(func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if err == unix.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}
