package kernel

import (
	"math"
	"syscall"
	"time"

	"dappco.re/go/cloche/fs"
)

// FDStat describes a descriptor.
type FDStat struct {
	Stat             fs.Stat
	Flags            Flags
	Base, Inheriting Rights
}

// Times are what a call that sets times is to set. A zero time stays as it is.
type Times struct{ Atime, Mtime time.Time }

// CloseFD closes a descriptor.
func (p *Process) CloseFD(fd FD) error { return p.fds.remove(fd) }

// Renumber moves a descriptor to a number that is in use, closing what was there.
func (p *Process) Renumber(from, to FD) error { return p.fds.renumber(from, to) }

// Preopen returns the name under which a directory was offered, or EBADF. A
// descriptor that was moved onto a preopen's number is no preopen, and a preopen
// that was moved stays one.
func (p *Process) Preopen(fd FD) (string, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return "", err
	}
	defer e.release()
	if e.preopen == "" {
		return "", syscall.EBADF
	}
	return e.preopen, nil
}

// Check answers EBADF unless fd is open.
func (p *Process) Check(fd FD) error {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return err
	}
	e.release()
	return nil
}

// FDStat describes a descriptor, which needs no right.
func (p *Process) FDStat(fd FD) (FDStat, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return FDStat{}, err
	}
	defer e.release()
	st, err := e.desc.obj.stat()
	if err != nil {
		return FDStat{}, err
	}
	return FDStat{Stat: st, Flags: e.flags(), Base: e.base, Inheriting: e.inheriting}, nil
}

// SetFlags replaces a descriptor's flags.
func (p *Process) SetFlags(fd FD, f Flags) error {
	if f&^allFlags != 0 {
		return syscall.EINVAL
	}
	return p.fds.update(fd, func(e *entry) error {
		if err := e.need(RightSetFlags); err != nil {
			return err
		}
		e.nonblock = f&FlagNonblock != 0
		e.desc.mu.Lock()
		e.desc.flags = f &^ FlagNonblock
		e.desc.mu.Unlock()
		return nil
	})
}

// SetRights gives rights up. None can be won.
func (p *Process) SetRights(fd FD, base, inheriting Rights) error {
	return p.fds.update(fd, func(e *entry) error {
		if base&^e.base != 0 || inheriting&^e.inheriting != 0 {
			return ErrNotCapable
		}
		e.base, e.inheriting = base, inheriting
		return nil
	})
}

// Stat describes what a descriptor refers to.
func (p *Process) Stat(fd FD) (fs.Stat, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return fs.Stat{}, err
	}
	defer e.release()
	if err := e.need(RightFilestatGet); err != nil {
		return fs.Stat{}, err
	}
	st, err := e.desc.obj.stat()
	if err != nil {
		return fs.Stat{}, err
	}
	return p.steady.stat(st)
}

// SetTimes sets the times of a file or directory.
func (p *Process) SetTimes(fd FD, t Times) error {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return err
	}
	defer e.release()
	if err := e.need(RightFilestatSetTimes); err != nil {
		return err
	}
	switch o := e.desc.obj.(type) {
	case *file:
		return p.refused("set times", o.label, o.node.SetTimes(t.Atime, t.Mtime))
	case *directory:
		return p.refused("set times", o.label(""), o.dir.SetOwnTimes(t.Atime, t.Mtime))
	}
	return syscall.EINVAL
}

// file acquires a descriptor that must be a regular file with these rights. A
// stream is otherStream, a directory otherDir.
func (p *Process) file(fd FD, r Rights, otherStream, otherDir error) (entry, *file, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return e, nil, err
	}
	f, ok := e.desc.obj.(*file)
	if ok {
		if err = e.need(r); err == nil {
			return e, f, nil
		}
	} else if _, dir := e.desc.obj.(*directory); dir {
		err = otherDir
	} else {
		err = otherStream
	}
	e.release()
	return entry{}, nil, err
}

// SetSize truncates or extends a file. It must be open for writing (ftruncate(2)).
func (p *Process) SetSize(fd FD, size uint64) error {
	e, f, err := p.file(fd, RightFilestatSetSize, syscall.EINVAL, syscall.EINVAL)
	if err != nil {
		return err
	}
	defer e.release()
	if size > math.MaxInt64 || !f.writable {
		return syscall.EINVAL
	}
	return p.refused("truncate", f.label, p.account.truncate(f, int64(size)))
}

// allocator is a Node that can reserve room, as posix_fallocate(3) does.
type allocator interface {
	Allocate(offset, size int64) error
}

// Allocate makes sure that a range of a file exists and, where the filesystem can,
// has room. One that cannot answers ENOTSUP: to extend the file by looking at its
// size first could cut off what another process appends meanwhile.
func (p *Process) Allocate(fd FD, offset, size uint64) error {
	e, f, err := p.file(fd, RightAllocate, syscall.ESPIPE, syscall.EBADF)
	if err != nil {
		return err
	}
	defer e.release()
	switch {
	case size == 0, offset > math.MaxInt64, size > math.MaxInt64:
		return syscall.EINVAL
	case offset > math.MaxInt64-size:
		return syscall.EFBIG
	case !f.writable:
		return syscall.EBADF
	}
	return p.refused("allocate", f.label, p.account.allocate(f, int64(offset), int64(size)))
}

// Advise takes a hint about a range of a file and does nothing with it.
func (p *Process) Advise(fd FD, offset, size uint64) error {
	if offset > math.MaxInt64 || size > math.MaxInt64 {
		return syscall.EINVAL
	}
	e, _, err := p.file(fd, RightAdvise, syscall.ESPIPE, syscall.EBADF)
	if err != nil {
		return err
	}
	e.release()
	return nil
}

// Sync makes a file or directory durable; metadata says how much of it.
func (p *Process) Sync(fd FD, metadata bool) error {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return err
	}
	defer e.release()
	right := RightDatasync
	if metadata {
		right = RightSync
	}
	switch o := e.desc.obj.(type) {
	case *file:
		if err := e.need(right); err != nil {
			return err
		}
		return o.node.Sync()
	case *directory:
		if err := e.need(right); err != nil {
			return err
		}
		return o.dir.Sync()
	}
	return syscall.EINVAL
}

// Read fills bufs in order and moves the offset. It returns 0 at the end.
func (p *Process) Read(fd FD, bufs [][]byte) (int, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return 0, err
	}
	defer e.release()
	if _, dir := e.desc.obj.(*directory); dir {
		return 0, syscall.EISDIR
	}
	if err := e.need(RightRead); err != nil {
		return 0, err
	}
	switch o := e.desc.obj.(type) {
	case *file:
		return e.desc.read(p.done, o, bufs)
	case source:
		return o.read(p.ctx, e.nonblock, bufs)
	}
	return 0, syscall.EBADF
}

// Write writes bufs in order and moves the offset.
func (p *Process) Write(fd FD, bufs [][]byte) (int, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return 0, err
	}
	defer e.release()
	if err := e.need(RightWrite); err != nil {
		return 0, err
	}
	switch o := e.desc.obj.(type) {
	case *file:
		n, err := e.desc.write(p.done, p.account, o, bufs)
		return n, p.refused("write", o.label, err)
	case sink:
		return o.write(p.ctx, e.nonblock, bufs)
	}
	return 0, syscall.EBADF
}

// ReadAt fills bufs from an offset of its own.
func (p *Process) ReadAt(fd FD, bufs [][]byte, off uint64) (int, error) {
	e, f, err := p.file(fd, RightRead|RightSeek, syscall.ESPIPE, syscall.EISDIR)
	if err != nil {
		return 0, err
	}
	defer e.release()
	if off > math.MaxInt64 {
		return 0, syscall.EINVAL
	}
	return f.readAt(p.done, bufs, int64(off))
}

// WriteAt writes bufs to an offset of its own.
func (p *Process) WriteAt(fd FD, bufs [][]byte, off uint64) (int, error) {
	e, f, err := p.file(fd, RightWrite|RightSeek, syscall.ESPIPE, syscall.EBADF)
	if err != nil {
		return 0, err
	}
	defer e.release()
	if off > math.MaxInt64 {
		return 0, syscall.EINVAL
	}
	n, err := e.desc.writeAt(p.done, p.account, f, bufs, int64(off))
	return n, p.refused("write", f.label, err)
}

// Seek moves the offset. To stay where one is takes RightTell only.
func (p *Process) Seek(fd FD, delta int64, from Whence) (int64, error) {
	right := RightSeek
	if delta == 0 && from == SeekCur {
		right = RightTell
	}
	e, f, err := p.file(fd, right, syscall.ESPIPE, syscall.EBADF)
	if err != nil {
		return 0, err
	}
	defer e.release()
	return e.desc.seek(f, delta, from)
}

// ReadDir returns the entries of a directory from cookie on; the first of them has
// the cookie cookie+1. The slice must not be changed.
func (p *Process) ReadDir(fd FD, cookie uint64) ([]fs.Entry, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return nil, err
	}
	defer e.release()
	d, ok := e.desc.obj.(*directory)
	if !ok {
		return nil, syscall.ENOTDIR
	}
	if err := e.need(RightReaddir); err != nil {
		return nil, err
	}
	entries, err := d.list(cookie)
	return entries, p.refused("list", d.label(""), err)
}
