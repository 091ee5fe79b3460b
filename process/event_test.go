package process_test

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// recorder keeps the events of one service. Shutdown delivers the last ones.
type recorder struct {
	mu     sync.Mutex
	events []process.Event
}

func (r *recorder) take(e process.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func record(exec process.Executor) (*process.Service, *recorder) {
	r := &recorder{}
	return process.New(exec, process.WithEvents(r.take)), r
}

func TestEventsTellTheWholeStoryInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		denial := &process.DeniedError{Op: "open", Path: "/etc/passwd"}
		link := process.OutwardLink{Path: "/l", Target: "../x"}
		var told *process.DeniedError
		var toldLink process.OutwardLink
		s, r := record(processtest.Fake{"story": func(p *processtest.Process) int {
			io.WriteString(p.Stdout, "one")
			p.Denied(denial)
			p.OutwardLink(link)
			io.WriteString(p.Stderr, "two")
			io.WriteString(p.Stdout, "three")
			<-p.Signals
			return 0
		}})
		h := start(t, s, process.Spec{
			Command: "story", Timeout: time.Second,
			Denied:      func(d *process.DeniedError) { told = d },
			OutwardLink: func(l process.OutwardLink) { toldLink = l },
		})
		exit := exitOf(t, h)
		require.NoError(t, s.Shutdown(t.Context()))
		require.Same(t, denial, told)
		require.Equal(t, link, toldLink)
		started, ok := r.events[0].(process.StartedEvent)
		require.True(t, ok)
		require.Equal(t, process.Running, started.Info.Status)
		require.Equal(t, []process.Event{
			started,
			process.OutputEvent{ID: h.ID(), Stream: process.Stdout, Data: []byte("one")},
			process.DeniedEvent{ID: h.ID(), Denial: denial},
			process.OutwardLinkEvent{ID: h.ID(), Link: link},
			process.OutputEvent{ID: h.ID(), Stream: process.Stderr, Data: []byte("two")},
			process.OutputEvent{ID: h.ID(), Stream: process.Stdout, Offset: 3, Data: []byte("three")},
			process.AskedEvent{ID: h.ID(), Signal: process.SIGTERM, Reason: process.ErrTimeout},
			process.ExitedEvent{Info: h.Info(), Exit: exit},
		}, r.events)
		for _, e := range r.events {
			require.Equal(t, h.ID(), e.ProcessID())
		}
	})
}

func TestEventsOfAProcessThatNeverRan(t *testing.T) {
	t.Parallel()
	s, r := record(programs)
	_, err := s.Start(t.Context(), process.Spec{Command: "nosuch"})
	require.NoError(t, s.Shutdown(t.Context()))
	require.Equal(t, []process.Event{process.FailedEvent{Info: s.List()[0], Err: err}}, r.events)
}

func TestALimitIsAnEvent(t *testing.T) {
	t.Parallel()
	s, r := record(programs)
	h := start(t, s, process.Spec{Command: "flood", Limits: process.Limits{Output: 10}})
	exitOf(t, h)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Contains(t, r.events, process.LimitedEvent{
		ID: h.ID(), Limit: &process.LimitError{Limit: "output", Max: 10},
	})
}

func TestOutputEventsAreBoundedAndComplete(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	s, r := record(processtest.Fake{"big": func(p *processtest.Process) int {
		p.Stdout.Write(want)
		return 0
	}})
	_, err := s.Run(t.Context(), process.Spec{Command: "big", Capture: -1})
	require.NoError(t, err)
	require.NoError(t, s.Shutdown(t.Context()))
	var got []byte
	for _, e := range r.events {
		if out, ok := e.(process.OutputEvent); ok {
			require.Equal(t, int64(len(got)), out.Offset)
			require.LessOrEqual(t, len(out.Data), 32<<10)
			got = append(got, out.Data...)
		}
	}
	require.True(t, bytes.Equal(want, got))
}

// A quick program writes before Start has returned: it has started all the same.
func TestStartedComesBeforeOutput(t *testing.T) {
	t.Parallel()
	inner := processtest.Fake{"quick": func(p *processtest.Process) int {
		io.WriteString(p.Stdout, "x")
		return 0
	}}
	s, r := record(waiting{inner})
	_, err := s.Run(t.Context(), process.Spec{Command: "quick"})
	require.NoError(t, err)
	require.NoError(t, s.Shutdown(t.Context()))
	require.IsType(t, process.StartedEvent{}, r.events[0])
	require.IsType(t, process.OutputEvent{}, r.events[1])
	require.IsType(t, process.ExitedEvent{}, r.events[2])
	require.Len(t, r.events, 3)
}

func TestAReceiverMayKillAndWaitAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s *process.Service
		ended := make(chan process.Exit, 1)
		s = process.New(programs, process.WithEvents(func(e process.Event) {
			h, ok := s.Get(e.ProcessID())
			require.True(t, ok)
			switch e.(type) {
			case process.OutputEvent:
				require.NoError(t, h.Kill(t.Context()))
			case process.ExitedEvent:
				exit, err := h.Wait(t.Context())
				require.NoError(t, err)
				ended <- exit
			}
		}))
		start(t, s, process.Spec{Command: "flood", GracePeriod: time.Second})
		require.Equal(t, process.ErrKilled, (<-ended).Reason)
	})
}

func TestAReceiverThatIsStuckHoldsUpNoKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		var last process.Event
		s := process.New(programs, process.WithEvents(func(e process.Event) {
			<-stuck
			last = e
		}))
		h := start(t, s, process.Spec{Command: "flood", Timeout: time.Second, GracePeriod: -1})
		require.ErrorIs(t, exitOf(t, h).Reason, process.ErrTimeout)
		require.Equal(t, time.Second+100*time.Millisecond, h.Info().Duration)
		close(stuck)
		require.NoError(t, s.Shutdown(t.Context()))
		require.IsType(t, process.ExitedEvent{}, last, "whatever else was dropped")
	})
}
