package kernel

import "syscall"

// What can make a file longer goes through here, within LimitWritten and
// LimitFileSize.

// writeAt is f.writeAt.
func (a *Account) writeAt(stop stopper, f *file, bufs [][]byte, off int64) (int, error) {
	if a.limits.FileSize != 0 {
		a.growing.RLock()
		defer a.growing.RUnlock()
	}
	bufs, taken, err := a.room(bufs, off)
	if err != nil {
		return 0, err
	}
	n, err := f.writeAt(stop, bufs, off)
	a.written.giveBack(taken - int64(n))
	return n, err
}

// append is f.append. Under LimitFileSize the end must stay where it is until the
// bytes are there.
func (a *Account) append(stop stopper, f *file, bufs [][]byte) (n int, end int64, err error) {
	if a.limits.FileSize != 0 {
		a.growing.Lock()
		defer a.growing.Unlock()
		st, err := f.stat()
		if err != nil {
			return 0, 0, err
		}
		end = st.Size
	}
	bufs, taken, err := a.room(bufs, end)
	if err != nil {
		return 0, 0, err
	}
	n, end, err = f.append(stop, bufs)
	a.written.giveBack(taken - int64(n))
	return n, end, err
}

// room returns as much of bufs as may be written at off, and takes that from what
// may be written. It refuses when that is nothing: until then a write is partial,
// as POSIX has it for a file that reaches its limit (write(2)).
func (a *Account) room(bufs [][]byte, off int64) (allowed [][]byte, taken int64, err error) {
	if a.limits.FileSize == 0 && a.limits.Written == 0 {
		return bufs, 0, nil
	}
	want := int64(total(bufs))
	if want == 0 {
		return bufs, 0, nil
	}
	most := want
	if max := a.limits.FileSize; max != 0 {
		if off >= max {
			return nil, 0, exceeded(LimitFileSize, max)
		}
		most = min(most, max-off)
	}
	taken = a.written.take(most)
	if taken == 0 {
		return nil, 0, exceeded(LimitWritten, a.limits.Written)
	}
	if taken < want {
		bufs = clip(bufs, taken)
	}
	return bufs, taken, nil
}

// clip returns the first n bytes of bufs. It changes the slices in bufs, not what
// they point to.
func clip(bufs [][]byte, n int64) [][]byte {
	for i, b := range bufs {
		if int64(len(b)) >= n {
			bufs[i] = b[:n]
			return bufs[:i+1]
		}
		n -= int64(len(b))
	}
	return bufs
}

// truncate sets the size of f. What it adds is a hole, which takes no room.
func (a *Account) truncate(f *file, size int64) error {
	unlock, err := a.reach(f, size)
	if err != nil {
		return err
	}
	defer unlock()
	return f.node.Truncate(size)
}

// allocate reserves room, which counts as written.
func (a *Account) allocate(f *file, offset, size int64) error {
	node, ok := f.node.(allocator)
	if !ok {
		return syscall.ENOTSUP
	}
	unlock, err := a.reach(f, offset+size)
	if err != nil {
		return err
	}
	defer unlock()
	if !a.written.takeAll(size) {
		return exceeded(LimitWritten, a.limits.Written)
	}
	if err := node.Allocate(offset, size); err != nil {
		a.written.giveBack(size)
		return err
	}
	return nil
}

// reach refuses to make f longer than LimitFileSize. A file that is longer already
// may stay so, or become shorter. Until unlock is called, the tree's other
// processes do not change whether f gets longer.
func (a *Account) reach(f *file, size int64) (unlock func(), err error) {
	max := a.limits.FileSize
	switch {
	case max == 0:
		return func() {}, nil
	case size <= max:
		a.growing.RLock()
		return a.growing.RUnlock, nil
	}
	a.growing.Lock()
	st, err := f.stat()
	if err == nil && size > st.Size {
		err = exceeded(LimitFileSize, max)
	}
	if err != nil {
		a.growing.Unlock()
		return nil, err
	}
	return a.growing.Unlock, nil
}
