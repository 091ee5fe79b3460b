package kernel

import (
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// root is the first descriptor after stdio.
const root FD = 3

// everything is what a directory may let its files inherit.
const everything = fileRights | directoryRights

// start makes a process that ends with the test.
func start(t testing.TB, cfg Config) *Process {
	t.Helper()
	p, err := New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// tree makes a host directory of files, by path and content; a path that ends in
// a slash is a directory, a content that begins with "->" a symlink.
func tree(t testing.TB, files map[string]string) (*fs.Fs, string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		switch {
		case name[len(name)-1] == '/':
			require.NoError(t, os.MkdirAll(file, 0o755))
		case len(content) > 2 && content[:2] == "->":
			require.NoError(t, os.Symlink(content[2:], file))
		default:
			require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
		}
	}
	f, err := fs.New(dir)
	require.NoError(t, err)
	return f, dir
}

func bufs(s ...string) [][]byte {
	v := make([][]byte, len(s))
	for i := range s {
		v[i] = []byte(s[i])
	}
	return v
}

// read reads up to n bytes.
func read(p *Process, fd FD, n int) (string, error) {
	b := make([]byte, n)
	n, err := p.Read(fd, [][]byte{b})
	return string(b[:n]), err
}

func open(t testing.TB, p *Process, dir FD, r OpenRequest) FD {
	t.Helper()
	if r.Base == 0 {
		r.Base = fileRights
	}
	fd, err := p.Open(dir, r)
	require.NoError(t, err)
	return fd
}

func openDir(t testing.TB, p *Process, dir FD, path string) FD {
	t.Helper()
	return open(t, p, dir, OpenRequest{Path: path, How: OpenDirectory, Base: directoryRights, Inheriting: everything})
}

// refusals collects what a process tells of.
type refusals struct {
	mu   sync.Mutex
	list []*fs.DeniedError
}

func (r *refusals) add(e *fs.DeniedError) {
	r.mu.Lock()
	r.list = append(r.list, e)
	r.mu.Unlock()
}

// stdin is a pipe whose reads can be blocked on.
func stdin(t testing.TB) (*io.PipeReader, *io.PipeWriter) {
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	return r, w
}
