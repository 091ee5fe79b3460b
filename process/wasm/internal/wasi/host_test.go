package wasi_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"dappco.re/go/cloche/process/wasm/internal/wasi"
)

// host is a runtime with the module under test.
type host struct {
	runtime wazero.Runtime
	proxy   wazero.CompiledModule
}

func newHost(t testing.TB) *host {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { require.NoError(t, r.Close(ctx)) })
	require.NoError(t, wasi.Instantiate(ctx, r))
	proxy, err := r.CompileModule(ctx, guest(t, "proxy.wasm"))
	require.NoError(t, err)
	return &host{r, proxy}
}

// exit is how a guest ended: by itself with a code, or by an error.
type exit struct {
	code   uint32
	exited bool
	err    error
}

// run runs a command to its end.
func (h *host) run(t testing.TB, code []byte, cfg kernel.Config) exit {
	return h.runContext(t, t.Context(), code, cfg)
}

func (h *host) runContext(t testing.TB, ctx context.Context, code []byte, cfg kernel.Config) exit {
	p, err := kernel.New(ctx, cfg)
	require.NoError(t, err)
	defer p.Close()
	compiled, err := h.runtime.CompileModule(context.Background(), code)
	require.NoError(t, err)
	call := wasi.WithProcess(context.Background(), p)
	mod, err := h.runtime.InstantiateModule(call, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	require.NoError(t, err)
	defer mod.Close(context.Background())
	_, err = mod.ExportedFunction("_start").Call(call)
	e := exit{err: err}
	e.code, e.exited = p.Exited()
	if !e.exited && err != nil {
		e.code = 134
	}
	return e
}
