package kernel

import (
	"errors"
	"io"
	"math"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// file is a regular file. The offset is the description's.
type file struct {
	node     fs.Node
	once     onceReader // node, where it is one
	writable bool
	label    label
}

func newFile(node fs.Node, writable bool, l label) *file {
	once, _ := node.(onceReader)
	return &file{node: node, once: once, writable: writable, label: l}
}

func (f *file) stat() (fs.Stat, error) { return f.node.Stat() }
func (f *file) close()                 { f.node.Close() }

// onceReader is a Node that can read as pread(2) does: fewer bytes than asked for
// are no error, and none are the end. ReadAt has to look for the end once more.
type onceReader interface {
	ReadOnce(p []byte, off int64) (int, error)
}

func (f *file) readOnce(p []byte, off int64) (int, error) {
	if f.once != nil {
		return f.once.ReadOnce(p, off)
	}
	return f.node.ReadAt(p, off)
}

// readAt fills bufs in order from off. As in readv(2), an error after some bytes
// is left for the next call. No file reaches beyond the largest offset, so neither
// does a read: there, where systems differ, it is at the end.
func (f *file) readAt(stop stopper, bufs [][]byte, off int64) (n int, err error) {
	for _, b := range bufs {
		if stop.after(n) {
			return n, ErrStopped
		}
		b = b[:min(int64(len(b)), math.MaxInt64-off-int64(n))]
		m, err := f.readOnce(b, off+int64(n))
		n += m
		if err != nil && !errors.Is(err, io.EOF) {
			return n, afterProgress(n, err)
		}
		if m < len(b) {
			break
		}
	}
	return n, nil
}

func (f *file) writeAt(stop stopper, bufs [][]byte, off int64) (n int, err error) {
	if err := fits(bufs, off); err != nil {
		return 0, err
	}
	for _, b := range bufs {
		if stop.after(n) {
			return n, ErrStopped
		}
		m, err := f.node.WriteAt(b, off+int64(n))
		n += m
		if err != nil {
			return n, afterProgress(n, err)
		}
	}
	return n, nil
}

// append writes at the end and returns where the end is then.
func (f *file) append(stop stopper, bufs [][]byte) (n int, end int64, err error) {
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		if stop.after(n) {
			return n, end, ErrStopped
		}
		m, e, err := f.node.Append(b)
		n += m
		if m > 0 {
			end = e
		}
		if err != nil {
			return n, end, afterProgress(n, err)
		}
	}
	return n, end, nil
}

// MaxStep is how many bytes of a file are moved between two looks at whether the
// process is to stop, if no buffer is longer: a guest can ask for 4 GiB in one call.
const MaxStep = 4 << 20

// stopper is closed when a process is to stop.
type stopper <-chan struct{}

// after reports whether to stop now that n bytes have been moved.
func (s stopper) after(n int) bool {
	if n < MaxStep {
		return false
	}
	select {
	case <-s:
		return true
	default:
		return false
	}
}

// fits answers EFBIG when a write would reach beyond the largest offset.
func fits(bufs [][]byte, off int64) error {
	if int64(total(bufs)) > math.MaxInt64-off {
		return syscall.EFBIG
	}
	return nil
}

// afterProgress hides an error behind the bytes that were moved before it.
func afterProgress(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

// read reads at the offset and moves it.
func (d *description) read(stop stopper, f *file, bufs [][]byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := f.readAt(stop, bufs, d.offset)
	d.offset += int64(n)
	return n, err
}

// write writes at the offset, or at the end under FlagAppend, and moves it.
func (d *description) write(stop stopper, a *Account, f *file, bufs [][]byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var n int
	var err error
	if d.flags&FlagAppend != 0 {
		var end int64
		if n, end, err = a.append(stop, f, bufs); n > 0 {
			d.offset = end
		}
	} else {
		n, err = a.writeAt(stop, f, bufs, d.offset)
		d.offset += int64(n)
	}
	if err == nil && n > 0 && d.flags&(FlagSync|FlagDsync) != 0 {
		err = f.node.Sync()
	}
	return n, err
}

// writeAt writes elsewhere and leaves the offset alone. POSIX says that it goes
// where it is told even under FlagAppend (pwrite(2), BUGS).
func (d *description) writeAt(stop stopper, a *Account, f *file, bufs [][]byte, off int64) (int, error) {
	n, err := a.writeAt(stop, f, bufs, off)
	d.mu.Lock()
	sync := d.flags&(FlagSync|FlagDsync) != 0
	d.mu.Unlock()
	if err == nil && n > 0 && sync {
		err = f.node.Sync()
	}
	return n, err
}

// Whence is what a seek is relative to, numbered as in WASI preview 1.
type Whence uint8

const (
	SeekSet Whence = iota
	SeekCur
	SeekEnd
)

func (d *description) seek(f *file, delta int64, from Whence) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	base := int64(0)
	switch from {
	case SeekSet:
	case SeekCur:
		base = d.offset
	case SeekEnd:
		st, err := f.stat()
		if err != nil {
			return 0, err
		}
		base = st.Size
	default:
		return 0, syscall.EINVAL
	}
	switch {
	case delta > 0 && base > math.MaxInt64-delta:
		return 0, syscall.EOVERFLOW
	case base+delta < 0:
		return 0, syscall.EINVAL
	}
	d.offset = base + delta
	return d.offset, nil
}
