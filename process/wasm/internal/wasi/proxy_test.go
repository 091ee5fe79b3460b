package wasi_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"dappco.re/go/cloche/process/wasm/internal/wasi"
)

// memorySize is the proxy's memory.
const memorySize = 2 * 65536

var le = binary.LittleEndian

func guest(t testing.TB, name string) []byte {
	code, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "testdata", "wasm", name))
	require.NoError(t, err)
	return code
}

// proxy is a guest that passes calls through.
type proxy struct {
	t   testing.TB
	mod api.Module
	ctx context.Context
	p   *kernel.Process
}

func newProxy(t testing.TB, cfg kernel.Config) *proxy {
	return newProxyIn(t, newHost(t), t.Context(), cfg)
}

func newProxyIn(t testing.TB, h *host, ctx context.Context, cfg kernel.Config) *proxy {
	p, err := kernel.New(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	mod, err := h.runtime.InstantiateModule(context.Background(), h.proxy,
		wazero.NewModuleConfig().WithName(""))
	require.NoError(t, err)
	return &proxy{t, mod, wasi.WithProcess(context.Background(), p), p}
}

// call calls a function and returns its errno.
func (g *proxy) call(name string, args ...uint64) int {
	g.t.Helper()
	r, err := g.mod.ExportedFunction(name).Call(g.ctx, args...)
	require.NoError(g.t, err, name)
	return int(uint32(r[0]))
}

// ok calls a function that must succeed.
func (g *proxy) ok(name string, args ...uint64) {
	g.t.Helper()
	require.Equal(g.t, success, g.call(name, args...), name)
}

// put writes bytes to memory and returns the two parameters that name them.
func (g *proxy) put(at uint32, s string) (ptr, n uint64) {
	require.True(g.t, g.mod.Memory().Write(at, []byte(s)))
	return uint64(at), uint64(len(s))
}

// iovs writes an iovec_array of (pointer, length) pairs.
func (g *proxy) iovs(at uint32, pairs ...uint32) (ptr, n uint64) {
	for i, v := range pairs {
		require.True(g.t, g.mod.Memory().WriteUint32Le(at+4*uint32(i), v))
	}
	return uint64(at), uint64(len(pairs) / 2)
}

func (g *proxy) bytes(at, n uint32) []byte {
	b, ok := g.mod.Memory().Read(at, n)
	require.True(g.t, ok)
	return b
}

func (g *proxy) u32(at uint32) uint32 { return le.Uint32(g.bytes(at, 4)) }
func (g *proxy) u64(at uint32) uint64 { return le.Uint64(g.bytes(at, 8)) }

// open opens a path from the root with every right of a file.
func (g *proxy) open(path string, oflags uint64) uint64 {
	g.t.Helper()
	ptr, n := g.put(0, path)
	g.ok("path_open", 3, 0, ptr, n, oflags, 1<<28-1, 1<<28-1, 0, 512)
	return uint64(g.u32(512))
}

// tree makes a host directory of files.
func tree(t testing.TB, files map[string]string) *fs.Fs {
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
	}
	f, err := fs.New(dir)
	require.NoError(t, err)
	return f
}
