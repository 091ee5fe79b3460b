package fs

import (
	iofs "io/fs"
	"strings"
)

// Stat describes what path leads to, symlinks followed. The FileInfo's Sys is a
// Stat.
func (f *Fs) Stat(path string) (iofs.FileInfo, error) {
	return f.stat("stat", path, Follow)
}

// Lstat is Stat that describes a symlink as itself, unless the path ends in a
// slash.
func (f *Fs) Lstat(path string) (iofs.FileInfo, error) {
	var mode Mode
	if strings.HasSuffix(path, "/") {
		mode = Follow
	}
	return f.stat("lstat", path, mode)
}

func (f *Fs) stat(op, path string, mode Mode) (iofs.FileInfo, error) {
	p, err := f.resolve(op, path, mode)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	st, err := p.Stat()
	if err != nil {
		return nil, pathError(op, path, err)
	}
	return newInfo(path, st), nil
}

// IsDir reports whether path leads to a directory.
func (f *Fs) IsDir(path string) bool {
	i, err := f.Stat(path)
	return err == nil && i.IsDir()
}

// IsFile reports whether path leads to a regular file.
func (f *Fs) IsFile(path string) bool {
	i, err := f.Stat(path)
	return err == nil && i.Mode().IsRegular()
}

// Exists reports whether path leads to anything that f can see.
func (f *Fs) Exists(path string) bool {
	_, err := f.Stat(path)
	return err == nil
}
