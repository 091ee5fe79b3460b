package wasm

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/require"
)

// BenchmarkStop is how long a busy guest goes on after it was killed, until Wait
// returns, while twice as many of its kind as there are processors run beside it.
func BenchmarkStop(b *testing.B) {
	e := newHostileExecutor(b)
	for _, command := range append([]string{"flood", "makefiles", "denied", "growing", "spinpoll", "bulk"}, busy...) {
		b.Run(command, func(b *testing.B) {
			stop := neighbours(b, e, command, 2*runtime.GOMAXPROCS(0))
			defer stop()
			var late []time.Duration
			for range max(b.N, 100) {
				i := startHostile(b, e, command, "kill")
				time.Sleep(5 * time.Millisecond) // so that it is in the midst of it
				began := time.Now()
				require.NoError(b, i.Signal(process.SIGKILL))
				_, err := i.Wait()
				late = append(late, time.Since(began))
				require.NoError(b, err)
			}
			b.ReportMetric(0, "ns/op") // of no meaning here
			b.ReportMetric(milliseconds(median(late)), "median-ms")
			b.ReportMetric(milliseconds(slices.Max(late)), "max-ms")
		})
	}
}

// BenchmarkPause is how long the collector stops the host's goroutines, with 64
// guests that compute.
func BenchmarkPause(b *testing.B) {
	e := newHostileExecutor(b)
	for _, command := range append([]string{"bulk"}, busy...) {
		b.Run(command, func(b *testing.B) {
			stop := neighbours(b, e, command, 64)
			defer stop()
			before := pauses()
			var cycles []time.Duration
			for range max(b.N, 20) {
				began := time.Now()
				runtime.GC()
				cycles = append(cycles, time.Since(began))
			}
			middle, most := between(before, pauses())
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(middle*1000, "median-ms")
			b.ReportMetric(most*1000, "max-ms")
			b.ReportMetric(milliseconds(median(cycles)), "cycle-ms")
		})
	}
}

// neighbours starts n guests and returns what ends them.
func neighbours(b *testing.B, e *Executor, command string, n int) (stop func()) {
	var guests []process.Instance
	for range n {
		guests = append(guests, startHostile(b, e, command, "kill"))
	}
	return func() {
		for _, g := range guests {
			require.NoError(b, g.Signal(process.SIGKILL))
		}
		for _, g := range guests {
			_, err := g.Wait()
			require.NoError(b, err)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// pauses are those of the collector since the program began, by length.
func pauses() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64Histogram()
}

// between returns the median and the longest, in seconds, of what came since before:
// the upper ends of their buckets.
func between(before, after *metrics.Float64Histogram) (middle, most float64) {
	var all []float64
	for i := range after.Counts {
		for range after.Counts[i] - before.Counts[i] {
			all = append(all, after.Buckets[i+1])
		}
	}
	if len(all) == 0 {
		return math.NaN(), math.NaN()
	}
	return all[len(all)/2], all[len(all)-1]
}
