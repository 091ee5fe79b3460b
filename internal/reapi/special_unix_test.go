//go:build unix

package reapi

import (
	"path/filepath"
	"syscall"
	"testing"

	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASpecialFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	f, err := fs.New(dir)
	require.NoError(t, err)
	_, err = Read(f)
	assert.ErrorContains(t, err, "/pipe: neither a file nor a directory nor a symlink")
}
