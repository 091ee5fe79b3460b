package fs

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// rootDir is a directory of the host behind os.Root, for systems without the
// *at system calls in golang.org/x/sys/unix.
//
// os.Root keeps every operation inside the directory, but it follows symlinks
// there and has no operation on two directories. So an entry is looked at before
// it is opened and compared after; and a rename or link between two directories
// goes by path from the top, after a check that the paths still lead to them.
// Whoever swaps entries between the two steps can misdirect an operation within
// the top directory, never out of it.
type rootDir struct {
	root   *os.Root
	tree   *rootTree
	path   string // from tree.top, with the host's separators; "." for the top
	closed atomic.Bool
}

// rootTree is what all directories and files below one top share.
type rootTree struct {
	top       *os.Root
	users     atomic.Int64 // the last one closes top
	appending sync.Mutex   // held from finding a file's end to writing there
}

func openRootDir(root string) (Dir, error) {
	if strings.IndexByte(root, 0) >= 0 {
		return nil, syscall.EINVAL
	}
	if i, err := os.Stat(root); err != nil {
		return nil, posix(err)
	} else if !i.IsDir() {
		return nil, syscall.ENOTDIR
	}
	top, err := os.OpenRoot(root)
	if err != nil {
		return nil, posix(err)
	}
	d, err := (&rootTree{top: top}).open(top, ".", ".")
	if err == nil {
		// Opening alone may have needed less than reading will.
		if _, err = d.ReadDir(); err != nil {
			d.Close()
		}
	} else {
		top.Close()
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// open opens the directory name of from, whose path is path.
func (t *rootTree) open(from *os.Root, name, path string) (*rootDir, error) {
	root, err := from.OpenRoot(name)
	if err != nil {
		return nil, posix(err)
	}
	t.users.Add(1)
	return &rootDir{root: root, tree: t, path: path}, nil
}

func (t *rootTree) drop() {
	if t.users.Add(-1) == 0 {
		t.top.Close()
	}
}

func (d *rootDir) Dup() (Dir, error) { return dirOrNil(d.tree.open(d.root, ".", d.path)) }

// dirOrNil keeps a nil *rootDir from becoming an interface that is not nil.
func dirOrNil(d *rootDir, err error) (Dir, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *rootDir) Stat() (Stat, error) {
	i, err := d.root.Stat(".")
	if err != nil {
		return Stat{}, posix(err)
	}
	return statOfInfo(i), nil
}

func (d *rootDir) Lookup(name string) (Stat, error) {
	i, err := d.root.Lstat(name)
	if err != nil {
		return Stat{}, posix(err)
	}
	return statOfInfo(i), nil
}

func (d *rootDir) ReadDir() ([]Entry, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, posix(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, posix(err)
	}
	var entries []Entry
	for _, name := range names {
		st, err := d.Lookup(name)
		if err != nil {
			continue // gone meanwhile
		}
		entries = append(entries, Entry{Name: name, Mode: st.Mode.Type(), Ino: st.Ino})
	}
	return entries, nil
}

func (d *rootDir) OpenDir(name string) (Dir, error) {
	before, err := d.root.Lstat(name)
	switch {
	case err != nil:
		return nil, posix(err)
	case before.Mode()&iofs.ModeSymlink != 0:
		return nil, syscall.ELOOP
	case !before.IsDir():
		return nil, syscall.ENOTDIR
	}
	sub, err := d.tree.open(d.root, name, filepath.Join(d.path, name))
	if err != nil {
		return nil, err
	}
	after, err := sub.root.Stat(".")
	if err == nil && !os.SameFile(before, after) {
		err = syscall.ELOOP
	}
	if err != nil {
		sub.Close()
		return nil, posix(err)
	}
	return sub, nil
}

func (d *rootDir) OpenFile(name string, flag int, perm iofs.FileMode) (Node, error) {
	// Somebody may make or remove the file between the two looks at it.
	for range 8 {
		n, err := d.openFile(name, flag, perm)
		if err == errChanged {
			continue
		}
		if err != nil {
			return nil, posix(err)
		}
		return n, nil
	}
	return nil, syscall.ELOOP
}

// errChanged says that an entry changed between looking at it and opening it.
var errChanged = errors.New("entry changed")

func (d *rootDir) openFile(name string, flag int, perm iofs.FileMode) (Node, error) {
	before, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, iofs.ErrNotExist) && flag&os.O_CREATE != 0:
		// With O_EXCL, nothing that comes meanwhile is followed or opened.
		f, err := d.root.OpenFile(name, flag|os.O_EXCL, perm.Perm())
		if errors.Is(err, iofs.ErrExist) && flag&os.O_EXCL == 0 {
			return nil, errChanged
		}
		if err != nil {
			return nil, err
		}
		return d.node(f, name), nil
	case err != nil:
		return nil, err
	case flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, syscall.EEXIST
	case before.Mode()&iofs.ModeSymlink != 0:
		return nil, syscall.ELOOP
	case before.IsDir():
		return nil, syscall.EISDIR
	case !before.Mode().IsRegular():
		return nil, notRegular()
	}
	// Truncating waits until it is known to be the right file.
	f, err := d.root.OpenFile(name, flag&^(os.O_CREATE|os.O_EXCL|os.O_TRUNC)|syscall.O_NONBLOCK, 0)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, errChanged
	}
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = errChanged
	}
	if err == nil && flag&os.O_TRUNC != 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return d.node(f, name), nil
}

func (d *rootDir) node(f *os.File, name string) Node {
	d.tree.users.Add(1)
	return &rootNode{f, d.tree, filepath.Join(d.path, name)}
}

func (d *rootDir) Mkdir(name string, perm iofs.FileMode) error {
	return posix(d.root.Mkdir(name, perm.Perm()))
}

func (d *rootDir) Symlink(target, name string) error {
	return posix(d.root.Symlink(target, name))
}

func (d *rootDir) Readlink(name string) (string, error) {
	i, err := d.root.Lstat(name)
	if err == nil && i.Mode()&iofs.ModeSymlink == 0 {
		err = syscall.EINVAL
	}
	if err != nil {
		return "", posix(err)
	}
	target, err := d.root.Readlink(name)
	return filepath.ToSlash(target), posix(err)
}

func (d *rootDir) Link(name string, to Dir, newname string) error {
	return d.both(name, to, newname, d.tree.top.Link)
}

func (d *rootDir) Rename(name string, to Dir, newname string) error {
	return d.both(name, to, newname, d.rename)
}

// both runs call with the paths of two entries below the top.
func (d *rootDir) both(name string, to Dir, newname string, call func(from, to string) error) error {
	other, ok := to.(*rootDir)
	if !ok || other.tree != d.tree {
		return syscall.EXDEV
	}
	for _, end := range []*rootDir{d, other} {
		if err := end.inPlace(); err != nil {
			return err
		}
	}
	return posix(call(filepath.Join(d.path, name), filepath.Join(other.path, newname)))
}

// inPlace fails unless path still leads to d. After a rename of a directory
// above, a copy is all that is left to do, which is what EXDEV asks for.
func (d *rootDir) inPlace() error {
	own, err := d.root.Stat(".")
	if err != nil {
		return posix(err)
	}
	at, err := d.tree.top.Lstat(d.path)
	if err != nil || !os.SameFile(at, own) {
		return syscall.EXDEV
	}
	return nil
}

// rename is rename(2). os.Root's refuses to replace an empty directory.
func (d *rootDir) rename(from, to string) error {
	top := d.tree.top
	src, err := top.Lstat(from)
	if err != nil {
		return err
	}
	dst, err := top.Lstat(to)
	switch {
	case err != nil:
		return top.Rename(from, to)
	case os.SameFile(src, dst):
		return nil
	case src.IsDir() && !dst.IsDir():
		return syscall.ENOTDIR
	case !src.IsDir() && dst.IsDir():
		return syscall.EISDIR
	case src.IsDir():
		if strings.HasPrefix(to, from+string(filepath.Separator)) {
			return syscall.EINVAL
		}
		if err := top.Remove(to); err != nil {
			return err
		}
	}
	return top.Rename(from, to)
}

func (d *rootDir) Unlink(name string) error {
	st, err := d.Lookup(name)
	if err == nil && st.Mode.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		return err
	}
	return posix(d.root.Remove(name))
}

func (d *rootDir) Rmdir(name string) error {
	st, err := d.Lookup(name)
	if err == nil && !st.Mode.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return err
	}
	return posix(d.root.Remove(name))
}

func (d *rootDir) SetTimes(name string, atime, mtime time.Time) error {
	st, err := d.Lookup(name)
	if err == nil && st.Mode&iofs.ModeSymlink != 0 {
		err = syscall.ENOTSUP
	}
	if err != nil {
		return err
	}
	return posix(d.root.Chtimes(name, atime, mtime))
}

func (d *rootDir) SetOwnTimes(atime, mtime time.Time) error {
	return posix(d.root.Chtimes(".", atime, mtime))
}

func (d *rootDir) Sync() error {
	f, err := d.root.Open(".")
	if err != nil {
		return posix(err)
	}
	defer f.Close()
	return syncDir(f)
}

// Lock implements Locker where the system can lock a directory.
func (d *rootDir) Lock() (func(), error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, posix(err)
	}
	if err := lockDir(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

func (d *rootDir) Close() error {
	if d.closed.Swap(true) {
		return syscall.EBADF
	}
	err := d.root.Close()
	d.tree.drop()
	return posix(err)
}

// rootNode is a file opened through a rootDir.
type rootNode struct {
	f    *os.File
	tree *rootTree
	path string // from tree.top, when it was opened
}

func (n *rootNode) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, syscall.EINVAL
	}
	m, err := n.f.ReadAt(p, off)
	return m, posix(err)
}

func (n *rootNode) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, syscall.EINVAL
	}
	m, err := n.f.WriteAt(p, off)
	return m, posix(err)
}

// Append is atomic among the files of one tree only: os.File has no way to
// append and to write elsewhere.
func (n *rootNode) Append(p []byte) (int, int64, error) {
	n.tree.appending.Lock()
	defer n.tree.appending.Unlock()
	i, err := n.f.Stat()
	if err != nil {
		return 0, 0, posix(err)
	}
	m, err := n.f.WriteAt(p, i.Size())
	return m, i.Size() + int64(m), posix(err)
}

func (n *rootNode) Stat() (Stat, error) {
	i, err := n.f.Stat()
	if err != nil {
		return Stat{}, posix(err)
	}
	return statOfInfo(i), nil
}

func (n *rootNode) Truncate(size int64) error { return posix(n.f.Truncate(size)) }

// SetTimes goes by path, as an os.File has no such method, and so fails once
// the file was moved.
func (n *rootNode) SetTimes(atime, mtime time.Time) error {
	own, err := n.f.Stat()
	if err != nil {
		return posix(err)
	}
	at, err := n.tree.top.Lstat(n.path)
	if err != nil {
		return posix(err)
	}
	if !os.SameFile(own, at) {
		return syscall.ENOENT
	}
	return posix(n.tree.top.Chtimes(n.path, atime, mtime))
}

func (n *rootNode) SetMode(perm iofs.FileMode) error { return posix(n.f.Chmod(perm.Perm())) }
func (n *rootNode) Sync() error                      { return posix(n.f.Sync()) }

func (n *rootNode) Close() error {
	err := n.f.Close()
	if errors.Is(err, iofs.ErrClosed) {
		return syscall.EBADF
	}
	n.tree.drop()
	return posix(err)
}

func statOfInfo(i iofs.FileInfo) Stat {
	st := Stat{Mode: i.Mode(), Size: i.Size(), Atime: i.ModTime(), Mtime: i.ModTime(), Ctime: i.ModTime()}
	st.Dev, st.Ino, st.Nlink = identify(i)
	return st
}

// posix is the errno in what package os answered, as POSIX numbers it.
func posix(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if d, ok := errors.AsType[*DeniedError](err); ok {
		return d
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return posixErrno(errno)
	}
	switch {
	case errors.Is(err, iofs.ErrClosed):
		return syscall.EBADF
	case errors.Is(err, iofs.ErrInvalid):
		return syscall.EINVAL
	case errors.Is(err, iofs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, iofs.ErrExist):
		return syscall.EEXIST
	}
	return syscall.EPERM // os.Root's "path escapes", which has no name
}
