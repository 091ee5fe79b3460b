package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBothBackendsCountTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte("panic(1)\nif x { panic(2) } else { panic(3) }\n"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub", "deep"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "deep", "b"), []byte("no line end: panic("), 0o600))

	for name, native := range map[string]bool{"wasm": false, "native": true} {
		if _, err := exec.LookPath("grep"); native && err != nil {
			t.Skip("needs grep: install the Debian package grep")
		}
		n, err := countIn(t.Context(), dir, native)
		require.NoError(t, err, name)
		assert.Equal(t, 4, n, name)

		n, err = countIn(t.Context(), t.TempDir(), native)
		require.NoError(t, err, name)
		assert.Zero(t, n, name)
	}
}

func TestAnEndedContextIsTheErrorAndNotACountOfZero(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, err := countIn(ctx, t.TempDir(), false)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, process.ErrNotFound)
}
