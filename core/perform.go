package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ActionTaskStarted is broadcast when an action that PerformAsync accepted
// begins.
type ActionTaskStarted struct {
	ID     string
	Action string
}

// ActionTaskProgress is broadcast for each call of Core.Progress.
type ActionTaskProgress struct {
	ID       string
	Action   string
	Fraction float64 // of the work that is done, as the action told it
	Text     string
}

// ActionTaskCompleted is broadcast when the action has ended, however it did.
type ActionTaskCompleted struct {
	ID     string
	Action string
	Result Result
}

// PerformAsync makes the checks of Action.Run, with ctx, and if they pass runs
// the handler in the background and answers an id. ActionTaskStarted,
// ActionTaskProgress and ActionTaskCompleted tell of that id, in this order, from
// the background goroutine; the first may come before PerformAsync returns.
//
// The handler gets the values of ctx but not its end: its own ctx ends when the
// Core shuts down, with the cause ErrShutdown. After that PerformAsync refuses.
func (c *Core) PerformAsync(ctx context.Context, name string, opts Options) (r Result) {
	defer catch(&r, culprit("action", name))
	handler, err := c.Action(name).admit(ctx, opts)
	if err != nil {
		return Fail(err)
	}
	j, err := c.jobs.add(ctx, name)
	if err != nil {
		return Fail(err)
	}
	go c.perform(j, handler, opts)
	return Ok(j.id)
}

func (c *Core) perform(j *job, handler Handler, opts Options) {
	// What stays if the handler calls runtime.Goexit.
	r := Fail(E("core.PerformAsync", culprit("action", j.action)+" ended its goroutine", nil))
	defer c.jobs.remove(j)
	defer func() { c.ACTION(ActionTaskCompleted{ID: j.id, Action: j.action, Result: r}) }()

	c.ACTION(ActionTaskStarted{ID: j.id, Action: j.action})
	r = guard(culprit("action", j.action), func() Result { return handler(j.ctx, opts) })
}

// Progress broadcasts how far the background action has come whose handler got
// ctx. In an action that does not run in the background it fails and does no
// harm.
func (c *Core) Progress(ctx context.Context, fraction float64, text string) Result {
	j, ok := ctx.Value(jobKey{}).(*job)
	if !ok {
		return Fail(E("core.Progress", "ctx does not come from PerformAsync", nil))
	}
	return c.ACTION(ActionTaskProgress{ID: j.id, Action: j.action, Fraction: fraction, Text: text})
}

// jobs are the background actions that run.
type jobs struct {
	mu      sync.Mutex
	closed  bool
	running map[*job]struct{}
}

type job struct {
	id     string
	action string
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}
}

type jobKey struct{}

func (s *jobs) add(ctx context.Context, action string) (*job, error) {
	j := &job{id: ID(), action: action, done: make(chan struct{})}
	ctx = context.WithValue(context.WithoutCancel(ctx), jobKey{}, j)
	j.ctx, j.cancel = context.WithCancelCause(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		j.cancel(ErrShutdown)
		return nil, ErrShutdown
	}
	if s.running == nil {
		s.running = make(map[*job]struct{})
	}
	s.running[j] = struct{}{}
	return j, nil
}

func (s *jobs) remove(j *job) {
	j.cancel(nil)
	s.mu.Lock()
	delete(s.running, j)
	s.mu.Unlock()
	close(j.done)
}

// close refuses new jobs and asks those that run to end.
func (s *jobs) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, j := range s.all() {
		j.cancel(ErrShutdown)
	}
}

// wait waits until no job runs, except one that calls it, and names those that
// run on after ctx and a last chance.
func (s *jobs) wait(ctx context.Context) error {
	self, _ := ctx.Value(jobKey{}).(*job)
	others := slices.DeleteFunc(s.all(), func(j *job) bool { return j == self })
	if awaitJobs(ctx, others) {
		return nil
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastChance/2)
	defer cancel()
	awaitJobs(late, others)

	var errs []error
	for _, j := range others {
		if !j.isDone() {
			where := fmt.Sprintf("background %s, task %s", culprit("action", j.action), j.id)
			errs = append(errs, E("core.ServiceShutdown", where+" still runs", context.Cause(ctx)))
		}
	}
	return errors.Join(errs...)
}

func awaitJobs(ctx context.Context, list []*job) bool {
	for _, j := range list {
		select {
		case <-j.done:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (j *job) isDone() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

func (s *jobs) all() []*job {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*job, 0, len(s.running))
	for j := range s.running {
		list = append(list, j)
	}
	return list
}
