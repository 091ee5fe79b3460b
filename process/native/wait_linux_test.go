package native

import (
	"os"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Not parallel: other tests start threads too.
func TestWaitingTakesNoThreadPerProcess(t *testing.T) {
	const many = 300
	e := New(newFs(t))
	var all []*running
	ends := make(chan error)
	for range many {
		r := begin(t, e, process.Spec{Command: "sleep", Args: []string{"1000"}})
		all = append(all, r)
		go func() { _, err := r.Wait(); ends <- err }()
	}
	threads, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	assert.Less(t, len(threads), many/2)
	for _, r := range all {
		r.cancel(process.ErrKilled)
	}
	for range all {
		require.NoError(t, <-ends)
	}
}
