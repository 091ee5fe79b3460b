package fs

import (
	"bytes"
	"encoding/binary"
	iofs "io/fs"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dirOpen opens a directory that is only to be passed through: that needs
// search permission on it, not read permission.
const dirOpen = unix.O_PATH

// admit refuses kernel filesystems: their files are not files but the host,
// its environment and its settings included.
func (t *hostTree) admit(fd int) error {
	if t.whole {
		return nil
	}
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(fd, &st) }); err != nil {
		return err
	}
	switch st.Type {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC:
		return &DeniedError{
			Op: "open", Rule: RuleKernelFiles,
			Fix: "use fs.NewUnrestricted", Err: unix.EACCES,
		}
	}
	return nil
}

func appendOnce(fd int, p []byte) (int, error) {
	// Offset -1 means the file's own offset, which ends up after the data.
	n, err := unix.Pwritev2(fd, [][]byte{p}, -1, unix.RWF_APPEND)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		return appendByFlag(fd, p)
	}
	return n, err
}

func fsync(fd int) error { return unix.Fsync(fd) }

func setTimesAt(dirfd int, name string, atime, mtime time.Time) error {
	ts, err := timespecs(atime, mtime)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(dirfd, name, ts[:], unix.AT_SYMLINK_NOFOLLOW)
}

// setTimes is futimens(3): utimensat(2) without a path, which x/sys/unix does
// not offer.
func setTimes(fd int, atime, mtime time.Time) error {
	ts, err := timespecs(atime, mtime)
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func timespecs(atime, mtime time.Time) (ts [2]unix.Timespec, err error) {
	for i, t := range []time.Time{atime, mtime} {
		if t.IsZero() {
			ts[i].Nsec = unix.UTIME_OMIT
			continue
		}
		if ts[i], err = unix.TimeToTimespec(t); err != nil {
			return ts, unix.EINVAL
		}
	}
	return ts, nil
}

// readEntries reads linux_dirent64 records (getdents64(2)): inode, offset,
// record length, type, name.
func readEntries(fd int) ([]Entry, error) {
	const header = 19
	var entries []Entry
	buf := make([]byte, 8192)
	for {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Getdents(fd, buf)
			return err
		})
		if err != nil || n == 0 {
			return entries, err
		}
		for b := buf[:n]; len(b) >= header; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size < header || size > len(b) {
				return nil, unix.EIO
			}
			name, _, _ := bytes.Cut(b[header:size], []byte{0})
			e := Entry{Name: string(name), Ino: binary.NativeEndian.Uint64(b)}
			known := false
			e.Mode, known = entryType(b[18])
			b = b[size:]
			if e.Name == "." || e.Name == ".." {
				continue
			}
			if !known {
				var st unix.Stat_t
				if unix.Fstatat(fd, e.Name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
					continue // gone meanwhile
				}
				e.Mode = modeOf(st.Mode).Type()
			}
			entries = append(entries, e)
		}
	}
}

// entryType translates d_type; some filesystems leave it unknown.
func entryType(t byte) (mode iofs.FileMode, known bool) {
	switch t {
	case unix.DT_REG:
		return 0, true
	case unix.DT_DIR:
		return iofs.ModeDir, true
	case unix.DT_LNK:
		return iofs.ModeSymlink, true
	case unix.DT_FIFO:
		return iofs.ModeNamedPipe, true
	case unix.DT_SOCK:
		return iofs.ModeSocket, true
	case unix.DT_CHR:
		return iofs.ModeDevice | iofs.ModeCharDevice, true
	case unix.DT_BLK:
		return iofs.ModeDevice, true
	}
	return 0, false
}
