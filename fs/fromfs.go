package fs

import (
	"bytes"
	"errors"
	"hash/fnv"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxLoaded bounds a file that can only be read from its beginning, in bytes.
const maxLoaded = 1 << 30

// FromFS returns a read-only Fs over any io/fs.FS: an embed.FS, an archive, a
// test's own. Every attempt to write is refused as by ReadOnly.
//
// An io/fs.FS knows names, not handles: a directory of it is right for as long as
// nothing is renamed there. Symlinks are followed by Fs's own rules where fsys is
// an io/fs.ReadLinkFS, and by fsys elsewhere. A file without ReadAt or Seek is
// loaded into memory when it is first read, and EFBIG if it has more than 1 GiB.
// Inode numbers are made of the path. What fsys answers is not trusted: names
// that are none are left out, errors are cut down to their errno, and what breaks
// the contract of a method is EIO.
func FromFS(fsys iofs.FS) *Fs {
	if fsys == nil {
		return &Fs{}
	}
	return FromDir(readOnlyDir{ioDir{fsys: fsys, path: "."}})
}

// ioDir is a directory of an io/fs.FS.
type ioDir struct {
	unwritable
	fsys iofs.FS
	path string // as io/fs has it
}

// join is name's path, if io/fs can have such a name.
func (d ioDir) join(name string) (string, error) {
	if len(name) > maxName {
		return "", syscall.ENAMETOOLONG
	}
	if !iofs.ValidPath(name) {
		return "", syscall.ENOENT
	}
	return path.Join(d.path, name), nil
}

func (d ioDir) Dup() (Dir, error) { return d, nil }
func (d ioDir) Close() error      { return nil }
func (d ioDir) Sync() error       { return nil }

func (d ioDir) Stat() (Stat, error) { return d.stat(d.path, iofs.Stat) }

func (d ioDir) Lookup(name string) (Stat, error) {
	at, err := d.join(name)
	if err != nil {
		return Stat{}, err
	}
	return d.stat(at, iofs.Lstat) // Stat where fsys has no symlinks
}

func (d ioDir) stat(at string, stat func(iofs.FS, string) (iofs.FileInfo, error)) (Stat, error) {
	info, err := stat(d.fsys, at)
	return statFrom(at, info, err)
}

// statFrom is what fsys answered about the path at.
func statFrom(at string, info iofs.FileInfo, err error) (Stat, error) {
	switch {
	case err != nil:
		return Stat{}, errnoIn(err)
	case info == nil:
		return Stat{}, syscall.EIO
	}
	t := info.ModTime()
	if t.IsZero() {
		t = time.Unix(0, 0) // as embed has it: a time that stat(2) can tell
	}
	return Stat{Mode: info.Mode(), Size: max(info.Size(), 0), Ino: inoOf(at), Nlink: 1, Atime: t, Mtime: t, Ctime: t}, nil
}

func inoOf(at string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, at)
	return h.Sum64()
}

func (d ioDir) ReadDir() ([]Entry, error) {
	found, err := iofs.ReadDir(d.fsys, d.path)
	if err != nil {
		return nil, errnoIn(err)
	}
	entries := make([]Entry, 0, len(found))
	for _, e := range found {
		if e == nil {
			return nil, syscall.EIO
		}
		name := e.Name()
		if name == "." || strings.ContainsRune(name, '/') || !iofs.ValidPath(name) {
			continue
		}
		entries = append(entries, Entry{Name: name, Mode: e.Type(), Ino: inoOf(path.Join(d.path, name))})
	}
	return entries, nil
}

func (d ioDir) OpenDir(name string) (Dir, error) {
	st, err := d.Lookup(name)
	switch {
	case err != nil:
		return nil, err
	case st.Mode&iofs.ModeSymlink != 0:
		return nil, syscall.ELOOP
	case !st.Mode.IsDir():
		return nil, syscall.ENOTDIR
	}
	return ioDir{fsys: d.fsys, path: path.Join(d.path, name)}, nil
}

func (d ioDir) OpenFile(name string, _ int, _ iofs.FileMode) (Node, error) {
	st, err := d.Lookup(name)
	switch {
	case err != nil:
		return nil, err
	case st.Mode&iofs.ModeSymlink != 0:
		return nil, syscall.ELOOP
	case st.Mode.IsDir():
		return nil, syscall.EISDIR
	case !st.Mode.IsRegular():
		return nil, notRegular()
	}
	at := path.Join(d.path, name)
	f, err := d.fsys.Open(at)
	switch {
	case err != nil:
		return nil, errnoIn(err)
	case f == nil:
		return nil, syscall.EIO
	}
	return &ioNode{file: f, path: at}, nil
}

func (d ioDir) Readlink(name string) (string, error) {
	at, err := d.join(name)
	if err != nil {
		return "", err
	}
	if st, err := d.Lookup(name); err != nil {
		return "", err
	} else if st.Mode&iofs.ModeSymlink == 0 {
		return "", syscall.EINVAL
	}
	target, err := iofs.ReadLink(d.fsys, at)
	if err != nil {
		return "", errnoIn(err)
	}
	return target, nil
}

// ioNode is an open file of an io/fs.FS.
type ioNode struct {
	unwritable
	file iofs.File
	path string

	mu     sync.Mutex // guards the file's offset, and what follows
	loaded *bytes.Reader
}

func (n *ioNode) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, syscall.EINVAL
	}
	if r, ok := n.file.(io.ReaderAt); ok {
		done, err := r.ReadAt(p, off)
		return readInto(p, done, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s, ok := n.file.(io.ReadSeeker); ok {
		if _, err := s.Seek(off, io.SeekStart); err != nil {
			return 0, errnoIn(err)
		}
		done, err := io.ReadFull(&honest{Reader: s}, p)
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		return readInto(p, done, err)
	}
	if err := n.load(); err != nil {
		return 0, err
	}
	return n.loaded.ReadAt(p, off)
}

func (n *ioNode) load() error {
	if n.loaded != nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(&honest{Reader: n.file}, maxLoaded+1))
	if err != nil {
		return errnoIn(err)
	}
	if len(data) > maxLoaded {
		return syscall.EFBIG
	}
	n.loaded = bytes.NewReader(data)
	return nil
}

// readInto is what a read into p answered, if it can be.
func readInto(p []byte, n int, err error) (int, error) {
	switch {
	case n < 0 || n > len(p), n < len(p) && err == nil:
		return 0, syscall.EIO
	case err != nil && err != io.EOF:
		err = errnoIn(err)
	}
	return n, err
}

// honest keeps a reader to the contract of io.Reader, and to an end: whoever reads
// nothing for long, and does not say why, never will.
type honest struct {
	io.Reader
	empty int // reads of nothing in a row
}

func (h *honest) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n < 0 || n > len(p) {
		return 0, syscall.EIO
	}
	if h.empty++; n > 0 {
		h.empty = 0
	}
	if h.empty > 100 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}

func (n *ioNode) Stat() (Stat, error) {
	info, err := n.file.Stat()
	return statFrom(n.path, info, err)
}

func (n *ioNode) Sync() error { return nil }

func (n *ioNode) Close() error {
	if err := n.file.Close(); err != nil {
		return errnoIn(err)
	}
	return nil
}

// errnoIn is the errno of a foreign filesystem's error, whose text may hold a
// path of the host.
func errnoIn(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, iofs.ErrPermission):
		return syscall.EACCES
	case errors.Is(err, iofs.ErrInvalid):
		return syscall.EINVAL
	case errors.Is(err, os.ErrClosed):
		return syscall.EBADF
	}
	return syscall.EIO
}

// unwritable is what a Dir and a Node that cannot write have in place of the
// methods that do. A readOnlyDir refuses before they are reached.
type unwritable struct{}

func (unwritable) Mkdir(string, iofs.FileMode) error           { return syscall.EROFS }
func (unwritable) Symlink(string, string) error                { return syscall.EROFS }
func (unwritable) Link(string, Dir, string) error              { return syscall.EROFS }
func (unwritable) Rename(string, Dir, string) error            { return syscall.EROFS }
func (unwritable) Unlink(string) error                         { return syscall.EROFS }
func (unwritable) Rmdir(string) error                          { return syscall.EROFS }
func (unwritable) SetOwnTimes(time.Time, time.Time) error      { return syscall.EROFS }
func (unwritable) WriteAt([]byte, int64) (int, error)          { return 0, syscall.EROFS }
func (unwritable) Append([]byte) (n int, end int64, err error) { return 0, 0, syscall.EROFS }
func (unwritable) Truncate(int64) error                        { return syscall.EROFS }
func (unwritable) SetMode(iofs.FileMode) error                 { return syscall.EROFS }

func (ioDir) SetTimes(string, time.Time, time.Time) error { return syscall.EROFS }
func (*ioNode) SetTimes(time.Time, time.Time) error       { return syscall.EROFS }
