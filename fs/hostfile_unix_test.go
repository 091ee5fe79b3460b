//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	"os"
	"testing"

	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAHostFileIsTheSameFileAndAppendsWhereverItsEndIs(t *testing.T) {
	t.Parallel()
	f, err := fs.New(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	log, err := f.Append("log")
	require.NoError(t, err)
	host, err := log.HostFile()
	require.NoError(t, err)
	defer host.Close()
	for _, w := range []interface{ Write([]byte) (int, error) }{host, log, host} {
		_, err := w.Write([]byte("line\n"))
		require.NoError(t, err)
	}
	require.NoError(t, log.Close())
	_, err = host.WriteString("later\n")
	require.NoError(t, err, "it has its own descriptor")
	text, err := f.Read("log")
	require.NoError(t, err)
	assert.Equal(t, "line\nline\nline\nlater\n", string(text))

	_, err = log.HostFile()
	assert.ErrorIs(t, err, os.ErrClosed)
}

func TestAFileThatIsNotTheHostsHasNoHostFile(t *testing.T) {
	t.Parallel()
	log, err := fs.Memory().Append("log")
	require.NoError(t, err)
	_, err = log.HostFile()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}
