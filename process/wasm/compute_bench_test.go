package wasm

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// BenchmarkCompute is the price of guests that can be ended whatever they do: the
// same guest here, on wazero with WithCloseOnContextDone, which ends those that
// loop, and on wazero without, which ends none. It reports medians as ratios to the
// last; the rows are taken in turn, and "all" is their geometric mean.
func BenchmarkCompute(b *testing.B) {
	plain, closing, ours := wazeroComputer(b, false), wazeroComputer(b, true), clocheComputer(b)
	meter, closer := make(map[string]float64), make(map[string]float64) // ratios, the last of each row
	rows := []struct{ kind, n string }{
		{"fib", "35"}, {"sort", "1000000"}, {"matmul", "448"}, {"sha", "300000"}, {"interpret", "100000000"}, {"chase", "30000000"},
	}
	for _, row := range rows {
		b.Run(row.kind, func(b *testing.B) {
			var times [3][]time.Duration
			for range max(b.N, 5) {
				for i, run := range []computer{plain, closing, ours} {
					began := time.Now()
					run(b, row.kind, row.n)
					times[i] = append(times[i], time.Since(began))
				}
			}
			base := float64(median(times[0]))
			meter[row.kind], closer[row.kind] = float64(median(times[2]))/base, float64(median(times[1]))/base
			b.ReportMetric(0, "ns/op") // of no meaning here
			b.ReportMetric(meter[row.kind], "ratio")
			b.ReportMetric(closer[row.kind], "close-on-done-ratio")
		})
	}
	b.Run("all", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(geometricMean(meter), "ratio")
		b.ReportMetric(geometricMean(closer), "close-on-done-ratio")
	})
}

func geometricMean(ratios map[string]float64) float64 {
	product := 1.0
	for _, r := range ratios {
		product *= r
	}
	return math.Pow(product, 1/float64(len(ratios)))
}

// computer runs testdata/wasm/compute.wasm to its end.
type computer func(tb testing.TB, kind, n string)

func clocheComputer(tb testing.TB) computer {
	e := newExecutorOn(tb, nil, WithModulePath(os.DirFS(moduleDir)))
	return func(tb testing.TB, kind, n string) {
		exit := finish(tb, e, spec("compute", kind, n))
		require.Zero(tb, exit.Code, "%v", exit.Reason)
	}
}

func wazeroComputer(tb testing.TB, closeOnDone bool) computer {
	ctx := context.Background()
	conf := wazero.NewRuntimeConfig().WithCoreFeatures(features).WithCloseOnContextDone(closeOnDone)
	r := wazero.NewRuntimeWithConfig(ctx, conf)
	tb.Cleanup(func() { require.NoError(tb, r.Close(ctx)) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	code, err := os.ReadFile(filepath.Join(moduleDir, "compute.wasm"))
	require.NoError(tb, err)
	compiled, err := r.CompileModule(ctx, code)
	require.NoError(tb, err)
	return func(tb testing.TB, kind, n string) {
		ctx, cancel := context.WithCancel(experimental.WithMemoryAllocator(ctx, newMemory(1<<30)))
		defer cancel()
		var out bytes.Buffer
		mod, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithArgs("compute", kind, n).WithStdout(&out))
		if exit, ok := err.(*sys.ExitError); !ok || exit.ExitCode() != 0 {
			require.NoError(tb, err)
			require.NoError(tb, mod.Close(ctx))
		}
		require.NotEmpty(tb, out.String())
	}
}
