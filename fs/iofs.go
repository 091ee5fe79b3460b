package fs

import (
	iofs "io/fs"
	"syscall"
)

// IOFS returns f as an io/fs.FS, for reading. Names follow io/fs.ValidPath, and
// symlinks are followed inside the root.
func (f *Fs) IOFS() iofs.FS { return ioFS{f} }

type ioFS struct{ fs *Fs }

var (
	_ iofs.ReadDirFS  = ioFS{}
	_ iofs.ReadFileFS = ioFS{}
	_ iofs.StatFS     = ioFS{}
	_ iofs.SubFS      = ioFS{}
	_ iofs.ReadLinkFS = ioFS{}
)

func valid(op, name string) error {
	if iofs.ValidPath(name) {
		return nil
	}
	return &iofs.PathError{Op: op, Path: name, Err: iofs.ErrInvalid}
}

func (i ioFS) Open(name string) (iofs.File, error) {
	if err := valid("open", name); err != nil {
		return nil, err
	}
	f, err := i.fs.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (i ioFS) ReadFile(name string) ([]byte, error) {
	if err := valid("read", name); err != nil {
		return nil, err
	}
	return i.fs.Read(name)
}

func (i ioFS) ReadDir(name string) ([]iofs.DirEntry, error) {
	if err := valid("readdir", name); err != nil {
		return nil, err
	}
	return i.fs.List(name)
}

func (i ioFS) Stat(name string) (iofs.FileInfo, error) {
	if err := valid("stat", name); err != nil {
		return nil, err
	}
	return i.fs.Stat(name)
}

func (i ioFS) Lstat(name string) (iofs.FileInfo, error) {
	if err := valid("lstat", name); err != nil {
		return nil, err
	}
	return i.fs.Lstat(name)
}

func (i ioFS) ReadLink(name string) (string, error) {
	if err := valid("readlink", name); err != nil {
		return "", err
	}
	p, err := i.fs.resolve("readlink", name, 0)
	if err != nil {
		return "", err
	}
	defer p.Close()
	if p.Name == "" {
		return "", pathError("readlink", name, syscall.EINVAL)
	}
	target, err := p.Dir.Readlink(p.Name)
	return target, pathError("readlink", name, err)
}

func (i ioFS) Sub(name string) (iofs.FS, error) {
	if err := valid("sub", name); err != nil {
		return nil, err
	}
	sub, err := i.fs.Sub(name)
	if err != nil {
		return nil, err
	}
	return sub.IOFS(), nil
}
