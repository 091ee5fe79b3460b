//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPIDFileIsHeldByOneAtATimeAndSaysByWhom(t *testing.T) {
	t.Parallel()
	f, err := fs.New(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Write("pid", []byte("4711 and more, of a program that is gone\n")))
	first, err := f.PIDFile("pid")
	require.NoError(t, err, "what it says means nothing")
	text, err := f.Read("pid")
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(os.Getpid())+"\n", string(text))

	_, err = f.PIDFile("pid")
	held, ok := errors.AsType[*fs.HeldError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, fs.HeldError{Path: "pid", PID: os.Getpid()}, *held)

	require.NoError(t, first.Close())
	second, err := f.PIDFile("pid")
	require.NoError(t, err)
	require.NoError(t, second.Close())
	text, err = f.Read("pid")
	require.NoError(t, err)
	assert.Empty(t, text)
}

func TestAPIDFileNeedsAFileOfTheHost(t *testing.T) {
	t.Parallel()
	_, err := fs.Memory().PIDFile("pid")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	var none *fs.Fs
	_, err = none.PIDFile("pid")
	_, denied := errors.AsType[*fs.DeniedError](err)
	assert.True(t, denied, "%v", err)
}
