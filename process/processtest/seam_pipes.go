package processtest

import (
	"io"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
)

// Pipes closed from the process's side; seam_streams.go has those that break on
// ours.
var pipeCases = []testCase{
	{"AProcessMayCloseItsStreamsEarly", func(t *testing.T, b Backend) {
		for _, closed := range [][]string{{"0"}, {"1"}, {"2"}, {"1", "2"}, {"0", "1", "2"}} {
			args := append([]string{"shut", "exit"}, closed...)
			for _, merge := range []bool{false, true} {
				tr := start(t, b, process.Spec{Args: args, Merge: merge, Stdin: io.NopCloser(zeros{})})
				exit := tr.end(t)
				assert.Equal(t, 7, exit.Code, closed)
				assert.NoError(t, exit.Reason, "%v", closed)
			}
		}
	}},
	{"AProcessThatClosedItsStreamsIsKilledAsAnyOther", func(t *testing.T, b Backend) {
		for _, c := range []struct {
			closed []string
			told   func(*trial) *tape
		}{
			{[]string{"0", "1"}, func(tr *trial) *tape { return tr.stderr }},
			{[]string{"0", "2"}, func(tr *trial) *tape { return tr.stdout }},
		} {
			tr := start(t, b, process.Spec{Args: append([]string{"shut", "stay"}, c.closed...), Stdin: io.NopCloser(zeros{})})
			c.told(tr).await(t, "ready\n")
			tr.cancel(errStop)
			assertKilled(t, tr.end(t))
		}
	}},
}
