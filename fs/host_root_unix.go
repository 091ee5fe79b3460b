//go:build linux || darwin || freebsd

package fs

import (
	iofs "io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func identify(i iofs.FileInfo) (dev, ino, nlink uint64) {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, 1
	}
	return uint64(st.Dev), uint64(st.Ino), uint64(st.Nlink)
}

func posixErrno(err syscall.Errno) error { return err }

func syncDir(f *os.File) error { return posix(f.Sync()) }

func lockDir(f *os.File) error {
	return retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX) })
}
