//go:build unix

package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asCommand makes the test binary be the cloche command: a signal is sent to a
// whole process.
const asCommand = "CLOCHE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main(os.Args[1:], Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	os.Exit(m.Run())
}

func TestASignalToClocheEndsTheRunAndIsItsExitCode(t *testing.T) {
	t.Parallel()
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "run", testprog(t), "cat")
		cmd.Env = append(os.Environ(), asCommand+"=1")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())

		_, err = stdin.Write([]byte("x"))
		require.NoError(t, err)
		_, err = io.ReadFull(stdout, make([]byte, 1)) // the guest runs now
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(signal))
		_, err = io.ReadAll(stdout)
		require.NoError(t, err)
		require.Error(t, cmd.Wait())
		assert.Equal(t, want, cmd.ProcessState.ExitCode())
		assert.Equal(t, "cloche: ended by a signal to cloche: "+signal.String()+"\n", errs.String())
	}
}

func TestAFIFOAsAModuleIsRefusedWithoutWaitingForAWriter(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo.wasm")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	r := cloche("", "run", fifo)
	assert.Equal(t, 126, r.code)
	assert.Contains(t, r.errors, "fifo.wasm")
}
