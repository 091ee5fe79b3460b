package kernel

import (
	"cmp"
	"errors"
	iofs "io/fs"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"dappco.re/go/cloche/fs"
)

// directory is an open directory.
type directory struct {
	dir fs.Dir
	// path is where the guest found it, for the text of refusals. It may be out of
	// date: the handle, not the path, is the directory.
	path string
	// where is the atlas's own note of where it is now.
	where   string
	account *Account
	steady  *steady
	// isRoot says that it is the root of the guest's tree, whose ".." is itself.
	isRoot bool

	mu      sync.Mutex
	entries []fs.Entry // the listing that cookies count in
	held    int64      // what it takes of account.listed
}

// maxListed is how many bytes the listings that a tree of processes holds may take:
// a million names are some 50 MiB, and each handle on their directory has them again.
const maxListed = 256 << 20

func (d *directory) stat() (fs.Stat, error) { return d.dir.Stat() }

func (d *directory) close() {
	d.account.atlas.leave(d)
	d.forget()
	d.dir.Close()
}

// list returns the listing from cookie on, and counts in it stay right until
// the guest begins again at 0: then it is taken anew. So a directory that changes
// while it is read shows each entry that stayed exactly once.
func (d *directory) list(cookie uint64) ([]fs.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cookie == 0 || d.entries == nil {
		d.forget()
		entries, err := d.snapshot()
		if err == nil {
			err = d.keep(entries)
		}
		if err != nil {
			return nil, err
		}
	}
	if cookie >= uint64(len(d.entries)) {
		return nil, nil
	}
	return d.entries[cookie:], nil
}

// keep holds a listing, if there is room for it.
func (d *directory) keep(entries []fs.Entry) error {
	size := int64(len(entries)) * int64(unsafe.Sizeof(fs.Entry{}))
	for i := range entries {
		size += int64(len(entries[i].Name))
	}
	if !d.account.listed.takeAll(size) {
		return &fs.DeniedError{
			Op: "list", Rule: fs.RuleListings, Err: syscall.ENOMEM,
			Fix: "close directories that have been read, or keep fewer files in one",
		}
	}
	d.entries, d.held = entries, size
	return nil
}

// forget lets go of the listing.
func (d *directory) forget() {
	d.account.listed.giveBack(d.held)
	d.entries, d.held = nil, 0
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
	if own, err = d.steady.stat(own); err == nil {
		err = d.steady.list(d.dir, found)
	}
	if err != nil {
		return nil, err
	}
	// The parent may be outside what the guest may know, so ".." has no number of
	// its own, except at the root.
	up := fs.Entry{Name: "..", Mode: iofs.ModeDir}
	if d.isRoot {
		up.Ino = own.Ino
	}
	dots := []fs.Entry{{Name: ".", Mode: iofs.ModeDir, Ino: own.Ino}, up}
	return append(dots, found...), nil
}
