package fs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	iofs "io/fs"
	"sync"
	"syscall"
	"time"
)

// Memory returns an empty filesystem that lives in memory and goes with it.
//
// It keeps to POSIX: names are bytes and differ in case, handles stay right when
// what they lead to is renamed or removed, files may have holes, which take no
// memory. Permissions are kept, after a umask of 022, and nobody is held to them.
// A file has at most 2^50 bytes (EFBIG), and all of them together, in blocks, with
// 512 bytes for each entry, its name and what a symlink holds, at most 1 GiB
// (ENOSPC).
func Memory(opts ...MemoryOption) *Fs {
	t := newTree(nil, opts)
	return FromDir(t.open(t.root, nil))
}

// MemoryOption configures Memory, and what Overlay keeps in memory.
type MemoryOption func(*memTree)

// WithClock dates what happens to files by now in the place of the host's time. now
// is called with locks held, from any goroutine, and must use no file of this Fs.
func WithClock(now func() time.Time) MemoryOption {
	return func(t *memTree) { t.now = now }
}

// memTree is a filesystem of inodes. Memory is one with nothing below it; in an
// Overlay, what has not been changed is read from the base.
//
// Locks: an inode's lock, the tree's mu, an inode's mu. The base is called under
// all of them.
type memTree struct {
	base Dir // nil without one
	now  func() time.Time
	dev  uint64
	root *inode
	room *budget // guarded by mu

	mu      sync.RWMutex
	lastIno uint64
	handles int // on directories and files; the last one closes the base
}

// inode is a file, directory or symlink.
//
// One with an origin is what the base has there, until it is changed: a
// directory whose entries are the base's but for those it knows better, a file
// whose content, or attributes, or both, are still the base's.
type inode struct {
	dev, ino uint64
	now      func() time.Time
	origin   *origin // nil when the base knows nothing of it

	// Guarded by memTree.mu.
	entries map[string]*dirent // of a directory
	parent  *inode             // of a directory; nil for the root
	removed bool               // a directory that is gone, though a handle may remain
	moved   bool               // has, or had, a name that the base does not give it
	opens   int                // handles on it

	kind   iofs.FileMode // the type; never changes
	target string        // of a symlink; never changes

	lock   sync.Mutex   // a directory's, for Update
	mu     sync.RWMutex // guards what follows
	mode   iofs.FileMode
	nlink  uint64
	atime  time.Time
	mtime  time.Time
	ctime  time.Time
	own    bool // attributes are its own, not the base's
	copied bool // content is its own, not the base's
	data   contents
	under  Node  // the base's file, while open and not copied
	seen   *seen // what was copied
}

// seen is what the base's file was when it was copied.
type seen struct {
	stat   Stat
	digest [sha256.Size]byte
}

// dirent is what a directory knows of one name.
type dirent struct {
	in    *inode // nil when the name is taken away
	first *inode // what the base has there; nil for nothing
	was   *Stat  // the same, as it was when the name was first touched
}

func newTree(base Dir, opts []MemoryOption) *memTree {
	var b [8]byte
	rand.Read(b[:]) // never fails
	t := &memTree{base: base, now: time.Now, room: &budget{max: maxMemory}, dev: binary.LittleEndian.Uint64(b[:])}
	for _, o := range opts {
		o(t)
	}
	t.root, _ = t.make(iofs.ModeDir|0o755, "") // there is room for one
	if base != nil {
		t.root.origin = &origin{root: base}
	}
	return t
}

// make makes an inode that the base knows nothing of; target is a symlink's. The
// caller holds mu, or is alone.
func (t *memTree) make(mode iofs.FileMode, target string) (*inode, error) {
	if err := t.room.take(inodeCost + int64(len(target))); err != nil {
		return nil, err
	}
	t.lastIno++
	now := t.now()
	in := &inode{
		dev: t.dev, ino: t.lastIno, now: t.now, target: target,
		kind: mode.Type(), mode: mode, nlink: 1, atime: now, mtime: now, ctime: now,
		own: true, copied: true, data: contents{budget: t.room},
	}
	if mode.IsDir() {
		in.entries = make(map[string]*dirent)
	}
	return in, nil
}

// free gives back the memory of an inode that nobody can reach any more. The
// caller holds mu.
func (t *memTree) free(i *inode) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.nlink > 0 || i.opens > 0 {
		return
	}
	if i.origin == nil {
		i.data.budget.giveBack(inodeCost + int64(len(i.target)))
	}
	i.data.truncate(0)
}

// open makes a handle on a directory, and takes under over. The caller holds mu.
func (t *memTree) open(in *inode, under Dir) *memDir {
	in.opens++
	t.handles++
	return &memDir{tree: t, in: in, under: under}
}

// release says that a handle, or an open file, is closed. The caller holds mu.
func (t *memTree) release() {
	if t.handles--; t.handles == 0 && t.base != nil {
		t.base.Close()
	}
}

func (i *inode) isDir() bool     { return i.entries != nil }
func (i *inode) isSymlink() bool { return i.kind&iofs.ModeSymlink != 0 }

// special is what only the base can have: a device, a FIFO, a socket.
func (i *inode) special() bool { return !i.isDir() && !i.isSymlink() && !i.kind.IsRegular() }

// touch says that the directory's entries changed.
func (i *inode) touch() {
	now := i.now()
	i.mu.Lock()
	i.mtime, i.ctime, i.own = now, now, true
	i.mu.Unlock()
}

// named counts the names of a file up or down.
func (i *inode) named(by int) {
	i.mu.Lock()
	i.nlink += uint64(by)
	i.ctime = i.now()
	i.mu.Unlock()
}

func (i *inode) setTimes(atime, mtime time.Time) {
	if !atime.IsZero() {
		i.atime = atime
	}
	if !mtime.IsZero() {
		i.mtime = mtime
	}
	i.ctime = i.now()
	i.own = true
}

// put gives a name to in, if there is room for one that the directory has not had.
func (i *inode) put(name string, in *inode) error {
	e := i.entries[name]
	if e == nil {
		if err := i.data.budget.take(nameCost + int64(len(name))); err != nil {
			return err
		}
		e = new(dirent)
		i.entries[name] = e
	}
	e.in = in
	i.touch()
	return nil
}

// drop takes a name away, and remembers that it did while the base has it.
func (i *inode) drop(name string) {
	if e := i.entries[name]; e.was != nil {
		e.in = nil
	} else {
		delete(i.entries, name)
		i.data.budget.giveBack(nameCost + int64(len(name)))
	}
	i.touch()
}

// below reports whether i is dir or lies somewhere below it.
func (i *inode) below(dir *inode) bool {
	for ; i != nil; i = i.parent {
		if i == dir {
			return true
		}
	}
	return false
}

// attributes are i's own Stat, without what the base still says.
func (i *inode) attributes() Stat {
	return Stat{
		Mode: i.mode, Size: i.data.size,
		Dev: i.dev, Ino: i.ino, Nlink: i.nlink,
		Atime: i.atime, Mtime: i.mtime, Ctime: i.ctime,
	}
}

// stat describes i.
func (i *inode) stat() (Stat, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	st := i.attributes()
	switch {
	case i.isSymlink():
		st.Size = int64(len(i.target))
		return st, nil
	case i.isDir() || i.copied:
		return st, nil
	}
	base, err := i.baseStat()
	if err != nil {
		return Stat{}, err
	}
	if i.own {
		st.Size = base.Size
		return st, nil
	}
	base.Nlink += i.nlink - 1
	return base, nil
}

// baseStat is the base's word on a file. The caller holds the inode's lock.
func (i *inode) baseStat() (Stat, error) {
	if i.under != nil {
		return i.under.Stat()
	}
	return i.origin.stat()
}

// origin is where in the base an inode comes from. It holds nothing open: a
// directory is opened again from the base's root, one name at a time.
type origin struct {
	up   *origin // nil for the root itself
	root Dir     // the root's handle, the tree's
	name string
	dir  *inode  // in which the overlay shows it, unless it was moved
	at   *dirent // in that directory
}

// open opens it as a directory.
func (o *origin) open() (Dir, error) {
	if o.up == nil {
		return o.root.Dup()
	}
	parent, err := o.up.open()
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return parent.OpenDir(o.name)
}

func (o *origin) stat() (Stat, error) {
	parent, err := o.up.open()
	if err != nil {
		return Stat{}, err
	}
	defer parent.Close()
	return parent.Lookup(o.name)
}

// file opens it as a file, for reading.
func (o *origin) file() (Node, error) {
	parent, err := o.up.open()
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return parent.OpenFile(o.name, 0, 0)
}

// way is the path from the base's root.
func (o *origin) way() string {
	if o.up == nil || o.up.up == nil {
		return o.name
	}
	return o.up.way() + "/" + o.name
}

// cost is what it takes to know of it: an inode, which has the target of a symlink,
// and a name.
func (o *origin) cost() int64 {
	return inodeCost + nameCost + int64(len(o.name)+len(o.at.first.target))
}

// inPlace reports whether the overlay shows it where the base has it.
func (o *origin) inPlace(i *inode) bool { return o.at != nil && o.at.in == i }

// forget drops an inode that says no more than the base does, so that reading a
// large base does not fill the memory. The caller holds mu.
func (t *memTree) forget(i *inode) {
	for i.opens == 0 && i.origin != nil && i.origin.inPlace(i) && i.untouched() {
		dir := i.origin.dir
		delete(dir.entries, i.origin.name)
		i.data.budget.giveBack(i.origin.cost())
		i = dir
	}
}

func (i *inode) untouched() bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return !i.own && !i.copied && !i.moved && len(i.entries) == 0
}

// errSpecial refuses to move what cannot be made again.
func errSpecial(op, name string) error {
	return &DeniedError{
		Op: op, Path: name, Rule: RuleSpecialStays,
		Fix: "remove it, or move it in the base", Err: syscall.EPERM,
	}
}
