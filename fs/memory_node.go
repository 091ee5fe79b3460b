package fs

import (
	"crypto/sha256"
	"io"
	iofs "io/fs"
	"sync/atomic"
	"syscall"
	"time"
)

// memNode is an open file of a tree.
type memNode struct {
	tree               *memTree
	in                 *inode
	readable, writable bool
	closed             atomic.Bool
}

func (n *memNode) may(allowed bool) error {
	switch {
	case n.closed.Load():
		return syscall.EBADF
	case !allowed:
		return syscall.EBADF
	}
	return nil
}

func (n *memNode) ReadAt(p []byte, off int64) (int, error) {
	if err := n.may(n.readable); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, syscall.EINVAL
	}
	n.in.mu.RLock()
	defer n.in.mu.RUnlock()
	if n.in.under != nil {
		return n.in.under.ReadAt(p, off)
	}
	done := n.in.data.readAt(p, off)
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

func (n *memNode) WriteAt(p []byte, off int64) (int, error) {
	switch err := n.may(n.writable); {
	case err != nil:
		return 0, err
	case off < 0:
		return 0, syscall.EINVAL
	case !fits(off, len(p)):
		return 0, syscall.EFBIG
	case len(p) == 0:
		return 0, nil
	}
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	if err := n.in.copyUp(); err != nil {
		return 0, err
	}
	done, err := n.in.data.writeAt(p, off)
	n.in.written()
	return done, err
}

func (n *memNode) Append(p []byte) (int, int64, error) {
	if err := n.may(n.writable); err != nil {
		return 0, 0, err
	}
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	if err := n.in.copyUp(); err != nil {
		return 0, 0, err
	}
	if !fits(n.in.data.size, len(p)) {
		return 0, n.in.data.size, syscall.EFBIG
	}
	if len(p) == 0 {
		return 0, n.in.data.size, nil
	}
	done, err := n.in.data.writeAt(p, n.in.data.size)
	n.in.written()
	return done, n.in.data.size, err
}

func (n *memNode) Truncate(size int64) error {
	switch err := n.may(true); {
	case err != nil:
		return err
	case size < 0 || !n.writable:
		return syscall.EINVAL
	case size > maxContents:
		return syscall.EFBIG
	}
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	return n.in.truncate(size)
}

func (n *memNode) Stat() (Stat, error) {
	if err := n.may(true); err != nil {
		return Stat{}, err
	}
	return n.in.stat()
}

func (n *memNode) SetTimes(atime, mtime time.Time) error {
	return n.change(func(in *inode) { in.setTimes(atime, mtime) })
}

func (n *memNode) SetMode(perm iofs.FileMode) error {
	return n.change(func(in *inode) {
		in.mode = in.mode.Type() | perm.Perm()
		in.ctime = in.now()
	})
}

// change changes attributes.
func (n *memNode) change(change func(*inode)) error {
	if err := n.may(true); err != nil {
		return err
	}
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	if err := n.in.takeAttributes(); err != nil {
		return err
	}
	change(n.in)
	return nil
}

// Allocate makes a file as long as the range reaches. Memory is taken when it is
// written to.
func (n *memNode) Allocate(offset, size int64) error {
	if err := n.may(n.writable); err != nil {
		return err
	}
	if offset < 0 || size <= 0 {
		return syscall.EINVAL
	}
	if offset > maxContents || size > maxContents-offset {
		return syscall.EFBIG
	}
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	if err := n.in.copyUp(); err != nil {
		return err
	}
	if offset+size > n.in.data.size {
		n.in.data.truncate(offset + size)
		n.in.written()
	}
	return nil
}

func (n *memNode) Sync() error { return n.may(true) }

func (n *memNode) Close() error {
	if n.closed.Swap(true) {
		return syscall.EBADF
	}
	t := n.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	if n.in.opens--; n.in.opens == 0 {
		n.in.mu.Lock()
		err = n.in.letGo()
		n.in.mu.Unlock()
		t.free(n.in)
		t.forget(n.in)
	}
	t.release()
	return err
}

// The methods below are called with the inode's lock held.

func (i *inode) written() {
	i.mtime = i.now()
	i.ctime = i.mtime
	i.own = true
}

func (i *inode) truncate(size int64) error {
	if i.under != nil && size > 0 {
		if err := i.copyUp(); err != nil {
			return err
		}
	}
	if err := i.takeAttributes(); err != nil {
		return err
	}
	if err := i.abandonBase(); err != nil {
		return err
	}
	i.data.truncate(size)
	i.written()
	return nil
}

// takeAttributes makes the base's attributes the inode's own, before one of them
// changes.
func (i *inode) takeAttributes() error {
	if i.own || i.isDir() || i.isSymlink() {
		i.own = true // a directory and a symlink have them from the beginning
		return nil
	}
	st, err := i.baseStat()
	if err != nil {
		return err
	}
	i.mode, i.atime, i.mtime, i.ctime = st.Mode, st.Atime, st.Mtime, st.Ctime
	i.own = true
	return nil
}

// copyUp makes the base's content the inode's own, before it changes.
func (i *inode) copyUp() error {
	if i.copied {
		return nil
	}
	if err := i.takeAttributes(); err != nil {
		return err
	}
	was, err := i.under.Stat()
	if err != nil {
		return err
	}
	mine := contents{budget: i.data.budget}
	sum := sha256.New()
	buf := make([]byte, chunkSize)
	for off := int64(0); ; {
		n, err := i.under.ReadAt(buf, off)
		if !fits(off, n) {
			return syscall.EFBIG
		}
		if _, err := mine.writeAt(buf[:n], off); err != nil {
			mine.truncate(0)
			return err
		}
		sum.Write(buf[:n])
		off += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			mine.truncate(0)
			return err
		}
	}
	i.data = mine
	i.copied = true
	i.seen = &seen{stat: was}
	sum.Sum(i.seen.digest[:0])
	return i.letGo()
}

// abandonBase gives up content that is about to be cut off entirely.
func (i *inode) abandonBase() error {
	i.copied = true
	return i.letGo()
}

// letGo closes the base's file.
func (i *inode) letGo() error {
	if i.under == nil {
		return nil
	}
	err := i.under.Close()
	i.under = nil
	return err
}
