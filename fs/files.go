package fs

import (
	"io"
	iofs "io/fs"
	"os"
	"syscall"
)

// newFileMode is the mode of a new file, before the process's umask.
const newFileMode = 0o644

// Read returns the whole file.
func (f *Fs) Read(path string) ([]byte, error) {
	n, err := f.openNode("read", path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	data, err := readAll(n)
	return data, pathError("read", path, err)
}

// readAll does not trust the size: the file may grow, and a file of the kernel
// has none.
func readAll(n Node) ([]byte, error) {
	st, err := n.Stat()
	if err != nil {
		return nil, err
	}
	const most = 64 << 20 // of a size only claimed
	data := make([]byte, 0, min(max(st.Size, 0), most)+512)
	for {
		m, err := n.ReadAt(data[len(data):cap(data)], int64(len(data)))
		data = data[:len(data)+m]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}

// Write writes data to the file, which it makes with mode 0644 (before umask) or
// empties first. An old file keeps its mode. A reader can see half of it: see
// WriteAtomic.
func (f *Fs) Write(path string, data []byte) error {
	n, err := f.openNode("write", path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, newFileMode)
	if err != nil {
		return err
	}
	_, err = n.WriteAt(data, 0)
	return pathError("write", path, closeAfter(n, err))
}

// WriteMode is Write that gives the file the mode perm, old file or new and
// whatever the umask, before it writes any data.
func (f *Fs) WriteMode(path string, data []byte, perm iofs.FileMode) error {
	n, err := f.openNode("write", path, os.O_WRONLY|os.O_CREATE, perm)
	if err != nil {
		return err
	}
	if err = n.SetMode(perm); err == nil {
		err = n.Truncate(0)
	}
	if err == nil {
		_, err = n.WriteAt(data, 0)
	}
	return pathError("write", path, closeAfter(n, err))
}

// closeAfter closes c and returns the first error.
func closeAfter(c io.Closer, err error) error {
	if cerr := c.Close(); err == nil {
		err = cerr
	}
	return err
}

// openNode opens a file, following symlinks.
func (f *Fs) openNode(op, path string, flag int, perm iofs.FileMode) (Node, error) {
	p, err := f.resolve(op, path, Follow)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	n, err := p.openFile(flag, perm)
	if err != nil {
		return nil, pathError(op, path, err)
	}
	return n, nil
}

func (p Place) openFile(flag int, perm iofs.FileMode) (Node, error) {
	if err := p.mustBeFile(flag); err != nil {
		return nil, err
	}
	return p.Dir.OpenFile(p.Name, flag, perm)
}

// mustBeFile refuses a path that can only be a directory's, with the errno of
// open(2) on Linux.
func (p Place) mustBeFile(flag int) error {
	switch {
	case p.Name == "", p.MustDir && flag&os.O_CREATE != 0:
		return syscall.EISDIR
	case !p.MustDir:
		return nil
	}
	_, err := p.Stat()
	if err == nil {
		err = syscall.EISDIR
	}
	return err
}
