package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/internal/hermetic"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
	"github.com/stretchr/testify/require"
)

// BenchmarkCached takes an answer of the cache and a run of the same in turn: grep in
// ten files of 4 KB. The run is warm: its module is compiled and in memory. The answer
// reads all that the run is given, each time. "ratio" is by how much it is quicker, of
// medians.
func BenchmarkCached(b *testing.B) {
	dir := b.TempDir()
	for _, name := range strings.Split("abcdefghij", "") {
		require.NoError(b, os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("some line of text\n", 228)), 0o644))
	}
	f, err := parseRun([]string{"--hermetic", "--cache=" + b.TempDir(), "--stdin=none", "--dir", dir + ":/:ro", "grep", "-rc", "text", "/"})
	require.NoError(b, err)
	engine, err := hermetic.Engine()
	require.NoError(b, err)
	cache, err := hermetic.OpenCache(f.cache.dir)
	require.NoError(b, err)
	ask := func() (string, bool) {
		r, hit := asked(b, engine, cache, f, "")
		require.Zero(b, r.code)
		return r.out, hit
	}
	want, _ := ask()

	c := core.New(core.WithService(wasm.RegisterWith(wasm.WithHermetic(0, f.time), wasm.WithFallback(userland.Programs()...))))
	require.NoError(b, c.ServiceStartup(b.Context()).Err())
	defer c.ServiceShutdown(b.Context())
	run := func() string {
		dirs, err := openDirs(f.dirs)
		require.NoError(b, err)
		defer dirs.close()
		out, err := process.For(c).Run(b.Context(), process.Spec{Command: f.program, Args: f.args, Mounts: dirs.mounts})
		require.NoError(b, err)
		return string(out.Stdout)
	}
	require.Equal(b, want, run())

	var asks, runs []time.Duration
	for b.Loop() {
		began := time.Now()
		got, hit := ask()
		asks = append(asks, time.Since(began))
		require.True(b, hit)
		require.Equal(b, want, got)
		began = time.Now()
		got = run()
		runs = append(runs, time.Since(began))
		require.Equal(b, want, got)
	}
	b.ReportMetric(float64(median(asks).Microseconds()), "answer-µs")
	b.ReportMetric(float64(median(runs).Microseconds()), "run-µs")
	b.ReportMetric(float64(median(runs))/float64(median(asks)), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
