package fs

import (
	"io"
	iofs "io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// File is an open file or directory of an Fs, much like an os.File: a Node with
// an offset of its own. Read, Write, Seek and ReadDir are serialised; everything
// may be called concurrently.
type File struct {
	fs     *Fs
	path   string // as the caller gave it
	node   Node   // nil for a directory
	dir    Dir    // nil for a file
	append bool
	closed atomic.Bool

	mu      sync.Mutex // guards what follows
	off     int64
	entries []iofs.DirEntry // not yet returned by ReadDir
	listed  bool
}

// Open opens a file or directory for reading.
func (f *Fs) Open(path string) (*File, error) {
	p, err := f.resolve("open", path, Follow)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	file := &File{fs: f, path: path}
	switch file.node, err = p.openFile(os.O_RDONLY, 0); {
	case err == nil:
		return file, nil
	case !isErrno(err, syscall.EISDIR):
	case p.Name == "":
		file.node = nil
		file.dir, err = p.Dir.Dup()
	default:
		file.node = nil
		file.dir, err = p.Dir.OpenDir(p.Name)
	}
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return file, nil
}

// Create opens a file for reading and writing, which it makes with mode 0644
// (before umask) or empties.
func (f *Fs) Create(path string) (*File, error) {
	return f.openFile("create", path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

// Append opens a file for writing at its end, which it makes with mode 0644
// (before umask) if need be. Every Write goes to where the end is at that moment,
// also among several processes.
func (f *Fs) Append(path string) (*File, error) {
	file, err := f.openFile("append", path, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	file.append = true
	return file, nil
}

// ReadStream opens a file for reading.
func (f *Fs) ReadStream(path string) (io.ReadCloser, error) {
	return stream(f.openFile("open", path, os.O_RDONLY))
}

// WriteStream opens a file for writing as Create does. A reader can see half of
// it.
func (f *Fs) WriteStream(path string) (io.WriteCloser, error) {
	return stream(f.Create(path))
}

// stream keeps a nil *File from becoming an interface that is not nil.
func stream(f *File, err error) (io.ReadWriteCloser, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Fs) openFile(op, path string, flag int) (*File, error) {
	n, err := f.openNode(op, path, flag, newFileMode)
	if err != nil {
		return nil, err
	}
	return &File{fs: f, path: path, node: n}, nil
}

// Name returns the path that the file was opened by.
func (f *File) Name() string { return f.path }

// file says why there is no Node to work on.
func (f *File) file(op string) error {
	switch {
	case f == nil:
		return os.ErrInvalid
	case f.closed.Load():
		return &iofs.PathError{Op: op, Path: f.path, Err: os.ErrClosed}
	case f.node == nil:
		return &iofs.PathError{Op: op, Path: f.path, Err: syscall.EISDIR}
	}
	return nil
}

// fail wraps a Node's error, but leaves io.EOF to be compared with ==.
func (f *File) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if f.closed.Load() && isErrno(err, syscall.EBADF) {
		err = os.ErrClosed
	}
	return pathError(op, f.path, err)
}

func (f *File) Read(p []byte) (int, error) {
	if err := f.file("read"); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.node.ReadAt(p, f.off)
	f.off += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, f.fail("read", err)
}

// ReadAt is io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if err := f.file("read"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, &iofs.PathError{Op: "read", Path: f.path, Err: syscall.EINVAL}
	}
	n, err := f.node.ReadAt(p, off)
	return n, f.fail("read", err)
}

func (f *File) Write(p []byte) (n int, err error) {
	if err := f.file("write"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.append {
		n, f.off, err = f.node.Append(p)
	} else {
		n, err = f.node.WriteAt(p, f.off)
		f.off += int64(n)
	}
	return n, f.fail("write", err)
}

// WriteAt is io.WriterAt; it writes at off in a file opened by Append too.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.file("write"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, &iofs.PathError{Op: "write", Path: f.path, Err: syscall.EINVAL}
	}
	n, err := f.node.WriteAt(p, off)
	return n, f.fail("write", err)
}

// Seek is io.Seeker. A directory can be sought to its start only.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if err := f.file("seek"); err != nil && !isErrno(err, syscall.EISDIR) {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir != nil {
		if offset != 0 || whence != io.SeekStart {
			return 0, f.fail("seek", syscall.EINVAL)
		}
		f.entries, f.listed = nil, false
		return 0, nil
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		st, err := f.node.Stat()
		if err != nil {
			return 0, f.fail("seek", err)
		}
		offset += st.Size
	default:
		return 0, f.fail("seek", syscall.EINVAL)
	}
	if offset < 0 {
		return 0, f.fail("seek", syscall.EINVAL)
	}
	f.off = offset
	return offset, nil
}

// Stat describes the open file, whatever its name leads to now.
func (f *File) Stat() (iofs.FileInfo, error) {
	if err := f.file("stat"); err != nil && !isErrno(err, syscall.EISDIR) {
		return nil, err
	}
	var st Stat
	var err error
	if f.dir != nil {
		st, err = f.dir.Stat()
	} else {
		st, err = f.node.Stat()
	}
	if err != nil {
		return nil, f.fail("stat", err)
	}
	return newInfo(f.path, st), nil
}

// ReadDir is io/fs.ReadDirFile; the entries are sorted by name.
func (f *File) ReadDir(n int) ([]iofs.DirEntry, error) {
	switch err := f.file("readdir"); {
	case err == nil:
		return nil, f.fail("readdir", syscall.ENOTDIR)
	case !isErrno(err, syscall.EISDIR):
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.listed {
		entries, err := f.fs.entries(f.dir, f.path)
		if err != nil {
			return nil, f.fail("readdir", err)
		}
		f.entries, f.listed = entries, true
	}
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	next := f.entries[:n:n]
	f.entries = f.entries[n:]
	return next, nil
}

// Sync makes the file durable.
func (f *File) Sync() error {
	err := f.file("sync")
	if err == nil {
		return f.fail("sync", f.node.Sync())
	}
	if isErrno(err, syscall.EISDIR) {
		return f.fail("sync", f.dir.Sync())
	}
	return err
}

// Truncate changes the file's size.
func (f *File) Truncate(size int64) error {
	if err := f.file("truncate"); err != nil {
		return err
	}
	return f.fail("truncate", f.node.Truncate(size))
}

// Close closes the file. A second Close is os.ErrClosed.
func (f *File) Close() error {
	if f == nil {
		return os.ErrInvalid
	}
	if f.closed.Swap(true) {
		return &iofs.PathError{Op: "close", Path: f.path, Err: os.ErrClosed}
	}
	if f.dir != nil {
		return pathError("close", f.path, f.dir.Close())
	}
	return pathError("close", f.path, f.node.Close())
}

var (
	_ iofs.ReadDirFile   = (*File)(nil)
	_ io.ReadWriteSeeker = (*File)(nil)
	_ io.ReaderAt        = (*File)(nil)
	_ io.WriterAt        = (*File)(nil)
)

// entries lists d, which path leads to.
func (f *Fs) entries(d Dir, path string) ([]iofs.DirEntry, error) {
	found, err := d.ReadDir()
	if err != nil {
		return nil, err
	}
	list := make([]iofs.DirEntry, len(found))
	for i, e := range found {
		list[i] = entry{Entry: e, fs: f, path: joinName(path, e.Name)}
	}
	sortEntries(list)
	return list, nil
}
