package fs

import (
	"errors"

	"golang.org/x/sys/windows"
)

// tryLock locks a byte far behind what the file holds, because on Windows nobody
// else could read what is locked.
func (n *rootNode) tryLock() (locked bool, err error) {
	raw, err := n.f.SyscallConn()
	if err != nil {
		return false, err
	}
	const behind = 1 << 30
	cerr := raw.Control(func(handle uintptr) {
		err = windows.LockFileEx(windows.Handle(handle), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
			0, 1, 0, &windows.Overlapped{OffsetHigh: behind})
	})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	err = errors.Join(err, cerr)
	return err == nil, err
}
