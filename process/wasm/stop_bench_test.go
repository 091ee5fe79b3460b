package wasm

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/require"
)

// spinner starts something endless and returns what ends it, and awaits that.
type spinner struct {
	name  string
	start func(*testing.B) (stop func())
}

// spinners are the busy guests, and first what the machine does by itself: a
// goroutine that looks at a flag all the time.
func spinners(b *testing.B, guests ...string) []spinner {
	e := newHostileExecutor(b)
	all := []spinner{{"goroutine", spinGoroutine}}
	for _, command := range append(guests, busy...) {
		all = append(all, spinner{command, func(b *testing.B) func() {
			i := startHostile(b, e, command, "kill")
			return func() {
				require.NoError(b, i.Signal(process.SIGKILL))
				_, err := i.Wait()
				require.NoError(b, err)
			}
		}})
	}
	return all
}

func spinGoroutine(*testing.B) func() {
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
		}
	}()
	return func() {
		stop.Store(true)
		<-done
	}
}

// among starts n more and returns what ends them.
func (s spinner) among(b *testing.B, n int) (stop func()) {
	var stops []func()
	for range n {
		stops = append(stops, s.start(b))
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// BenchmarkStop is how long a busy guest goes on after it was killed, until Wait
// returns, while twice as many of its kind as there are processors run beside it.
func BenchmarkStop(b *testing.B) {
	for _, s := range spinners(b, "flood", "makefiles", "denied", "growing", "spinpoll", "bulk") {
		b.Run(s.name, func(b *testing.B) {
			defer s.among(b, 2*runtime.GOMAXPROCS(0))()
			var late []time.Duration
			for range max(b.N, 50) {
				stop := s.start(b)
				time.Sleep(5 * time.Millisecond) // so that it is in the midst of it
				began := time.Now()
				stop()
				late = append(late, time.Since(began))
			}
			b.ReportMetric(0, "ns/op") // of no meaning here
			b.ReportMetric(milliseconds(median(late)), "median-ms")
			b.ReportMetric(milliseconds(slices.Max(late)), "max-ms")
		})
	}
}

// BenchmarkPause is how long the collector stops the host's goroutines at a time, with
// 64 guests that compute, and how long a collection takes.
func BenchmarkPause(b *testing.B) {
	for _, s := range spinners(b, "bulk") {
		b.Run(s.name, func(b *testing.B) {
			defer s.among(b, 64)()
			before := pauses()
			var cycles []time.Duration
			for range max(b.N, 10) {
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
