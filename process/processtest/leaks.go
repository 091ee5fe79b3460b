package processtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// leakCases each leave as much behind as they can.
var leakCases = []testCase{
	{"AfterAnEnd", func(t *testing.T, b Backend) {
		exit, _, _ := run(t, b, process.Spec{Args: []string{"interleave", "100"}})
		assert.Equal(t, 0, exit.Code)
	}},
	{"AfterAnEndWithInputLeft", func(t *testing.T, b Backend) {
		succeed(t, b, process.Spec{Args: []string{"nothing"}, Stdin: silent()})
	}},
	{"AfterAKill", func(t *testing.T, b Backend) {
		for _, s := range busy() {
			tr := start(t, b, s)
			tr.stdout.await(t, "ready\n")
			tr.cancel(errStop)
			assertKilled(t, tr.end(t))
		}
	}},
	{"AfterAKillAtTheStart", func(t *testing.T, b Backend) {
		for range 20 {
			tr := start(t, b, process.Spec{Args: []string{"sleep"}})
			tr.cancel(errStop)
			assertKilled(t, tr.end(t))
		}
	}},
	{"AfterAFailingWriter", func(t *testing.T, b Backend) {
		start(t, b, process.Spec{Args: []string{"flood"}, Stdout: failing{}}).end(t)
	}},
	{"AfterManyAtOnce", func(t *testing.T, b Backend) {
		var trials []*trial
		for range 30 {
			trials = append(trials, start(t, b, process.Spec{Args: []string{"sleep"}}))
		}
		for _, tr := range trials {
			tr.cancel(errStop)
		}
		for _, tr := range trials {
			assertKilled(t, tr.end(t))
		}
	}},
	{"AfterARefusal", func(t *testing.T, b Backend) {
		refused(t, b, process.Spec{Command: "no-such-program"})
		refused(t, b, process.Spec{Args: []string{"nothing"}, Dir: "absent"})
		refused(t, b, process.Spec{Args: []string{"a\x00b"}})
		refused(t, b, process.Spec{Args: []string{"nothing"}, Env: []string{"A=\x00"}})
		ctx, cancel := canceled()
		defer cancel()
		_, err := b.Executor.Start(ctx, complete(b, process.Spec{}, newTape(), newTape()))
		require.Error(t, err)
	}},
	{"AfterAService", func(t *testing.T, b Backend) {
		s := process.New(b.Executor)
		for _, spec := range busy() {
			spec.GracePeriod = 50 * time.Millisecond
			launch(t, b, s, spec)
		}
		require.NoError(t, s.Shutdown(t.Context()))
	}},
	{"AfterAStorm", storm},
}

// leavesNothing compares what the process holds before and after test. The first
// round is not counted: what a backend makes once, it may keep.
func leavesNothing(t *testing.T, b Backend, test func(*testing.T, Backend)) {
	t.Run("warm", func(t *testing.T) { test(t, unclosed(b)) })
	goroutines := goleak.IgnoreCurrent()
	before := descriptors(t)
	t.Run("counted", func(t *testing.T) { test(t, unclosed(b)) })
	assert.NoError(t, goleak.Find(goroutines))
	assert.ElementsMatch(t, before, descriptors(t), "open descriptors")
	assertNoChildren(t)
}

// unclosed keeps Service.Shutdown from closing an executor that is used again.
func unclosed(b Backend) Backend {
	b.Executor = struct{ process.Executor }{b.Executor}
	return b
}

// descriptors lists what this process has open, where the host can tell, by what
// it is: numbers and inodes are used again.
func descriptors(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var open []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err != nil {
			continue // the one that read the directory
		}
		kind, _, _ := strings.Cut(target, "[")
		open = append(open, kind)
	}
	return open
}

// assertNoChildren fails when a child is left, be it a zombie.
func assertNoChildren(t testing.TB) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err == nil {
			assert.Empty(t, strings.TrimSpace(string(children)), "child processes")
		}
	}
}
