//go:build linux || darwin || freebsd

package fs

import (
	"io"
	iofs "io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// hostNode is an open file of the host.
type hostNode struct {
	owner
	device bool // may have no offsets at all

	// appending is held for writing while the file's own offset or O_APPEND is
	// in use, and for reading by writes that must see neither.
	appending sync.RWMutex
}

func (n *hostNode) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	done := 0
	for done < len(p) {
		m, err := n.ReadOnce(p[done:], off+int64(done))
		if err != nil {
			return done, err
		}
		if m == 0 {
			return done, io.EOF
		}
		done += m
		if n.device {
			break // a terminal gives a line, and the rest would wait
		}
	}
	return done, nil
}

// ReadOnce is pread(2), except that a device may have no offsets. It does without
// use, whose closures are felt where the call is short.
func (n *hostNode) ReadOnce(p []byte, off int64) (int, error) {
	if !n.enter() {
		return 0, unix.EBADF
	}
	defer n.d.drop()
	for {
		m, err := unix.Pread(n.d.fd, p, off)
		if err == unix.ESPIPE && n.device {
			m, err = unix.Read(n.d.fd, p)
		}
		if err != unix.EINTR {
			return max(m, 0), err
		}
	}
}

func (n *hostNode) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	n.appending.RLock()
	defer n.appending.RUnlock()
	return writeAll(p, func(p []byte, done int) (m int, err error) {
		err = n.use(func(fd int) (err error) {
			m, err = unix.Pwrite(fd, p, off+int64(done))
			if err == unix.ESPIPE && n.device {
				m, err = unix.Write(fd, p)
			}
			return err
		})
		return m, err
	})
}

// Append leaves it to the system to find the end, so that several processes
// appending to one file lose nothing.
func (n *hostNode) Append(p []byte) (int, int64, error) {
	n.appending.Lock()
	defer n.appending.Unlock()
	done, err := writeAll(p, func(p []byte, _ int) (m int, err error) {
		err = n.use(func(fd int) (err error) {
			m, err = appendOnce(fd, p)
			return err
		})
		return m, err
	})
	end, serr := n.offset(done)
	if err == nil && !n.device {
		err = serr
	}
	return done, end, err
}

// offset is where the last append ended, or the file's end if nothing was
// written.
func (n *hostNode) offset(written int) (end int64, err error) {
	whence := unix.SEEK_CUR
	if written == 0 {
		whence = unix.SEEK_END
	}
	err = n.use(func(fd int) (err error) {
		end, err = unix.Seek(fd, 0, whence)
		return err
	})
	return end, err
}

// appendByFlag appends where there is no system call for it: O_APPEND is set
// for one write. It cannot stay set, since pwrite(2) then ignores its offset on
// Linux and FreeBSD.
func appendByFlag(fd int, p []byte) (int, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	if _, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_APPEND); err != nil {
		return 0, err
	}
	n, err := unix.Write(fd, p)
	if _, ferr := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags); err == nil {
		err = ferr
	}
	return n, err
}

// writeAll calls write until all of p is written, as io.Writer promises.
func writeAll(p []byte, write func(p []byte, done int) (int, error)) (int, error) {
	done := 0
	for {
		n, err := write(p[done:], done)
		done += max(n, 0)
		if err != nil || done == len(p) {
			return done, err
		}
		if n <= 0 {
			return done, io.ErrShortWrite
		}
	}
}

func (n *hostNode) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := n.use(func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return Stat{}, err
	}
	return statOf(&st), nil
}

func (n *hostNode) Truncate(size int64) error {
	return n.use(func(fd int) error { return unix.Ftruncate(fd, size) })
}

func (n *hostNode) SetTimes(atime, mtime time.Time) error {
	return n.use(func(fd int) error { return setTimes(fd, atime, mtime) })
}

func (n *hostNode) SetMode(perm iofs.FileMode) error {
	return n.use(func(fd int) error { return unix.Fchmod(fd, uint32(perm.Perm())) })
}

func (n *hostNode) Sync() error {
	return n.use(fsync)
}

func (n *hostNode) Close() error { return n.close() }
