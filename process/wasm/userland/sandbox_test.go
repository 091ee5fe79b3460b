package userland_test

import (
	"bytes"
	"errors"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
	"dappco.re/go/cloche/process/wasm/userland/internal/gnutest"
	"github.com/stretchr/testify/require"
)

func TestCommandsInTheSandboxEqualTheMachinesOwn(t *testing.T) {
	executor, err := wasm.New(nil, wasm.WithPrograms(userland.Programs()...))
	require.NoError(t, err)
	service := process.New(executor)
	t.Cleanup(func() { service.Shutdown(t.Context()) })
	gnutest.Run(t, func(t testing.TB, call gnutest.Call) gnutest.Result { return sandboxed(t, service, call) }, false)
}

// sandboxed runs a command with its directory as all that it sees.
func sandboxed(t testing.TB, service *process.Service, call gnutest.Call) gnutest.Result {
	dir, err := fs.New(call.Dir)
	require.NoError(t, err)
	defer dir.Close()
	out, err := service.Run(t.Context(), process.Spec{
		Command: call.Args[0],
		Args:    call.Args[1:],
		Env:     call.Env,
		Stdin:   bytes.NewReader(call.Stdin),
		Mounts:  []process.Mount{{Fs: dir, Target: "/"}},
	})
	if _, failed := errors.AsType[*process.ExitError](err); !failed {
		require.NoError(t, err)
	}
	return gnutest.Result{Stdout: out.Stdout, Stderr: out.Stderr, Code: out.Exit.Code}
}
