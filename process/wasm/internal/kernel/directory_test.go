package kernel

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// A guest that begins to read one large directory by many handles makes the host
// hold its listing many times.
func TestTheListingsOfOpenDirectoriesAreBounded(t *testing.T) {
	t.Parallel()
	f := fs.Memory()
	for i := range 100 {
		require.NoError(t, f.Write(fmt.Sprintf("f%02d", i), nil))
	}
	var denied refusals
	a := NewAccount(Limits{})
	a.listed.max = 16 << 10 // of some 4 KiB each
	p := start(t, Config{Root: f, Account: a, Denied: denied.add})
	var handles []FD
	for {
		d := openDir(t, p, root, ".")
		entries, err := p.ReadDir(d, 0)
		if err != nil {
			assert.ErrorIs(t, err, syscall.ENOMEM)
			break
		}
		require.Len(t, entries, 102)
		handles = append(handles, d)
	}
	assert.InDelta(t, 4, len(handles), 1)
	require.Len(t, denied.list, 1)
	assert.Equal(t, fs.RuleListings, denied.list[0].Rule)
	assert.Equal(t, "/.", denied.list[0].Path)

	_, err := p.ReadDir(handles[0], 0)
	require.NoError(t, err, "one that is read again takes no more")
	for _, d := range handles {
		require.NoError(t, p.CloseFD(d))
	}
	_, err = p.ReadDir(root, 0)
	require.NoError(t, err)
	p.Close()
	assert.Zero(t, a.listed.used.Load())
}
