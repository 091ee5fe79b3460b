package process_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

func TestEventsComeFromTheCallOnAndEndWithTheService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := record(programs)
		first := s.Events(t.Context())
		h := start(t, s, process.Spec{Command: "say", Args: []string{"out", "!err"}})
		exitOf(t, h)
		synctest.Wait() // its last event comes after its end
		late := s.Events(t.Context())
		_, err := s.Start(t.Context(), process.Spec{Command: "nosuch"})
		require.Error(t, err)
		require.NoError(t, s.Shutdown(t.Context()))

		all := collect(first)
		require.Equal(t, r.events, all, "the same as every other receiver gets")
		require.Equal(t, all[len(all)-1:], collect(late), "only what came after the call")
		require.IsType(t, process.FailedEvent{}, all[len(all)-1])
		require.Empty(t, collect(s.Events(t.Context())), "nothing happens any more")
		require.Empty(t, collect(first), "it was for one range")
	})
}

func collect(events iter.Seq[process.Event]) (all []process.Event) {
	for e := range events {
		all = append(all, e)
	}
	return all
}

func TestEventsOfDetachedProcessesComeAfterShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := process.New(programs)
		events := s.Events(t.Context())
		h := start(t, s, process.Spec{Command: "stubborn", Detach: true, Timeout: time.Hour, GracePeriod: -1})
		require.NoError(t, s.Shutdown(t.Context()))
		all := collect(events)
		require.Equal(t, process.ExitedEvent{Info: h.Info(), Exit: exitOf(t, h)}, all[len(all)-1])
	})
}

func TestEventsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := process.New(programs)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.Empty(t, collect(s.Events(ctx)))
		require.Equal(t, time.Second, time.Since(began))
	})
}

// Who listens while a process runs is told of its end, though not of its start.
func TestEventsOfAProcessThatRunsAlready(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	h := start(t, s, process.Spec{Command: "cat", OpenStdin: true})
	events := s.Events(t.Context())
	require.NoError(t, h.Stdin().Close())
	exit := exitOf(t, h)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Equal(t, []process.Event{process.ExitedEvent{Info: h.Info(), Exit: exit}}, collect(events))
}

func TestAReceiverOfEventsMayWaitForTheEnd(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	events := s.Events(t.Context())
	h := start(t, s, process.Spec{Command: "true"})
	for e := range events {
		if exited, ok := e.(process.ExitedEvent); ok {
			require.Equal(t, exited.Exit, exitOf(t, h))
			break
		}
	}
	require.NoError(t, s.Shutdown(t.Context()))
}

// A quick program writes before Start has returned: it has started all the same.
func TestEventsBeginWithTheStart(t *testing.T) {
	t.Parallel()
	s := process.New(waiting{programs})
	events := s.Events(t.Context())
	_, err := s.Run(t.Context(), process.Spec{Command: "say", Args: []string{"x"}})
	require.Error(t, err)
	require.NoError(t, s.Shutdown(t.Context()))
	all := collect(events)
	require.Len(t, all, 3)
	require.IsType(t, process.StartedEvent{}, all[0])
	require.IsType(t, process.OutputEvent{}, all[1])
	require.IsType(t, process.ExitedEvent{}, all[2])
}

func TestAFloodOfOutputDisplacesOnlyOutput(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"of bytes": 32 << 10, "of pieces": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.New(processtest.Fake{"flood": func(p *processtest.Process) int {
				for range 5000 {
					p.Stdout.Write(make([]byte, size))
				}
				return 0
			}})
			events := s.Events(t.Context())
			flood := start(t, s, process.Spec{Command: "flood"})
			exitOf(t, flood)
			var others []string
			for range 100 {
				_, err := s.Start(t.Context(), process.Spec{Command: "nosuch"})
				require.Error(t, err)
			}
			for _, info := range s.List() {
				others = append(others, info.ID)
			}
			require.NoError(t, s.Shutdown(t.Context()))

			var failed []string
			var got, missed int
			var last process.Event
			for e := range events {
				switch e := e.(type) {
				case process.OutputEvent:
					require.Equal(t, int64(got*size), e.Offset)
					got++
				case process.MissedEvent:
					require.IsType(t, process.OutputEvent{}, last, "it stands where they were dropped")
					missed += e.Count
				case process.FailedEvent:
					failed = append(failed, e.ProcessID())
				}
				last = e
			}
			require.Equal(t, 5000, got+missed)
			require.Equal(t, min(1024, 1<<20/size), got)
			require.Subset(t, failed, others[1:])
			require.Len(t, failed, 100)
		})
	}
}

// Whoever was told of a start is told of the end, however far behind it is, and
// what waits for it is bounded all the same.
func TestNoEndIsMissed(t *testing.T) {
	t.Parallel()
	const processes = 5000
	s := process.New(programs)
	before := start(t, s, process.Spec{Command: "cat", OpenStdin: true})
	events := s.Events(t.Context())
	for range processes {
		_, err := s.Run(t.Context(), process.Spec{Command: "true"})
		require.NoError(t, err)
	}
	require.NoError(t, before.Stdin().Close())
	exitOf(t, before)
	require.NoError(t, s.Shutdown(t.Context()))

	running := map[string]bool{before.ID(): true}
	var got, missed, waiting int
	for e := range events {
		waiting++
		switch e := e.(type) {
		case process.StartedEvent:
			running[e.Info.ID] = true
			got++
		case process.ExitedEvent:
			require.True(t, running[e.Info.ID], "the end of what did not begin")
			delete(running, e.Info.ID)
			got++
		case process.MissedEvent:
			missed += e.Count
		}
	}
	require.Empty(t, running)
	require.Equal(t, 2*processes+1, got+missed)
	require.Less(t, waiting, 2*1024+10)
}

func TestAReceiverOfEventsThatIsQuickAgainMissesNothingMore(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	pull, stop := iter.Pull(s.Events(t.Context()))
	defer stop()
	for range 2000 {
		_, err := s.Run(t.Context(), process.Spec{Command: "true"})
		require.NoError(t, err)
	}
	for e, ok := pull(); ; e, ok = pull() {
		require.True(t, ok)
		if _, missed := e.(process.MissedEvent); missed {
			break
		}
	}
	for range 10 {
		h := start(t, s, process.Spec{Command: "true"})
		e, _ := pull()
		require.IsType(t, process.StartedEvent{}, e)
		require.Equal(t, h.ID(), e.ProcessID())
		e, _ = pull()
		require.IsType(t, process.ExitedEvent{}, e)
	}
}

func TestAnyNumberMayListenAndNobodyWaitsForThem(t *testing.T) {
	t.Parallel()
	s := process.New(programs, process.WithHistory(1000))
	asleep := s.Events(t.Context())
	var all sync.WaitGroup
	for range 20 {
		events := s.Events(t.Context())
		all.Go(func() {
			running := make(map[string]bool)
			for e := range events {
				switch e := e.(type) {
				case process.StartedEvent:
					running[e.Info.ID] = true
				case process.ExitedEvent:
					assert.True(t, running[e.Info.ID])
					delete(running, e.Info.ID)
				}
			}
			assert.Empty(t, running)
		})
		ctx, cancel := context.WithCancel(t.Context())
		broken := s.Events(ctx)
		all.Go(func() { // others come and go
			for range broken {
				break
			}
			cancel()
		})
	}
	var runs sync.WaitGroup
	for i := range 10 {
		runs.Go(func() {
			for range 20 {
				_, err := s.Run(t.Context(), process.Spec{Command: "say", Args: []string{fmt.Sprint(i)}})
				assert.Error(t, err)
			}
		})
	}
	runs.Wait()
	require.NoError(t, s.Shutdown(t.Context()))
	all.Wait()
	require.Len(t, collect(asleep), 600)
}

func TestEventsOfAServiceThatRunsNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, collect((&process.Service{}).Events(t.Context())))
}

func TestEventsTellWhatWasUsed(t *testing.T) {
	t.Parallel()
	used := process.Usage{CPU: time.Second, Memory: 4096}
	s := process.New(executor{start: func(_ context.Context, spec process.Spec) (process.Instance, error) {
		io.WriteString(spec.Stdout, "out")
		return instance{wait: func() (process.Exit, error) { return process.Exit{Usage: used}, nil }}, nil
	}})
	events := s.Events(t.Context())
	h := start(t, s, process.Spec{Command: "x"})
	exitOf(t, h)
	require.NoError(t, s.Shutdown(t.Context()))
	all := collect(events)
	exited := all[len(all)-1].(process.ExitedEvent)
	used.Output = 3
	require.Equal(t, used, exited.Exit.Usage)
	require.Equal(t, used, exited.Info.Usage)
	require.Equal(t, used, h.Info().Usage)
}
