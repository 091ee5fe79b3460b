package processtest

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func canceled() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStop)
	return ctx, func() { cancel(nil) }
}

// busy is every way to be busy when the end comes.
func busy() map[string]process.Spec {
	return map[string]process.Spec{
		"spinning":                {Args: []string{"spin"}},
		"sleeping":                {Args: []string{"sleep"}},
		"reading":                 {Args: []string{"hang"}, OpenStdin: true},
		"polling":                 {Args: []string{"ticks"}, OpenStdin: true},
		"taking endless input":    {Args: []string{"count"}, Stdin: io.NopCloser(zeros{})},
		"ignoring the polite way": {Args: []string{"ignoreterm"}},
	}
}

var stopCases = []testCase{
	{"TheEndOfTheContextEndsItWhateverItDoes", func(t *testing.T, b Backend) {
		for doing, s := range busy() {
			t.Run(doing, func(t *testing.T) {
				t.Parallel()
				tr := start(t, b, s)
				tr.stdout.await(t, "ready\n")
				tr.cancel(errStop)
				assertKilled(t, tr.end(t))
			})
		}
	}},
	{"AFloodIntoASlowReaderIsKilled", func(t *testing.T, b Backend) {
		slow, entered := newStuck()
		tr := start(t, b, process.Spec{Args: []string{"flood"}, Stdout: slow})
		<-entered
		tr.cancel(errStop)
		slow.free() // as the lifecycle does: a Write is not the backend's to interrupt
		assertKilled(t, tr.end(t))
	}},
	{"TheEndOfTheContextAfterTheExitChangesNothing", func(t *testing.T, b Backend) {
		tr := start(t, b, process.Spec{Args: []string{"exit", "3"}})
		exit := tr.end(t)
		tr.cancel(errStop)
		assert.Equal(t, 3, exit.Code)
		assert.NoError(t, exit.Reason)
	}},
	{"NothingIsWrittenAfterWait", func(t *testing.T, b Backend) {
		tr := start(t, b, process.Spec{Args: []string{"flood"}, Merge: true})
		tr.stdout.await(t, "\x00")
		tr.cancel(errStop)
		tr.end(t)
		before := len(tr.stdout.bytes())
		assert.Empty(t, succeed(t, b, process.Spec{Args: []string{"nothing"}})) // gives it time
		assert.Equal(t, before, len(tr.stdout.bytes()))
	}},
	{"SignalsAreSentOrUnsupported", func(t *testing.T, b Backend) {
		tr := start(t, b, process.Spec{Args: []string{"sleep"}})
		tr.stdout.await(t, "ready\n")
		err := tr.Signal(process.SIGTERM)
		if !b.Signals {
			require.ErrorIs(t, err, errors.ErrUnsupported)
			tr.cancel(errStop)
			assertKilled(t, tr.end(t))
			return
		}
		require.NoError(t, err)
		exit := tr.end(t)
		assert.Equal(t, 128+15, exit.Code)
		assert.Equal(t, process.SIGTERM, exit.Signal)
		assert.NoError(t, exit.Reason)
		assert.ErrorIs(t, tr.Signal(process.SIGTERM), os.ErrProcessDone)
	}},
	{"AnUnknownSignalIsRefused", func(t *testing.T, b Backend) {
		tr := start(t, b, process.Spec{Args: []string{"sleep"}})
		tr.stdout.await(t, "ready\n")
		for _, sig := range []process.Signal{"", "TERM", "15", "SIGNOT"} {
			assert.Error(t, tr.Signal(sig), sig)
		}
		tr.cancel(errStop)
		assertKilled(t, tr.end(t))
	}},
	{"FiftyAtOnceKeepApart", func(t *testing.T, b Backend) {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				data := noise(1000 * (i + 1))
				var s process.Spec
				s.Args, s.Stdin = []string{"cat"}, input(data)
				tr := start(t, b, s)
				exit, err := tr.Wait()
				assert.NoError(t, err)
				assert.Equal(t, 0, exit.Code)
				assert.Equal(t, data, tr.stdout.bytes())
			})
		}
		all.Wait()
	}},
	{"ManyDieAtOnce", func(t *testing.T, b Backend) {
		var trials []*trial
		for range 20 {
			trials = append(trials, start(t, b, process.Spec{Args: []string{"sleep"}}))
		}
		for _, tr := range trials {
			tr.stdout.await(t, "ready\n")
		}
		for _, tr := range trials {
			tr.cancel(errStop)
		}
		for _, tr := range trials {
			assertKilled(t, tr.end(t))
		}
	}},
	{"AChildThatHoldsStdoutDelaysNothing", func(t *testing.T, b Backend) {
		exit, stdout, stderr := run(t, b, process.Spec{Args: []string{"spawn"}})
		if !b.Children {
			assert.Equal(t, 99, exit.Code)
			assert.Contains(t, stderr, "there are no children here")
			return
		}
		assert.Equal(t, 0, exit.Code)
		assert.Contains(t, stdout, "child ")
	}},
	{"AKilledProcessIsGoneSoon", func(t *testing.T, b Backend) {
		tr := start(t, b, process.Spec{Args: []string{"spin"}})
		tr.stdout.await(t, "ready\n")
		began := time.Now()
		tr.cancel(errStop)
		assertKilled(t, tr.end(t))
		assert.Less(t, time.Since(began), 5*time.Second) // an idle machine needs milliseconds
	}},
}

func assertKilled(t testing.TB, exit process.Exit) {
	t.Helper()
	assert.Equal(t, 137, exit.Code)
	assert.ErrorIs(t, exit.Reason, errStop)
}
