package wasm

import (
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/require"
)

// newBackend returns a function that makes a backend per case. They share a
// cache, so that the test program is compiled once.
func newBackend(t *testing.T) func(testing.TB) processtest.Backend {
	_, program := processtest.Build(t)
	cache := cacheDir(t)
	return func(t testing.TB) processtest.Backend {
		fsys, _ := hostFs(t)
		e, err := New(fsys, WithModulePath(os.DirFS(filepath.Dir(program))), WithCacheDir(cache))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		return processtest.Backend{
			Executor: e,
			Fs:       fsys,
			Command:  "testprog",
			Mounts:   true,
			Limits: []string{
				process.LimitDescriptors, process.LimitWritten, process.LimitCreated,
				process.LimitFileSize, process.LimitDepth, process.LimitPathLength, process.LimitFuel,
			},
			Holds:    true,
			Tells:    true,
			WideExit: true,
		}
	}
}

func newNative(t testing.TB) processtest.Backend {
	program, _ := processtest.Build(t)
	fsys, err := fs.New(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = fsys.Close() })
	return processtest.Backend{
		Executor: native.New(fsys, native.WithPath([]string{filepath.Dir(program)})),
		Fs:       fsys,
		Command:  "testprog",
		Signals:  true,
		Children: true,
	}
}

// Not parallel: the suite counts goroutines and descriptors.
func TestWasmKeepsTheContract(t *testing.T) { processtest.Run(t, newBackend(t)) }

func TestWasmAgreesWithNative(t *testing.T) {
	processtest.Differential(t, newBackend(t), newNative)
}

// Not parallel: it measures.
func TestMemoryStaysFlat(t *testing.T) {
	processtest.Flat(t, newExecutor(t), processtest.Load{
		Short: process.Spec{Command: "hello"}, Runs: 100_000,
		Long: process.Spec{Command: "cat", Stdin: zeros{}}, Bytes: 10 << 30,
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
