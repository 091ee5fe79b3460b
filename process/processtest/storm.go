package processtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stormPatience is more than patience, since a storm keeps the machine busy.
const stormPatience = 5 * time.Minute

// storm runs many processes at once, every one to a fate of its own, above a
// Strict executor, and shuts the service down in the middle of the last of them.
// CLOCHE_STORM sets how many, CLOCHE_STORM_TIME for how long.
func storm(t *testing.T, b Backend) {
	n, lasting := 60, time.Duration(0)
	if s := os.Getenv("CLOCHE_STORM"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	if s := os.Getenv("CLOCHE_STORM_TIME"); s != "" {
		var err error
		lasting, err = time.ParseDuration(s)
		require.NoError(t, err)
	}
	for began := time.Now(); ; {
		gust(t, b, n)
		if t.Failed() || time.Since(began) >= lasting {
			return
		}
	}
}

func gust(t *testing.T, b Backend, n int) {
	story := &stories{t: t, last: make(map[string]process.Event)}
	var s *process.Service
	s = process.New(Strict(t, b.Executor), process.WithHistory(2*n), process.WithEvents(func(e process.Event) {
		story.take(s, e)
	}))
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fates[i%len(fates)](t, b, s, i) })
	}
	all.Wait()

	// What starts while the service stops is refused or stopped, and awaited.
	stopping := make(chan struct{})
	for range n / 4 {
		all.Go(func() {
			<-stopping
			h, err := s.Start(context.Background(), process.Spec{Command: b.Command, Args: []string{"sleep"}, GracePeriod: time.Millisecond})
			if err != nil {
				assert.ErrorIs(t, err, process.ErrShutdown)
				return
			}
			assert.ErrorIs(t, ended(t, h).Reason, process.ErrShutdown)
		})
	}
	close(stopping)
	assert.NoError(t, s.Shutdown(t.Context()))
	all.Wait()
	assert.Empty(t, story.unfinished(), "processes without a last event after Shutdown")
	for _, info := range s.List() {
		assert.True(t, info.Status.Ended(), "%s is %s", info.ID, info.Status)
	}
}

// ended waits for what must end, however busy the machine is.
func ended(t *testing.T, h *process.Handle) process.Exit {
	ctx, cancel := context.WithTimeout(context.Background(), stormPatience)
	defer cancel()
	exit, err := h.Wait(ctx)
	assert.NoError(t, err, "a handle is stuck")
	return exit
}

// soon is a moment in which a process may not have begun, or be over.
func soon() time.Duration { return rand.N(30 * time.Millisecond) }

// fates are the ways to end.
var fates = []func(t *testing.T, b Backend, s *process.Service, i int){
	func(t *testing.T, b Backend, s *process.Service, i int) { // its own code
		h := sent(t, b, s, process.Spec{Args: []string{"exit", strconv.Itoa(i % 256)}})
		exit := ended(t, h)
		assert.Equal(t, i%256, exit.Code, "an exit code is lost")
		assert.NoError(t, exit.Reason)
	},
	func(t *testing.T, b Backend, s *process.Service, i int) { // its own output
		h := sent(t, b, s, process.Spec{Args: []string{"print", "out", fmt.Sprint("process ", i)}})
		assert.Equal(t, 0, ended(t, h).Code)
		assert.Equal(t, fmt.Sprint("process ", i), string(h.Output().Stdout))
	},
	func(t *testing.T, b Backend, s *process.Service, _ int) { // a kill, by several
		h := sent(t, b, s, process.Spec{Args: []string{"spin"}, GracePeriod: -1})
		time.Sleep(soon())
		var killers sync.WaitGroup
		for range 3 {
			killers.Go(func() { assert.NoError(t, h.Kill(context.Background())) })
		}
		killers.Wait()
		assert.Equal(t, 137, ended(t, h).Code)
	},
	func(t *testing.T, b Backend, s *process.Service, _ int) { // a question that is ignored
		h := sent(t, b, s, process.Spec{Args: []string{"ignoreterm"}, GracePeriod: soon()})
		assert.NoError(t, h.Kill(context.Background()))
		assert.ErrorIs(t, ended(t, h).Reason, process.ErrKilled)
	},
	func(t *testing.T, b Backend, s *process.Service, _ int) { // a deadline during a flood
		h := sent(t, b, s, process.Spec{Args: []string{"flood"}, Capture: 100, Timeout: soon() + 1, GracePeriod: -1})
		exit := ended(t, h)
		assert.Equal(t, 124, exit.Code)
		assert.ErrorIs(t, exit.Reason, process.ErrTimeout)
	},
	func(t *testing.T, b Backend, s *process.Service, _ int) { // the end of its ctx, during a write to it
		ctx, cancel := context.WithTimeout(context.Background(), soon())
		defer cancel()
		h, err := s.Start(ctx, process.Spec{Command: b.Command, Args: []string{"sleep"}, OpenStdin: true, GracePeriod: time.Millisecond})
		if err != nil {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			return
		}
		h.Stdin().Write(make([]byte, 1<<20))
		assert.ErrorIs(t, ended(t, h).Reason, process.ErrTimeout)
	},
	func(t *testing.T, b Backend, s *process.Service, i int) { // signals against its exit
		h := sent(t, b, s, process.Spec{Args: []string{"exit", "3"}})
		for h.Signal("SIGURG") == nil { // ignored by default
			time.Sleep(100 * time.Microsecond)
		}
		exit := ended(t, h)
		assert.Equal(t, 3, exit.Code)
		err := h.Signal("SIGURG")
		assert.ErrorIs(t, err, os.ErrProcessDone)
	},
	func(t *testing.T, b Backend, s *process.Service, _ int) { // a signal that ends it
		h := sent(t, b, s, process.Spec{Args: []string{"sleep"}})
		time.Sleep(soon())
		if err := h.Signal(process.SIGTERM); err != nil {
			assert.ErrorIs(t, err, errors.ErrUnsupported)
			assert.NoError(t, h.Signal(process.SIGKILL))
			assert.Equal(t, 137, ended(t, h).Code)
			return
		}
		exit := ended(t, h)
		assert.Equal(t, process.SIGTERM, exit.Signal)
		assert.NoError(t, exit.Reason)
	},
	func(t *testing.T, b Backend, s *process.Service, _ int) { // a writer that fails
		h := sent(t, b, s, process.Spec{Args: []string{"flood"}, Stdout: failing{}})
		assert.ErrorIs(t, ended(t, h).Reason, errBroken)
	},
}

func sent(t *testing.T, b Backend, s *process.Service, spec process.Spec) *process.Handle {
	spec.Command = b.Command
	h, err := s.Start(context.Background(), spec)
	require.NoError(t, err)
	return h
}

// stories checks what doc.go of package process promises about the order of events.
type stories struct {
	t    *testing.T
	mu   sync.Mutex
	last map[string]process.Event
}

func (st *stories) take(s *process.Service, e process.Event) {
	h, known := s.Get(e.ProcessID())
	assert.True(st.t, known)
	st.mu.Lock()
	before := st.last[e.ProcessID()]
	st.last[e.ProcessID()] = e
	st.mu.Unlock()
	switch e.(type) {
	case process.StartedEvent, process.FailedEvent:
		assert.Nil(st.t, before, "%T is the first", e)
	default:
		assert.NotNil(st.t, before, "%T came first", e)
	}
	if final(before) {
		st.t.Errorf("%T came after %T", e, before)
	}
	if !final(e) {
		return
	}
	select {
	case <-h.Done():
	default:
		st.t.Errorf("%T came before Done", e)
	}
}

func final(e process.Event) bool {
	switch e.(type) {
	case process.ExitedEvent, process.FailedEvent:
		return true
	}
	return false
}

func (st *stories) unfinished() (ids []string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id, e := range st.last {
		if !final(e) {
			ids = append(ids, id)
		}
	}
	return ids
}
