package processtest

import (
	"iter"
	"os"
	"runtime"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Load is work that must leave nothing behind, however much of it there is.
type Load struct {
	Short process.Spec // ends soon, and succeeds
	Runs  int          // of it
	Long  process.Spec // writes to stdout until it is ended
	Bytes int64        // after so many
}

// maxGrowth is how much more memory may be in use after a Load: what the runtime
// scatters, and what waits for a receiver of events that never looks.
const maxGrowth = 4 << 20

// Flat checks that a Load leaves memory, goroutines and descriptors as they were.
// It does a hundredth of it unless CLOCHE_FULL is set. The test that calls it must
// not be parallel.
func Flat(t *testing.T, exec process.Executor, load Load) {
	if os.Getenv("CLOCHE_FULL") == "" {
		load.Runs, load.Bytes = load.Runs/100, load.Bytes/100
	}
	s := process.New(struct{ process.Executor }{exec}, process.WithEvents(func(process.Event) {}))
	next, stop := iter.Pull(s.Events(t.Context()))
	defer stop()
	t.Run("runs", func(t *testing.T) {
		leavesMemory(t, func(t *testing.T, share int) {
			for range load.Runs / share {
				_, err := s.Run(t.Context(), load.Short)
				require.NoError(t, err)
			}
		})
	})
	t.Run("bytes", func(t *testing.T) {
		leavesMemory(t, func(t *testing.T, share int) { printOut(t, s, load.Long, load.Bytes/int64(share)) })
	})
	next() // it was there all the time
	require.NoError(t, s.Shutdown(t.Context()))
}

// leavesMemory compares what is in use before and after work, a tenth of which
// is done first: what a backend makes once, and the history, are not counted.
func leavesMemory(t *testing.T, work func(t *testing.T, share int)) {
	work(t, 10)
	goroutines, open, before := goleak.IgnoreCurrent(), descriptors(t), heap()
	work(t, 1)
	assert.NoError(t, goleak.Find(goroutines))
	assert.ElementsMatch(t, open, descriptors(t), "open descriptors")
	after := heap()
	t.Logf("%d KiB in use before, %d KiB after", before>>10, after>>10)
	assert.Less(t, after, before+maxGrowth)
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// printOut has one follower keep up, and another begin and never go on.
func printOut(t *testing.T, s *process.Service, spec process.Spec, bytes int64) {
	spec.Capture, spec.Limits.Output = 1<<20, bytes
	h, err := s.Start(t.Context(), spec)
	require.NoError(t, err)
	next, stop := iter.Pull(h.Follow(t.Context()))
	defer stop()
	next()
	var got int64
	for e := range h.Follow(t.Context()) {
		got += e.Missing + int64(len(e.Data))
	}
	exit := wait(t, h)
	assert.Equal(t, bytes, got)
	assert.Equal(t, bytes, exit.Usage.Output)
	assert.Equal(t, &process.LimitError{Limit: process.LimitOutput, Max: bytes}, exit.Reason)
}
