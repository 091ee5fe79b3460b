package wasm

import (
	"errors"
	"io"
	iofs "io/fs"
	"path"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// MaxModuleSize is the size in bytes above which a module is refused.
const MaxModuleSize = 512 << 20

// source is where the bytes of a module come from.
type source interface {
	name() string
	// known returns the digest of the module, if it can be told without fetching.
	known() (digest, bool)
	fetch() ([]byte, error)
	remember(digest)
}

// pathSource is a file in a folder of the module path. Its digest is taken anew
// at every start, since the file may have changed.
type pathSource struct {
	unknown
	dir  iofs.FS
	file string
}

func (s pathSource) name() string { return s.file }

func (s pathSource) fetch() ([]byte, error) {
	return readModule(func() (iofs.File, error) { return s.dir.Open(s.file) })
}

// fileSource is a file in the Core's Fs.
type fileSource struct {
	unknown
	fsys *fs.Fs
	path string
}

func (s fileSource) name() string { return path.Base(s.path) }

// unknown is for a source whose module may change.
type unknown struct{}

func (unknown) known() (digest, bool) { return digest{}, false }
func (unknown) remember(digest)       {}

func readModule(open func() (iofs.File, error)) ([]byte, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, &ModuleError{Problem: "it is a directory"}
	case !info.Mode().IsRegular():
		return nil, &ModuleError{Problem: "it is not a regular file"}
	case info.Size() > MaxModuleSize:
		return nil, errTooLarge
	}
	return readAtMost(f, info.Size())
}

// readAtMost reads a module that is thought to have size bytes.
func readAtMost(r io.Reader, size int64) ([]byte, error) {
	b := make([]byte, 0, size+1) // one more, so that the end is seen without growing
	for {
		if len(b) > MaxModuleSize {
			return nil, errTooLarge
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func isNotExist(err error) bool { return errors.Is(err, iofs.ErrNotExist) }

// newFileSource is the file that the command of s names. It is the same one
// that the native backend would run.
func newFileSource(fsys *fs.Fs, s process.Spec) fileSource {
	file := s.Command
	if s.Dir != "" && len(s.Mounts) == 0 && !path.IsAbs(file) {
		// Not path.Join: ".." after a symlink is the walk's to resolve.
		file = s.Dir + "/" + file
	}
	return fileSource{fsys: fsys, path: file}
}

func (s fileSource) fetch() ([]byte, error) {
	return readModule(func() (iofs.File, error) { return s.fsys.Open(s.path) })
}
