//go:build unix

package userland_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
	"github.com/stretchr/testify/require"
)

func TestCommandsInTheSandboxEqualTheMachinesOwn(t *testing.T) {
	executor, err := wasm.New(nil, wasm.WithPrograms(userland.Programs()...))
	require.NoError(t, err)
	service := process.New(executor)
	t.Cleanup(func() { service.Shutdown(context.Background()) })
	compareWithGNU(t, func(t testing.TB, c call) result { return sandboxed(t, service, c) }, false)
}

// sandboxed runs a command with its directory as all that it sees.
func sandboxed(t testing.TB, service *process.Service, c call) result {
	dir, err := fs.New(c.Dir)
	require.NoError(t, err)
	defer dir.Close()
	out, err := service.Run(t.Context(), process.Spec{
		Command: c.Args[0],
		Args:    c.Args[1:],
		Env:     c.Env,
		Stdin:   bytes.NewReader(c.Stdin),
		Mounts:  []process.Mount{{Fs: dir, Target: "/"}},
	})
	if _, failed := errors.AsType[*process.ExitError](err); !failed {
		require.NoError(t, err)
	}
	return result{Stdout: out.Stdout, Stderr: out.Stderr, Code: out.Exit.Code}
}
