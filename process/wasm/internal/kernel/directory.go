package kernel

import (
	"cmp"
	"errors"
	iofs "io/fs"
	"slices"
	"sync"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// directory is an open directory.
type directory struct {
	dir fs.Dir
	// path is where the guest found it, for the text of refusals. It may be out of
	// date: the handle, not the path, is the directory.
	path string
	// where is the atlas's own note of where it is now.
	where string
	atlas *atlas
	// isRoot says that it is the root of the guest's tree, whose ".." is itself.
	isRoot bool

	mu      sync.Mutex
	entries []fs.Entry // the listing that cookies count in
}

func (d *directory) stat() (fs.Stat, error) { return d.dir.Stat() }

func (d *directory) close() {
	d.atlas.leave(d)
	d.dir.Close()
}

// list returns the listing from cookie on, and counts in it stay right until
// the guest begins again at 0: then it is taken anew. So a directory that changes
// while it is read shows each entry that stayed exactly once.
func (d *directory) list(cookie uint64) ([]fs.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cookie == 0 || d.entries == nil {
		entries, err := d.snapshot()
		if err != nil {
			return nil, err
		}
		d.entries = entries
	}
	if cookie >= uint64(len(d.entries)) {
		return nil, nil
	}
	return d.entries[cookie:], nil
}

// snapshot lists the directory in an order that does not depend on the host.
func (d *directory) snapshot() ([]fs.Entry, error) {
	own, err := d.dir.Stat()
	if err != nil {
		return nil, err
	}
	found, err := d.dir.ReadDir()
	if errors.Is(err, syscall.ENOENT) {
		return []fs.Entry{}, nil // it has been removed
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b fs.Entry) int { return cmp.Compare(a.Name, b.Name) })
	// The parent may be outside what the guest may know, so ".." has no number of
	// its own, except at the root.
	up := fs.Entry{Name: "..", Mode: iofs.ModeDir}
	if d.isRoot {
		up.Ino = own.Ino
	}
	dots := []fs.Entry{{Name: ".", Mode: iofs.ModeDir, Ino: own.Ino}, up}
	return append(dots, found...), nil
}
