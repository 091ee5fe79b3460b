package wasm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// BenchmarkFiles compares what file operations cost a guest here, and on wazero's
// own WASI over WithDirMount: the same module, engine and directory. Ours is
// metered, and wazero's is one that nothing interrupts.
//
// Each row has three columns. The first two are plain benchmarks. "ratio" measures
// both sides in turn, so that what else the machine does falls on both, and
// reports the medians and the ratio of ours to wazero's: less than 1 is faster.
func BenchmarkFiles(b *testing.B) {
	dir := b.TempDir()
	makeFiles(b, dir)
	cloche, peer := clocheSide(b, dir), wazeroSide(b, dir)
	for _, row := range fileRows() {
		b.Run(row.name+"/cloche", func(b *testing.B) { cloche.bench(b, row) })
		b.Run(row.name+"/wazero", func(b *testing.B) { peer.bench(b, row) })
		b.Run(row.name+"/ratio", func(b *testing.B) { compare(b, row, cloche, peer) })
	}
}

// fileRow is one operation, as arguments of testdata/wasm/files.c.
type fileRow struct {
	name     string
	op, path string
	size     int // bytes per read or write
	batch    int // operations per run of the guest that "ratio" measures
}

func (r fileRow) args(n int) []string {
	return []string{"files", r.op, r.path, strconv.Itoa(n), strconv.Itoa(r.size)}
}

// depths are directories one and five elements below the root with what is in them.
var depths = []struct{ name, prefix string }{{"depth=1", ""}, {"depth=5", "a/b/c/d/"}}

func fileRows() (rows []fileRow) {
	for _, d := range depths {
		rows = append(rows,
			fileRow{name: "open/" + d.name, op: "open", path: d.prefix + "file", batch: 3000},
			fileRow{name: "stat/" + d.name, op: "stat", path: d.prefix + "file", batch: 6000},
			fileRow{name: "readdir=100/" + d.name, op: "list", path: d.prefix + "dir100", batch: 100},
			fileRow{name: "readdir=10000/" + d.name, op: "list", path: d.prefix + "dir10000", batch: 1},
		)
		for _, op := range []string{"read", "write"} {
			rows = append(rows,
				fileRow{name: op + "=4KB/" + d.name, op: op, path: d.prefix + "file", size: 4 << 10, batch: 10_000},
				fileRow{name: op + "=64KB/" + d.name, op: op, path: d.prefix + "file", size: 64 << 10, batch: 3000},
			)
		}
	}
	return rows
}

func makeFiles(tb testing.TB, dir string) {
	for _, d := range depths {
		write(tb, dir, d.prefix+"file", make([]byte, 1<<20))
		for _, n := range []int{100, 10_000} {
			list := filepath.Join(dir, d.prefix, fmt.Sprint("dir", n))
			require.NoError(tb, os.MkdirAll(list, 0o755))
			for i := range n {
				file, err := os.Create(filepath.Join(list, fmt.Sprintf("entry-%05d.txt", i)))
				require.NoError(tb, err)
				require.NoError(tb, file.Close())
			}
		}
	}
}

// fileSide runs testdata/wasm/files.wasm to its end.
type fileSide func(testing.TB, fileRow, int)

func (run fileSide) bench(b *testing.B, row fileRow) {
	run(b, row, 1)
	b.ReportAllocs()
	b.ResetTimer()
	run(b, row, b.N)
	if row.size > 0 {
		b.SetBytes(int64(row.size))
	}
}

// samples is the fewest that a median is taken of.
const samples = 15

func compare(b *testing.B, row fileRow, sides ...fileSide) {
	times := make([][]time.Duration, len(sides))
	for i := 0; i < max(b.N, samples); i++ {
		for j, run := range sides {
			began := time.Now()
			run(b, row, row.batch)
			times[j] = append(times[j], time.Since(began)/time.Duration(row.batch))
		}
	}
	ours, theirs := median(times[0]), median(times[1])
	b.ReportMetric(0, "ns/op") // of no meaning here
	b.ReportMetric(float64(ours.Nanoseconds()), "cloche-ns")
	b.ReportMetric(float64(theirs.Nanoseconds()), "wazero-ns")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// clocheSide runs the guest as any other.
func clocheSide(tb testing.TB, dir string) fileSide {
	fsys, err := fs.New(dir)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = fsys.Close() })
	e := newExecutorOn(tb, fsys, WithModulePath(os.DirFS(moduleDir)))
	return func(tb testing.TB, row fileRow, n int) {
		args := row.args(n)
		exit := finish(tb, e, spec(args[0], args[1:]...))
		require.Zero(tb, exit.Code, "%v: %v", args, exit.Reason)
	}
}

// wazeroSide runs the guest with the memory that it has in clocheSide.
func wazeroSide(tb testing.TB, dir string) fileSide {
	ctx := context.Background()
	conf := wazero.NewRuntimeConfig().WithCoreFeatures(features)
	r := wazero.NewRuntimeWithConfig(ctx, conf)
	tb.Cleanup(func() { require.NoError(tb, r.Close(ctx)) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	code, err := os.ReadFile(filepath.Join(moduleDir, "files.wasm"))
	require.NoError(tb, err)
	compiled, err := r.CompileModule(ctx, code)
	require.NoError(tb, err)
	return func(tb testing.TB, row fileRow, n int) {
		ctx, cancel := context.WithCancel(experimental.WithMemoryAllocator(ctx, newMemory(1<<30)))
		defer cancel()
		mod, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithArgs(row.args(n)...).
			WithFSConfig(wazero.NewFSConfig().WithDirMount(dir, "/")))
		require.NoError(tb, err)
		require.NoError(tb, mod.Close(ctx))
	}
}

// moduleDir holds the guests that several packages share.
var moduleDir = filepath.Join("..", "..", "testdata", "wasm")
