package fs

import (
	"fmt"
	iofs "io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Mount puts an Fs at the absolute path Target of a tree.
type Mount struct {
	Target string
	Fs     *Fs
}

// Mounts returns one tree made of several filesystems. A mount point hides what
// the filesystem around it has under that name, and cannot be removed, renamed or
// replaced: that is a *DeniedError with EBUSY. Directories that only lead to mount points are made up, and
// nothing can be made in them. A rename or link from one mount to another is
// EXDEV, even when both have the same Fs.
//
// The tree has handles of its own; the Fs given stay the caller's.
func Mounts(mounts []Mount) (*Fs, error) {
	tree := &mountTree{root: mountPoint{ino: 1}}
	for _, m := range mounts {
		if err := tree.add(m); err != nil {
			tree.root.close()
			return nil, err
		}
	}
	d, err := tree.root.open(tree, &tree.root, nil)
	if err != nil {
		tree.root.close()
		return nil, err
	}
	return FromDir(d), nil
}

// mountTree is what all directories of one tree share. It does not change once
// Mounts returns.
type mountTree struct {
	root  mountPoint
	count uint64       // of made-up inode numbers
	open  atomic.Int64 // directories; the last one closes the mounts
}

// mountPoint is a directory of the tree that has a mount on it or below it.
type mountPoint struct {
	ino      uint64
	dir      Dir // what is mounted; nil when only something below is
	children map[string]*mountPoint
}

func (t *mountTree) add(m Mount) error {
	if err := checkTarget(m.Target); err != nil {
		return err
	}
	at := &t.root
	for _, name := range elements(m.Target) {
		if at.children == nil {
			at.children = make(map[string]*mountPoint)
		}
		if at.children[name] == nil {
			t.count++
			at.children[name] = &mountPoint{ino: t.root.ino + t.count}
		}
		at = at.children[name]
	}
	if at.dir != nil {
		return fmt.Errorf("fs: two mounts on %q; give each its own target", path.Clean(m.Target))
	}
	d, err := m.Fs.Dir()
	if err != nil {
		return fmt.Errorf("fs: mount on %q: %w", path.Clean(m.Target), err)
	}
	at.dir = d
	return nil
}

func checkTarget(target string) error {
	switch {
	case !strings.HasPrefix(target, "/"):
		return fmt.Errorf("fs: mount target %q is not absolute; start it with a slash", target)
	case strings.IndexByte(target, 0) >= 0:
		return fmt.Errorf("fs: mount target %q holds a NUL", target)
	case len(target) > maxPath:
		return fmt.Errorf("fs: mount target %.32q... is longer than %d bytes", target, maxPath)
	}
	for _, name := range elements(target) {
		if len(name) > maxName {
			return fmt.Errorf("fs: mount target %.32q... has an element longer than %d bytes", target, maxName)
		}
	}
	return nil
}

// elements splits a target, after path.Clean.
func elements(target string) []string {
	return slices.DeleteFunc(strings.Split(path.Clean(target), "/"), func(s string) bool { return s == "" })
}

func (m *mountPoint) close() {
	if m.dir != nil {
		m.dir.Close()
	}
	for _, c := range m.children {
		c.close()
	}
}

// open opens the directory that shows at m, where the filesystem around it,
// mounted at mount, has the directory under; nil when it has none. It takes under
// over.
func (m *mountPoint) open(t *mountTree, mount *mountPoint, under Dir) (Dir, error) {
	if m.dir != nil {
		if under != nil {
			under.Close()
		}
		var err error
		if under, err = m.dir.Dup(); err != nil {
			return nil, err
		}
		mount = m
	}
	return t.dir(m, mount, under), nil
}

// mountDir is a directory of the tree. Plain directories are wrapped too, so
// that a rename knows the mounts of both its ends.
type mountDir struct {
	tree  *mountTree
	point *mountPoint // nil when no mount point is in it
	mount *mountPoint // what it belongs to
	under Dir         // nil when the directory is made up

	closed atomic.Bool
}

func (t *mountTree) dir(point, mount *mountPoint, under Dir) *mountDir {
	t.open.Add(1)
	return &mountDir{tree: t, point: point, mount: mount, under: under}
}

// child is the mount point name, if there is one.
func (d *mountDir) child(name string) *mountPoint {
	if d.point == nil {
		return nil
	}
	return d.point.children[name]
}

// errMadeUp refuses new entries in a directory that exists nowhere.
func errMadeUp(op, name string) *DeniedError {
	return &DeniedError{
		Op: op, Path: name,
		Rule: RuleMountsOnly,
		Fix:  "mount a writable directory here",
		Err:  syscall.EROFS,
	}
}

// errMountPoint refuses to take away what a mount needs.
func errMountPoint(op, name string) *DeniedError {
	return &DeniedError{
		Op: op, Path: name,
		Rule: RuleMountPoint,
		Fix:  "leave the mount out, or change what is mounted there at its source",
		Err:  syscall.EBUSY,
	}
}

// ofNew marks a refusal that is about the new one of two names.
func ofNew(d *DeniedError) error {
	d.ofNew = true
	return d
}

func (d *mountDir) Dup() (Dir, error) {
	if d.under == nil {
		return d.tree.dir(d.point, d.mount, nil), nil
	}
	return d.wrap(d.under.Dup())
}

// wrap makes what was opened underneath a directory like d.
func (d *mountDir) wrap(under Dir, err error) (Dir, error) {
	if err != nil {
		return nil, err
	}
	return d.tree.dir(d.point, d.mount, under), nil
}

func (d *mountDir) Stat() (Stat, error) {
	if d.under != nil {
		return d.under.Stat()
	}
	return d.point.stat(), nil
}

// stat describes a made-up directory. Its times are the epoch, so that they are
// the same every time.
func (m *mountPoint) stat() Stat {
	epoch := time.Unix(0, 0)
	return Stat{Mode: iofs.ModeDir | 0o555, Ino: m.ino, Nlink: 2, Atime: epoch, Mtime: epoch, Ctime: epoch}
}

func (d *mountDir) Lookup(name string) (Stat, error) {
	c := d.child(name)
	if c == nil {
		return with(d, func(under Dir) (Stat, error) { return under.Lookup(name) })
	}
	if c.dir != nil {
		return c.dir.Stat()
	}
	if d.under != nil {
		if st, err := d.under.Lookup(name); err == nil && st.Mode.IsDir() {
			return st, nil
		}
	}
	return c.stat(), nil
}

// with reads from the directory underneath, or finds nothing.
func with[T any](d *mountDir, read func(Dir) (T, error)) (T, error) {
	if d.under == nil {
		var none T
		return none, syscall.ENOENT
	}
	return read(d.under)
}

func (d *mountDir) ReadDir() ([]Entry, error) {
	var entries []Entry
	if d.under != nil {
		var err error
		if entries, err = d.under.ReadDir(); err != nil {
			return nil, err
		}
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return d.child(e.Name) != nil })
	if d.point == nil {
		return entries, nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.point.children)) {
		st, err := d.Lookup(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Name: name, Mode: iofs.ModeDir, Ino: st.Ino})
	}
	return entries, nil
}

func (d *mountDir) OpenDir(name string) (Dir, error) {
	c := d.child(name)
	if c == nil {
		under, err := with(d, func(under Dir) (Dir, error) { return under.OpenDir(name) })
		if err != nil {
			return nil, err
		}
		return d.tree.dir(nil, d.mount, under), nil
	}
	var under Dir
	if c.dir == nil && d.under != nil {
		var err error
		under, err = d.under.OpenDir(name)
		if err != nil {
			under = nil // no directory there: the mount point is made up
		}
	}
	return c.open(d.tree, d.mount, under)
}

// openDeep goes down below the mount points only.
func (d *mountDir) openDeep(path string) (Dir, error) {
	first, _, _ := strings.Cut(path, "/")
	deep, ok := d.under.(deepOpener)
	if !ok || d.child(first) != nil {
		return nil, errShallow
	}
	under, err := deep.openDeep(path)
	if err != nil {
		return nil, err
	}
	return d.tree.dir(nil, d.mount, under), nil
}

func (d *mountDir) openDeepFile(path string, flag int) (Node, error) {
	first, _, _ := strings.Cut(path, "/")
	deep, ok := d.under.(deepFileOpener)
	if !ok || d.child(first) != nil {
		return nil, errShallow
	}
	return deep.openDeepFile(path, flag)
}

func (d *mountDir) OpenFile(name string, flag int, perm iofs.FileMode) (Node, error) {
	if d.child(name) != nil {
		if flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL {
			return nil, syscall.EEXIST
		}
		return nil, syscall.EISDIR
	}
	n, err := with(d, func(under Dir) (Node, error) { return under.OpenFile(name, flag, perm) })
	if d.under == nil && flag&os.O_CREATE != 0 {
		err = errMadeUp("open", name)
	}
	return n, err
}

// create makes an entry underneath.
func (d *mountDir) create(op, name string, make func(Dir) error) error {
	switch {
	case d.child(name) != nil:
		return syscall.EEXIST
	case d.under == nil:
		return errMadeUp(op, name)
	}
	return make(d.under)
}

// change changes an entry underneath, never a mount point.
func (d *mountDir) change(op, name string, change func(Dir) error) error {
	switch {
	case d.child(name) != nil:
		return errMountPoint(op, name)
	case d.under == nil:
		return syscall.ENOENT
	}
	return change(d.under)
}

// both changes entries in two directories of one mount.
func (d *mountDir) both(op, name string, to Dir, newname string, change func(under, to Dir) error) error {
	t, ok := to.(*mountDir)
	switch {
	case !ok || t.tree != d.tree || t.mount != d.mount:
		return syscall.EXDEV
	case t.child(newname) != nil:
		return ofNew(errMountPoint(op, newname))
	case t.under == nil:
		return ofNew(errMadeUp(op, newname))
	}
	return d.change(op, name, func(under Dir) error { return change(under, t.under) })
}

func (d *mountDir) Mkdir(name string, perm iofs.FileMode) error {
	return d.create("mkdir", name, func(under Dir) error { return under.Mkdir(name, perm) })
}

func (d *mountDir) Symlink(target, name string) error {
	return d.create("symlink", name, func(under Dir) error { return under.Symlink(target, name) })
}

func (d *mountDir) Readlink(name string) (string, error) {
	if d.child(name) != nil {
		return "", syscall.EINVAL
	}
	return with(d, func(under Dir) (string, error) { return under.Readlink(name) })
}

func (d *mountDir) Link(name string, to Dir, newname string) error {
	return d.both("link", name, to, newname, func(under, to Dir) error { return under.Link(name, to, newname) })
}

func (d *mountDir) Rename(name string, to Dir, newname string) error {
	return d.both("rename", name, to, newname, func(under, to Dir) error { return under.Rename(name, to, newname) })
}

func (d *mountDir) Unlink(name string) error {
	if d.child(name) != nil {
		return syscall.EISDIR // Rmdir will say EBUSY
	}
	return d.change("unlink", name, func(under Dir) error { return under.Unlink(name) })
}

func (d *mountDir) Rmdir(name string) error {
	return d.change("rmdir", name, func(under Dir) error { return under.Rmdir(name) })
}

func (d *mountDir) SetTimes(name string, atime, mtime time.Time) error {
	if c := d.child(name); c != nil && c.dir != nil {
		return c.dir.SetOwnTimes(atime, mtime)
	}
	return d.change("utimes", name, func(under Dir) error { return under.SetTimes(name, atime, mtime) })
}

func (d *mountDir) SetOwnTimes(atime, mtime time.Time) error {
	if d.under == nil {
		return errMadeUp("utimes", ".")
	}
	return d.under.SetOwnTimes(atime, mtime)
}

func (d *mountDir) Sync() error {
	if d.under == nil {
		return nil
	}
	return d.under.Sync()
}

// Lock implements Locker by whatever is underneath.
func (d *mountDir) Lock() (func(), error) {
	if l, ok := d.under.(Locker); ok {
		return l.Lock()
	}
	return func() {}, nil
}

func (d *mountDir) Close() error {
	if d.closed.Swap(true) {
		return syscall.EBADF
	}
	var err error
	if d.under != nil {
		err = d.under.Close()
	}
	if d.tree.open.Add(-1) == 0 {
		d.tree.root.close()
	}
	return err
}
