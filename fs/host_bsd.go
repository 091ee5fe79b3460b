//go:build darwin || freebsd

package fs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const dirOpen = unix.O_RDONLY

// admit: no mount on these systems shows a process's environment as files
// unless someone asked for it.
func (t *hostTree) admit(int) error { return nil }

func appendOnce(fd int, p []byte) (int, error) { return appendByFlag(fd, p) }

func setTimesAt(dirfd int, name string, atime, mtime time.Time) error {
	if atime.IsZero() || mtime.IsZero() {
		var st unix.Stat_t
		if err := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		atime, mtime = keepTimes(&st, atime, mtime)
	}
	var ts [2]unix.Timespec
	for i, t := range []time.Time{atime, mtime} {
		var err error
		if ts[i], err = unix.TimeToTimespec(t); err != nil {
			return unix.EINVAL
		}
	}
	return unix.UtimesNanoAt(dirfd, name, ts[:], unix.AT_SYMLINK_NOFOLLOW)
}

func setTimes(fd int, atime, mtime time.Time) error {
	if atime.IsZero() || mtime.IsZero() {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return err
		}
		atime, mtime = keepTimes(&st, atime, mtime)
	}
	return unix.Futimes(fd, []unix.Timeval{
		unix.NsecToTimeval(atime.UnixNano()),
		unix.NsecToTimeval(mtime.UnixNano()),
	})
}

// keepTimes puts the file's own times where a zero time asks for that.
func keepTimes(st *unix.Stat_t, atime, mtime time.Time) (time.Time, time.Time) {
	s := statOf(st)
	if atime.IsZero() {
		atime = s.Atime
	}
	if mtime.IsZero() {
		mtime = s.Mtime
	}
	return atime, mtime
}

func readEntries(fd int) ([]Entry, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(own), "")
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, name := range names {
		var st unix.Stat_t
		err := retry(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if err != nil {
			continue // gone meanwhile
		}
		entries = append(entries, Entry{Name: name, Mode: modeOf(uint32(st.Mode)).Type(), Ino: uint64(st.Ino)})
	}
	return entries, nil
}
