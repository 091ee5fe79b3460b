//go:build linux || darwin || freebsd

package fs

import (
	"os"

	"golang.org/x/sys/unix"
)

// hostFile shares its open file, and so O_APPEND, with n (dup(2)). That does no harm
// to a File that only appends.
func (n *hostNode) hostFile(append bool) (file *os.File, err error) {
	err = n.use(func(fd int) error {
		again, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if append {
			err = setAppend(again)
		}
		if err != nil {
			unix.Close(again)
			return err
		}
		file = os.NewFile(uintptr(again), "")
		return nil
	})
	return file, err
}

func setAppend(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_APPEND)
	}
	return err
}
