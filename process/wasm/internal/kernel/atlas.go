package kernel

import (
	"errors"
	iofs "io/fs"
	"strings"
	"sync"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// atlas knows where in the guest's tree the open directories of all its processes
// are, also when the guest moves them. A handle alone could not tell, and a limit
// on depth that a rename of an open directory voids would be none.
type atlas struct {
	// moving is held for writing while something is renamed, and for reading
	// from the walk to a place until a directory is made or opened there: only
	// under LimitDepth.
	moving sync.RWMutex

	mu   sync.Mutex
	open map[*directory]struct{}
}

// maxWhere is how many bytes the path of an open directory may have: what a guest
// makes by going down from handle to handle has no end otherwise, and each handle
// holds its path.
const maxWhere = 16 << 10

// enter makes d known, at the path where it was just found.
func (a *atlas) enter(d *directory) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = make(map[*directory]struct{})
	}
	a.open[d] = struct{}{}
}

func (a *atlas) leave(d *directory) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, d)
}

// where is the path of d from the root, without symlinks.
func (a *atlas) where(d *directory) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return d.where
}

// moved notes that what was at one path is now at another.
func (a *atlas) moved(from, to string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for d := range a.open {
		if rest, below := strings.CutPrefix(d.where, from); below && (rest == "" || rest[0] == '/') {
			d.where = to + rest
			// Too long is too long, however much: nothing is opened below it.
			d.where = d.where[:min(len(d.where), maxWhere+1)]
		}
	}
}

// depth is how deep below the root a path is that is absolute and clean.
func depth(path string) int {
	if path == "/" {
		return 0
	}
	return strings.Count(path, "/")
}

// tooDeep refuses a directory at that depth.
func (a *Account) tooDeep(depth int) error {
	if max := a.limits.Depth; max != 0 && depth > max {
		return exceeded(LimitDepth, int64(max))
	}
	return nil
}

// settle keeps everything in the tree where it is until release is called.
func (a *Account) settle() (release func()) {
	if a.limits.Depth == 0 {
		return func() {}
	}
	a.atlas.moving.RLock()
	return a.atlas.moving.RUnlock
}

// stir lets nobody else look or move until release is called.
func (a *Account) stir() (release func()) {
	if a.limits.Depth == 0 {
		return func() {}
	}
	a.atlas.moving.Lock()
	return a.atlas.moving.Unlock
}

// admitMove refuses a rename that would take a directory, or one below it, too
// deep. Only one that goes down needs a look at all there is in it.
func (a *Account) admitMove(from, to *target) error {
	if a.limits.Depth == 0 {
		return nil
	}
	now, then := depth(from.where()), depth(to.where())
	if then <= now {
		return nil
	}
	st, err := from.Dir.Lookup(from.Name)
	if err != nil || !st.Mode.IsDir() {
		return err
	}
	if err := a.tooDeep(then); err != nil {
		return err
	}
	d, err := from.Dir.OpenDir(from.Name)
	if err != nil {
		return err
	}
	defer d.Close()
	return a.admitTree(from.p, d, then)
}

// admitTree refuses a directory that goes too deep when it is at that depth.
func (a *Account) admitTree(p *Process, d fs.Dir, depth int) error {
	if p.Stopped() {
		return ErrStopped
	}
	entries, err := d.ReadDir()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Mode&iofs.ModeDir == 0 {
			continue
		}
		if err := a.tooDeep(depth + 1); err != nil {
			return err
		}
		sub, err := d.OpenDir(e.Name)
		if errors.Is(err, syscall.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		err = a.admitTree(p, sub, depth+1)
		sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
