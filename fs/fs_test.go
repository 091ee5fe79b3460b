package fs_test

import (
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// newFs returns an Fs on a new directory, and that directory.
func newFs(t testing.TB) (*fs.Fs, string) {
	t.Helper()
	root := t.TempDir()
	f, err := fs.New(root)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f, root
}

func TestWriteThenReadGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	data := []byte("a\x00b\xff\n")
	require.NoError(t, f.Write("x", data))
	got, err := f.Read("/x")
	require.NoError(t, err)
	assert.Equal(t, data, got)
	host, err := os.ReadFile(filepath.Join(root, "x"))
	require.NoError(t, err)
	assert.Equal(t, data, host)
}

func TestIOFSPassesTheStandardSuite(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	require.NoError(t, f.EnsureDir("a/b/c"))
	require.NoError(t, f.Write("a/b/c/deep", []byte("deep")))
	require.NoError(t, f.Write("top", []byte("top")))
	require.NoError(t, f.Write("empty", nil))
	require.NoError(t, fstest.TestFS(f.IOFS(), "a/b/c/deep", "top", "empty"))
	_, err := f.IOFS().Open("../x")
	assert.ErrorIs(t, err, iofs.ErrInvalid)
}
