package fs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAllocateExtendsAndNeverShortens(t *testing.T) {
	t.Parallel()
	host := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(host, "f"), []byte("0123456789"), 0o644))
	f, err := New(host)
	require.NoError(t, err)
	dir, err := f.Dir()
	require.NoError(t, err)
	defer dir.Close()
	node, err := dir.OpenFile("f", os.O_RDWR, 0)
	require.NoError(t, err)
	defer node.Close()
	n := node.(*hostNode)

	if err := n.Allocate(0, 4); err == syscall.ENOTSUP {
		t.Skip("the filesystem of the temporary directory has no fallocate(2)")
	}
	size := func() int64 {
		st, err := n.Stat()
		require.NoError(t, err)
		return st.Size
	}
	require.NoError(t, n.Allocate(0, 4))
	assert.EqualValues(t, 10, size())
	require.NoError(t, n.Allocate(8, 1<<20))
	assert.EqualValues(t, 8+1<<20, size())
	got, err := os.ReadFile(filepath.Join(host, "f"))
	require.NoError(t, err)
	assert.Equal(t, append([]byte("0123456789"), make([]byte, 1<<20-2)...), got)
	assert.Equal(t, syscall.EINVAL, n.Allocate(0, 0))

	reader, err := dir.OpenFile("f", os.O_RDONLY, 0)
	require.NoError(t, err)
	defer reader.Close()
	assert.Equal(t, syscall.EBADF, reader.(*hostNode).Allocate(0, 1<<21))
}
