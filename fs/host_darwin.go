package fs

import "golang.org/x/sys/unix"

// fsync asks the drive too: fsync(2) alone does not on macOS.
func fsync(fd int) error {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_FULLFSYNC, 0); err == nil {
		return nil
	}
	return unix.Fsync(fd)
}
