//go:build unix

package fs_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestASpecialFileOfTheBaseCanOnlyBeRemoved(t *testing.T) {
	t.Parallel()
	l, root := layered(t, map[string]string{"f": "x"})
	fifo := filepath.Join(root, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))

	var denied *fs.DeniedError
	require.ErrorAs(t, l.Rename("fifo", "other"), &denied)
	assert.Equal(t, fs.RuleSpecialStays, denied.Rule)
	_, err := l.Read("fifo")
	require.ErrorAs(t, err, &denied)
	assert.Equal(t, fs.RuleSpecialFile, denied.Rule)
	assert.Empty(t, brief(t, l))

	require.NoError(t, l.Rename("f", "fifo"), "it can be replaced")
	assert.Equal(t, []string{"removed f", "removed fifo", "added fifo"}, brief(t, l))
	require.NoError(t, l.Commit())
	assert.Equal(t, "x", hostFile(t, fifo))
}
