//go:build unix

package cli

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFIFOAsAModuleIsRefusedWithoutWaitingForAWriter(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo.wasm")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	r := cloche("", "run", fifo)
	assert.Equal(t, 126, r.code)
	assert.Contains(t, r.errors, "fifo.wasm")
}
