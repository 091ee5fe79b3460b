package fs

import (
	iofs "io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// umask is taken off the mode of whatever is made: the usual one, since files in
// memory may end up on a host.
const umask = 0o022

// memDir is a handle on a directory of a tree.
type memDir struct {
	tree   *memTree
	in     *inode
	under  Dir // the same directory in the base; nil when the base has none
	closed atomic.Bool
}

// read runs f with the tree as it is.
func (d *memDir) read(f func() error) error {
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	if d.closed.Load() {
		return syscall.EBADF
	}
	return f()
}

// write runs f alone.
func (d *memDir) write(f func() error) error {
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	if d.closed.Load() {
		return syscall.EBADF
	}
	return f()
}

// find returns what name leads to: an inode, or only the base's word for it.
func (d *memDir) find(name string) (*inode, Stat, error) {
	e, known := d.in.entries[name]
	switch {
	case len(name) > maxName:
		return nil, Stat{}, syscall.ENAMETOOLONG
	case known && e.in == nil, d.in.removed, !known && d.under == nil:
		return nil, Stat{}, syscall.ENOENT
	case known:
		return e.in, Stat{}, nil
	}
	st, err := d.under.Lookup(name)
	if st.Mode.IsDir() {
		st.Size, st.Nlink = 0, 1 // as for the inode that it becomes when it is opened
	}
	return nil, st, err
}

// take is find that always returns an inode.
func (d *memDir) take(name string) (*inode, error) {
	in, st, err := d.find(name)
	if in != nil || err != nil {
		return in, err
	}
	in = &inode{
		dev: st.Dev, ino: st.Ino, now: d.tree.now, kind: st.Mode.Type(),
		mode: st.Mode, nlink: 1, atime: st.Atime, mtime: st.Mtime, ctime: st.Ctime,
		data: contents{budget: d.tree.room},
	}
	switch {
	case st.Mode.IsDir():
		in.entries, in.parent = make(map[string]*dirent), d.in
	case in.isSymlink():
		if in.target, err = d.under.Readlink(name); err != nil {
			return nil, err
		}
	}
	e := &dirent{in: in, first: in, was: &st}
	in.origin = &origin{up: d.in.origin, name: name, dir: d.in, at: e}
	d.in.entries[name] = e
	// To read the base, there must be room always: see claim.
	in.data.budget.force(in.origin.cost())
	return in, nil
}

// claim is take for a change that the tree has to remember from then on, for which
// there must be room.
func (d *memDir) claim(name string) (*inode, error) {
	if d.in.entries[name] == nil && d.under != nil && d.tree.room.full() {
		if _, _, err := d.find(name); err != nil {
			return nil, err
		}
		return nil, syscall.ENOSPC
	}
	return d.take(name)
}

// vacant answers EEXIST for a name that is taken, and ENOENT when the directory
// itself is gone.
func (d *memDir) vacant(name string) error {
	switch _, _, err := d.find(name); {
	case d.in.removed:
		return syscall.ENOENT
	case err == nil:
		return syscall.EEXIST
	case !isErrno(err, syscall.ENOENT):
		return err
	}
	return nil
}

// underOf opens the base's directory for a directory inode; nil when the base
// has none, or has it no more.
func (d *memDir) underOf(in *inode) (Dir, error) {
	if in.origin == nil {
		return nil, nil
	}
	var under Dir
	var err error
	if in.origin.dir == d.in && d.under != nil {
		under, err = d.under.OpenDir(in.origin.name)
	} else {
		under, err = in.origin.open()
	}
	if isErrno(err, syscall.ENOENT) || isErrno(err, syscall.ENOTDIR) || isErrno(err, syscall.ELOOP) {
		return nil, nil
	}
	return under, err
}

func (d *memDir) Dup() (dup Dir, err error) {
	err = d.write(func() error {
		var under Dir
		if d.under != nil {
			if under, err = d.under.Dup(); err != nil {
				return err
			}
		}
		dup = d.tree.open(d.in, under)
		return nil
	})
	return dup, err
}

func (d *memDir) Stat() (st Stat, err error) {
	err = d.read(func() error {
		st, err = d.in.stat()
		return err
	})
	return st, err
}

func (d *memDir) Lookup(name string) (st Stat, err error) {
	err = d.read(func() error {
		var in *inode
		if in, st, err = d.find(name); in != nil {
			st, err = in.stat()
		}
		return err
	})
	return st, err
}

func (d *memDir) ReadDir() (entries []Entry, err error) {
	err = d.read(func() error {
		entries, err = d.list(d.under)
		return err
	})
	return entries, err
}

// list lists what the base has in under and what the tree knows better.
func (d *memDir) list(under Dir) (entries []Entry, err error) {
	if d.in.removed {
		return nil, nil
	}
	if under != nil {
		all, err := under.ReadDir()
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			if _, known := d.in.entries[e.Name]; !known {
				entries = append(entries, e)
			}
		}
	}
	for name, e := range d.in.entries {
		if e.in != nil {
			entries = append(entries, Entry{Name: name, Mode: e.in.kind, Ino: e.in.ino})
		}
	}
	return entries, nil
}

func (d *memDir) OpenDir(name string) (sub Dir, err error) {
	err = d.write(func() error {
		in, err := d.take(name)
		switch {
		case err != nil:
			return err
		case in.isSymlink():
			return syscall.ELOOP
		case !in.isDir():
			return syscall.ENOTDIR
		}
		under, err := d.underOf(in)
		if err == nil {
			sub = d.tree.open(in, under)
		}
		return err
	})
	return sub, err
}

func (d *memDir) OpenFile(name string, flag int, perm iofs.FileMode) (n Node, err error) {
	err = d.write(func() error {
		n, err = d.openFile(name, flag, perm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (d *memDir) openFile(name string, flag int, perm iofs.FileMode) (Node, error) {
	in, err := d.take(name)
	switch {
	case isErrno(err, syscall.ENOENT) && flag&os.O_CREATE != 0 && !d.in.removed:
		if in, err = d.make(name, perm.Perm()&^umask, ""); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, syscall.EEXIST
	case in.isDir():
		return nil, syscall.EISDIR
	case in.isSymlink():
		return nil, syscall.ELOOP
	case in.special():
		return nil, notRegular()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.copied && in.under == nil {
		if in.under, err = d.underFile(in); err != nil {
			return nil, err
		}
	}
	if flag&os.O_TRUNC != 0 {
		if err := in.truncate(0); err != nil {
			return nil, err
		}
	}
	in.opens++
	d.tree.handles++
	writes := flag&(os.O_WRONLY|os.O_RDWR) != 0
	return &memNode{tree: d.tree, in: in, readable: flag&os.O_WRONLY == 0, writable: writes}, nil
}

// underFile opens the base's file for a file inode.
func (d *memDir) underFile(in *inode) (Node, error) {
	if in.origin.dir == d.in && d.under != nil {
		return d.under.OpenFile(in.origin.name, os.O_RDONLY, 0)
	}
	return in.origin.file()
}

// make makes an inode under a name that is free.
func (d *memDir) make(name string, mode iofs.FileMode, target string) (*inode, error) {
	in, err := d.tree.make(mode, target)
	if err != nil {
		return nil, err
	}
	if err := d.in.put(name, in); err != nil {
		in.named(-1)
		d.tree.free(in)
		return nil, err
	}
	if in.isDir() {
		in.parent = d.in
	}
	return in, nil
}

// create makes an inode under a name that must be free.
func (d *memDir) create(name string, mode iofs.FileMode, target string) error {
	return d.write(func() error {
		err := d.vacant(name)
		if err == nil {
			_, err = d.make(name, mode, target)
		}
		return err
	})
}

func (d *memDir) Mkdir(name string, perm iofs.FileMode) error {
	return d.create(name, iofs.ModeDir|perm.Perm()&^umask, "")
}

func (d *memDir) Symlink(target, name string) error {
	switch {
	case target == "":
		return syscall.ENOENT
	case len(target) > maxPath:
		return syscall.ENAMETOOLONG
	case strings.IndexByte(target, 0) >= 0:
		return syscall.EINVAL
	}
	return d.create(name, iofs.ModeSymlink|0o777, target)
}

func (d *memDir) Readlink(name string) (target string, err error) {
	err = d.read(func() error {
		in, st, err := d.find(name)
		switch {
		case err != nil:
			return err
		case in == nil && st.Mode&iofs.ModeSymlink != 0:
			target, err = d.under.Readlink(name)
			return err
		case in == nil || !in.isSymlink():
			return syscall.EINVAL
		}
		target = in.target
		return nil
	})
	return target, err
}

// with runs f alone, with another directory of the same tree.
func (d *memDir) with(to Dir, f func(to *memDir) error) error {
	other, ok := to.(*memDir)
	if !ok || other.tree != d.tree {
		return syscall.EXDEV
	}
	return d.write(func() error {
		if other.closed.Load() {
			return syscall.EBADF
		}
		return f(other)
	})
}

func (d *memDir) Link(name string, to Dir, newname string) error {
	return d.with(to, func(to *memDir) error {
		in, err := d.claim(name)
		if err != nil {
			return err
		}
		if err := to.vacant(newname); err != nil {
			return err
		}
		switch {
		case in.isDir():
			return syscall.EPERM
		case in.special():
			return errSpecial("link", name)
		}
		if err := to.in.put(newname, in); err != nil {
			return err
		}
		in.named(+1)
		in.moved = true
		return nil
	})
}

func (d *memDir) Rename(name string, to Dir, newname string) error {
	return d.with(to, func(to *memDir) error {
		in, err := d.claim(name)
		if err != nil {
			return err
		}
		if to.in.removed {
			return syscall.ENOENT
		}
		if in.isDir() && to.in.below(in) {
			return syscall.EINVAL
		}
		old, err := to.claim(newname)
		switch {
		case isErrno(err, syscall.ENOENT):
		case err != nil:
			return err
		case old == in:
			return nil // two names of one file: rename(2) does nothing
		default:
			if err := to.replaceable(old, in); err != nil {
				return err
			}
		}
		if in.special() {
			return errSpecial("rename", name)
		}
		if err := to.in.put(newname, in); err != nil {
			return err
		}
		if old != nil {
			to.gone(old)
		}
		d.in.drop(name)
		if in.isDir() {
			in.parent = to.in
		}
		in.named(0)
		in.moved = true
		return nil
	})
}

// replaceable says whether in may take old's place, as rename(2) has it.
func (d *memDir) replaceable(old, in *inode) error {
	switch {
	case in.isDir() && !old.isDir():
		return syscall.ENOTDIR
	case !in.isDir() && old.isDir():
		return syscall.EISDIR
	case old.isDir():
		return d.empty(old)
	}
	return nil
}

// empty answers ENOTEMPTY for a directory that has entries.
func (d *memDir) empty(in *inode) error {
	under, err := d.underOf(in)
	if err != nil {
		return err
	}
	if under != nil {
		defer under.Close()
	}
	entries, err := (&memDir{tree: d.tree, in: in}).list(under)
	if err == nil && len(entries) > 0 {
		err = syscall.ENOTEMPTY
	}
	return err
}

// gone takes a name off an inode that is losing it.
func (d *memDir) gone(in *inode) {
	in.removed = in.isDir()
	if in.isDir() {
		in.parent = nil
	}
	in.named(-1)
	d.tree.free(in)
}

func (d *memDir) Unlink(name string) error {
	return d.remove(name, func(in *inode) error {
		if in.isDir() {
			return syscall.EISDIR
		}
		return nil
	})
}

func (d *memDir) Rmdir(name string) error {
	return d.remove(name, func(in *inode) error {
		if !in.isDir() {
			return syscall.ENOTDIR
		}
		return d.empty(in)
	})
}

func (d *memDir) remove(name string, check func(*inode) error) error {
	return d.write(func() error {
		in, err := d.claim(name)
		if err == nil {
			err = check(in)
		}
		if err != nil {
			return err
		}
		d.gone(in)
		d.in.drop(name)
		return nil
	})
}

func (d *memDir) SetTimes(name string, atime, mtime time.Time) error {
	return d.write(func() error {
		in, err := d.claim(name)
		if err != nil {
			return err
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		if err := in.takeAttributes(); err != nil {
			return err
		}
		in.setTimes(atime, mtime)
		return nil
	})
}

func (d *memDir) SetOwnTimes(atime, mtime time.Time) error {
	return d.write(func() error {
		d.in.mu.Lock()
		d.in.setTimes(atime, mtime)
		d.in.mu.Unlock()
		return nil
	})
}

func (d *memDir) Sync() error { return d.read(func() error { return nil }) }

// Lock implements Locker for whoever shares the tree through another Fs.
func (d *memDir) Lock() (unlock func(), err error) {
	if d.closed.Load() {
		return nil, syscall.EBADF
	}
	d.in.lock.Lock()
	return d.in.lock.Unlock, nil
}

func (d *memDir) Close() error {
	if d.closed.Swap(true) {
		return syscall.EBADF
	}
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	var err error
	if d.under != nil {
		err = d.under.Close()
	}
	d.in.opens--
	d.tree.free(d.in)
	d.tree.forget(d.in)
	d.tree.release()
	return err
}
