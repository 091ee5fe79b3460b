package fs

import (
	"syscall"
)

// Layer is a filesystem that shows a base and keeps in memory whatever is
// changed: the base stays as it is until Commit.
//
// What nobody changed is read from the base when it is asked for, and so shows
// what others make of the base meanwhile. A file is copied into memory as a whole
// when its content is first written to; a rename copies nothing. Hard links that
// the base has are separate files once they are changed. What is kept in memory is
// bounded as Memory's is; files that were only read take none.
//
// Commit and Discard want files and directories closed that were opened before:
// those that are open stay as they are, but what is done through them later is
// lost.
type Layer struct {
	*Fs
	tree *memTree
}

// Overlay returns a Layer over base, which stays the caller's and may be any
// restricted Fs, a Layer's included. An unrestricted one is refused: whoever means
// a directory of the host names it, by Sub.
func Overlay(base *Fs, opts ...MemoryOption) (*Layer, error) {
	if base.Unrestricted() {
		return nil, &DeniedError{
			Op: "overlay", Path: "/", Rule: RuleWholeBase,
			Fix: "name a directory of it, by Sub", Err: syscall.EPERM,
		}
	}
	d, err := base.Dir()
	if err != nil {
		return nil, err
	}
	under, err := d.Dup()
	if err != nil {
		d.Close()
		return nil, err
	}
	t := newTree(d, opts)
	st, err := d.Stat()
	if err != nil {
		d.Close()
		under.Close()
		return nil, err
	}
	t.root.mode, t.root.mtime, t.root.own = st.Mode, st.Mtime, false
	return &Layer{FromDir(t.open(t.root, under)), t}, nil
}

// Discard forgets every change.
func (l *Layer) Discard() error {
	return l.with(func(_, _ Dir) error {
		l.tree.reset()
		return nil
	})
}

// with runs f with the roots of the base and of the layer.
func (l *Layer) with(f func(base, own Dir) error) error {
	own, err := l.Dir()
	if err != nil {
		return err
	}
	defer own.Close()
	base, err := l.tree.base.Dup()
	if err != nil {
		return err
	}
	defer base.Close()
	return f(base, own)
}

// reset makes the root show the base again, for every handle on it.
func (t *memTree) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.root.entries = make(map[string]*dirent)
	t.room = &budget{max: t.room.max} // what is still open keeps to the old one
	t.root.data.budget = t.room
}
