package wasi_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// BenchmarkFiles does the same calls by the same guest over the same host
// directory, in turns: on cloche's WASI, and on wazero's with WithDirMount. It
// reports the medians of many short batches: ns/cloche, ns/wazero, and their
// ratio, which is above 1 where cloche is slower. Everything is warm.
func BenchmarkFiles(b *testing.B) {
	dir := b.TempDir()
	furnish(b, dir)
	for _, op := range []fileOp{
		{"open+close", 100, func(g *proxy, path string) func() {
			ptr, n := g.put(0, path)
			open, shut := g.quick("path_open"), g.quick("fd_close")
			return func() {
				open(0, 3, 1, ptr, n, 0, rightsToRead, 0, 0, 512)
				shut(0, uint64(g.u32(512)))
			}
		}},
		{"stat", 100, func(g *proxy, path string) func() {
			ptr, n := g.put(0, path)
			stat := g.quick("path_filestat_get")
			return func() { stat(0, 3, 1, ptr, n, 512) }
		}},
		{"stat of nothing", 100, func(g *proxy, path string) func() {
			ptr, n := g.put(0, path+".none")
			stat := g.quick("path_filestat_get")
			return func() { stat(noent, 3, 1, ptr, n, 512) }
		}},
		{"read 4K", 100, transfer("fd_pread", 4<<10)},
		{"read 64K", 100, transfer("fd_pread", 64<<10)},
		{"write 4K", 100, transfer("fd_pwrite", 4<<10)},
		{"write 64K", 100, transfer("fd_pwrite", 64<<10)},
	} {
		for _, depth := range []int{1, 5} {
			b.Run(fmt.Sprintf("%s/depth %d", op.name, depth), func(b *testing.B) {
				race(b, dir, op, deep(depth)+"file")
			})
		}
	}
	for _, n := range []int{100, 10_000} {
		for _, depth := range []int{1, 5} {
			op := fileOp{"readdir", max(1, 1000/n), readdir}
			b.Run(fmt.Sprintf("readdir of %d/depth %d", n, depth), func(b *testing.B) {
				race(b, dir, op, fmt.Sprintf("%s%d", deep(depth), n))
			})
		}
	}
}

// quick returns a call of a function that costs little beside the call itself, and
// that must answer an errno.
func (g *proxy) quick(name string) func(want int, args ...uint64) {
	f := g.mod.ExportedFunction(name)
	stack := make([]uint64, 16)
	return func(want int, args ...uint64) {
		copy(stack, args)
		if err := f.CallWithStack(g.ctx, stack); err != nil || int(uint32(stack[0])) != want {
			g.t.Fatal(name, stack[0], err)
		}
	}
}

// fileOp is what is measured: prepare returns what is done batch times.
type fileOp struct {
	name    string
	batch   int
	prepare func(g *proxy, path string) func()
}

const (
	rightsToRead  = uint64(kernel.RightRead | kernel.RightSeek | kernel.RightReaddir)
	rightsToWrite = rightsToRead | uint64(kernel.RightWrite)
	buffer        = 64 << 10 // where data is in the guest's memory
)

// deep is the path of a directory, with a slash behind it.
func deep(depth int) string {
	path := ""
	for range depth - 1 {
		path += "d/"
	}
	return path
}

func furnish(b *testing.B, dir string) {
	for _, depth := range []int{1, 5} {
		at := filepath.Join(dir, deep(depth))
		require.NoError(b, os.MkdirAll(at, 0o755))
		require.NoError(b, os.WriteFile(filepath.Join(at, "file"), make([]byte, 64<<10), 0o644))
		for _, n := range []int{100, 10_000} {
			many := filepath.Join(at, fmt.Sprint(n))
			require.NoError(b, os.Mkdir(many, 0o755))
			for i := range n {
				require.NoError(b, os.WriteFile(filepath.Join(many, fmt.Sprintf("entry-%05d", i)), nil, 0o644))
			}
		}
	}
}

// transfer moves size bytes at offset 0 of one open file.
func transfer(name string, size uint32) func(*proxy, string) func() {
	return func(g *proxy, path string) func() {
		ptr, n := g.put(0, path)
		g.ok("path_open", 3, 1, ptr, n, 0, rightsToWrite, 0, 0, 512)
		fd := uint64(g.u32(512))
		iovs, count := g.iovs(1024, buffer, size)
		move := g.quick(name)
		return func() { move(0, fd, iovs, count, 0, 512) }
	}
}

// readdir opens a directory and reads all of it, 4 KiB at a time, as wasi-libc
// does.
func readdir(g *proxy, path string) func() {
	const size = 4096
	ptr, n := g.put(0, path)
	open, list, shut := g.quick("path_open"), g.quick("fd_readdir"), g.quick("fd_close")
	return func() {
		open(0, 3, 1, ptr, n, uint64(kernel.OpenDirectory), rightsToRead, 0, 0, 512)
		fd := uint64(g.u32(512))
		for cookie := uint64(0); ; {
			list(0, fd, buffer, size, cookie, 512)
			used := g.u32(512)
			for at := uint32(0); at+24 <= used; {
				next := at + 24 + g.u32(buffer+at+16)
				if next > used {
					break
				}
				cookie = g.u64(buffer + at)
				at = next
			}
			if used < size {
				break
			}
		}
		shut(0, fd)
	}
}

// race runs batches in turns and reports the medians.
func race(b *testing.B, dir string, op fileOp, path string) {
	f, err := fs.New(dir)
	require.NoError(b, err)
	defer f.Close()
	mine := op.prepare(newProxy(b, kernel.Config{Root: f}), path)
	theirs := op.prepare(newPeer(b, dir), path)
	mine()
	theirs()
	var took [2][]float64
	for b.Loop() {
		for i, do := range []func(){mine, theirs} {
			began := time.Now()
			for range op.batch {
				do()
			}
			took[i] = append(took[i], float64(time.Since(began).Nanoseconds())/float64(op.batch))
		}
	}
	cloche, wazero := median(took[0]), median(took[1])
	b.ReportMetric(0, "ns/op") // of both together: it means nothing
	b.ReportMetric(cloche, "ns/cloche")
	b.ReportMetric(wazero, "ns/wazero")
	b.ReportMetric(cloche/wazero, "ratio")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// newPeer is the proxy on wazero's own WASI.
func newPeer(t testing.TB, dir string) *proxy {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	t.Cleanup(func() { r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, guest(t, "proxy.wasm"),
		wazero.NewModuleConfig().WithFSConfig(wazero.NewFSConfig().WithDirMount(dir, "/")))
	require.NoError(t, err)
	return &proxy{t: t, mod: mod, ctx: ctx}
}
