package wasi

import (
	"syscall"
	"time"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// adviceLast is the last of $advice.
const adviceLast = 5

// fdAdvise (fd, offset, len, advice).
func fdAdvise(c call) error {
	if c.u32(3) > adviceLast {
		return syscall.EINVAL
	}
	return c.p.Advise(c.fd(0), c.u64(1), c.u64(2))
}

// fdAllocate (fd, offset, len).
func fdAllocate(c call) error { return c.p.Allocate(c.fd(0), c.u64(1), c.u64(2)) }

func fdClose(c call) error    { return c.p.CloseFD(c.fd(0)) }
func fdDatasync(c call) error { return c.p.Sync(c.fd(0), false) }
func fdSync(c call) error     { return c.p.Sync(c.fd(0), true) }
func fdRenumber(c call) error { return c.p.Renumber(c.fd(0), c.fd(1)) }

// fdFdstatGet (fd, stat: fdstat*).
func fdFdstatGet(c call) error {
	out, err := c.mem.bytes(c.u32(1), fdstatSize)
	if err != nil {
		return err
	}
	s, err := c.p.FDStat(c.fd(0))
	if err == nil {
		putFdstat(out, s)
	}
	return err
}

// fdFdstatSetFlags (fd, flags).
func fdFdstatSetFlags(c call) error {
	flags, err := fdflags(c.u32(1))
	if err != nil {
		return err
	}
	return c.p.SetFlags(c.fd(0), flags)
}

// fdflags refuses what a cut to 16 bits would hide.
func fdflags(v uint32) (kernel.Flags, error) {
	if v > 0xffff {
		return 0, syscall.EINVAL
	}
	return kernel.Flags(v), nil
}

// fdFdstatSetRights (fd, base, inheriting).
func fdFdstatSetRights(c call) error {
	return c.p.SetRights(c.fd(0), kernel.Rights(c.u64(1)), kernel.Rights(c.u64(2)))
}

// fdFilestatGet (fd, stat: filestat*).
func fdFilestatGet(c call) error {
	out, err := c.mem.bytes(c.u32(1), filestatSize)
	if err != nil {
		return err
	}
	s, err := c.p.Stat(c.fd(0))
	if err == nil {
		putFilestat(out, s)
	}
	return err
}

// fdFilestatSetSize (fd, size).
func fdFilestatSetSize(c call) error { return c.p.SetSize(c.fd(0), c.u64(1)) }

// fdFilestatSetTimes (fd, atim, mtim, flags).
func fdFilestatSetTimes(c call) error {
	t, err := c.times(1)
	if err != nil {
		return err
	}
	return c.p.SetTimes(c.fd(0), t)
}

// $fstflags.
const (
	fstAtim = 1 << iota
	fstAtimNow
	fstMtim
	fstMtimNow
	fstAll = fstAtim | fstAtimNow | fstMtim | fstMtimNow
)

// times reads (atim, mtim, fstflags) from parameter i on.
func (c call) times(i int) (t kernel.Times, err error) {
	flags := c.u32(i + 2)
	const bothAtim, bothMtim = fstAtim | fstAtimNow, fstMtim | fstMtimNow
	if flags&^fstAll != 0 || flags&bothAtim == bothAtim || flags&bothMtim == bothMtim {
		return t, syscall.EINVAL
	}
	now := time.Time{}
	if flags&(fstAtimNow|fstMtimNow) != 0 {
		now = c.p.Clock().Now()
	}
	switch {
	case flags&fstAtim != 0:
		t.Atime = timeOf(c.u64(i))
	case flags&fstAtimNow != 0:
		t.Atime = now
	}
	switch {
	case flags&fstMtim != 0:
		t.Mtime = timeOf(c.u64(i + 1))
	case flags&fstMtimNow != 0:
		t.Mtime = now
	}
	return t, nil
}

// fdRead (fd, iovs, iovs_len, nread: u32*).
func fdRead(c call) error {
	return c.move(3, func(v *vector) (int, error) { return c.p.Read(c.fd(0), v.bufs) })
}

// fdWrite (fd, iovs, iovs_len, nwritten: u32*).
func fdWrite(c call) error {
	return c.move(3, func(v *vector) (int, error) { return c.p.Write(c.fd(0), v.bufs) })
}

// fdPread (fd, iovs, iovs_len, offset, nread: u32*).
func fdPread(c call) error {
	return c.move(4, func(v *vector) (int, error) { return c.p.ReadAt(c.fd(0), v.bufs, c.u64(3)) })
}

// fdPwrite (fd, iovs, iovs_len, offset, nwritten: u32*).
func fdPwrite(c call) error {
	return c.move(4, func(v *vector) (int, error) { return c.p.WriteAt(c.fd(0), v.bufs, c.u64(3)) })
}

// move reads the vector from parameters 1 and 2, moves bytes, and puts their number
// where parameter out points. That is checked first: bytes that have been moved
// cannot be taken back.
func (c call) move(out int, do func(*vector) (int, error)) error {
	count, err := c.mem.bytes(c.u32(out), 4)
	if err != nil {
		return err
	}
	v, err := c.mem.vector(c.u32(1), c.u32(2))
	if err != nil {
		return err
	}
	defer v.drop()
	n, err := do(v)
	if err == nil {
		le.PutUint32(count, uint32(n))
	}
	return err
}

// fdPrestatGet (fd, prestat: {tag: u8, name_len: u32}*).
func fdPrestatGet(c call) error {
	out, err := c.mem.bytes(c.u32(1), prestatSize)
	if err != nil {
		return err
	}
	name, err := c.p.Preopen(c.fd(0))
	if err != nil {
		return err
	}
	clear(out) // the tag of a directory is 0
	le.PutUint32(out[4:], uint32(len(name)))
	return nil
}

// fdPrestatDirName (fd, path: u8*, path_len). The name has no NUL.
func fdPrestatDirName(c call) error {
	name, err := c.p.Preopen(c.fd(0))
	if err != nil {
		return err
	}
	out, err := c.mem.bytes(c.u32(1), c.u32(2))
	if err != nil {
		return err
	}
	if len(out) < len(name) {
		return syscall.ENAMETOOLONG
	}
	copy(out, name)
	return nil
}

// fdReaddir (fd, buf, buf_len, cookie, bufused: u32*). The buffer is filled to its
// end, the last entry cut off if need be; a buffer that is not full says that
// there is no more.
func fdReaddir(c call) error {
	buf, err := c.mem.bytes(c.u32(1), c.u32(2))
	if err != nil {
		return err
	}
	used, err := c.mem.bytes(c.u32(4), 4)
	if err != nil {
		return err
	}
	cookie := c.u64(3)
	entries, err := c.p.ReadDir(c.fd(0), cookie)
	if err != nil {
		return err
	}
	n := 0
	for _, e := range entries {
		if n == len(buf) {
			break
		}
		cookie++
		var head [direntSize]byte
		putDirent(head[:], e, cookie)
		n += copy(buf[n:], head[:])
		n += copy(buf[n:], e.Name)
	}
	le.PutUint32(used, uint32(n))
	return nil
}

// fdSeek (fd, delta, whence, offset: u64*).
func fdSeek(c call) error {
	whence := c.u32(2)
	if whence > uint32(kernel.SeekEnd) {
		return syscall.EINVAL
	}
	return c.seek(int64(c.u64(1)), kernel.Whence(whence), 3)
}

// fdTell (fd, offset: u64*).
func fdTell(c call) error { return c.seek(0, kernel.SeekCur, 1) }

func (c call) seek(delta int64, from kernel.Whence, out int) error {
	result, err := c.mem.bytes(c.u32(out), 8)
	if err != nil {
		return err
	}
	off, err := c.p.Seek(c.fd(0), delta, from)
	if err == nil {
		le.PutUint64(result, uint64(off))
	}
	return err
}
