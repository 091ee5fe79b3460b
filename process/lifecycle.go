package process

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dappco.re/go/cloche/core"
)

const (
	// DefaultGracePeriod is the time between asking and killing when a Spec does
	// not say.
	DefaultGracePeriod = 5 * time.Second

	// lingerTime is how long a killed process's end may be held up by a caller's
	// reader, writer or receiver of events that does not return.
	lingerTime = 100 * time.Millisecond
)

// Exit codes that the lifecycle gives, as shells and timeout(1) do.
const (
	codeTimeout = 124
	codeFailed  = 125
	codeKilled  = 137
)

// timers are what may still end a process: all under Handle.mu, all stopped when
// it has ended.
type timers struct {
	ctx      func() bool // stops watching the caller's ctx
	deadline *time.Timer
	grace    *time.Timer
	graceEnd time.Time
	linger   *time.Timer
}

func newHandle(s *Service, ctx context.Context, spec Spec, backend string) *Handle {
	h := &Handle{
		id:        core.ID(),
		service:   s,
		backend:   backend,
		merged:    spec.Merge,
		detached:  spec.Detach,
		grace:     spec.GracePeriod,
		budget:    budget{max: spec.Limits.Output},
		abandoned: make(chan struct{}),
		done:      make(chan struct{}),
		settled:   make(chan struct{}),
		state:     Pending,
		started:   time.Now(),
	}
	h.abandon = sync.OnceFunc(func() { close(h.abandoned) })
	h.ctx, h.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	h.feed = newFeed(s.events, h.abandoned)
	h.connect(&spec)
	h.spec = spec
	return h
}

// connect replaces what the caller put into spec by what the seam promises.
func (h *Handle) connect(spec *Spec) {
	switch {
	case spec.OpenStdin:
		h.open = newPipe()
		h.stdin = h.open
	case spec.Stdin != nil:
		h.stdin = newPump(spec.Stdin, func(err error) {
			h.stop(fmt.Errorf("reading stdin: %w", err), "", -1)
		})
	default:
		h.stdin = noInput{}
	}
	out, err := newWriters(spec.Stdout, spec.Stderr, h.abandoned)
	h.stdout = &sink{h: h, stream: Stdout, kept: newCapture(spec.Capture), writer: out}
	h.stderr = h.stdout
	if !h.merged {
		h.stderr = &sink{h: h, stream: Stderr, kept: newCapture(spec.Capture), writer: err}
	}
	spec.Stdin, spec.Stdout, spec.Stderr = h.stdin, h.stdout, h.stderr
	spec.Denied = h.denied(spec.Denied)
	spec.OutwardLink = h.outwardLink(spec.OutwardLink)
	if starting := spec.Starting; starting != nil {
		spec.Starting = func(id Identity) error {
			id.ID = h.id
			return guard("Spec.Starting", func() error { return starting(id) })
		}
	}
}

func (h *Handle) denied(tell func(*DeniedError)) func(*DeniedError) {
	return func(denial *DeniedError) {
		h.tell(DeniedEvent{ID: h.id, Denial: denial})
		if tell != nil {
			tell(denial)
		}
	}
}

func (h *Handle) outwardLink(tell func(OutwardLink)) func(OutwardLink) {
	return func(link OutwardLink) {
		h.tell(OutwardLinkEvent{ID: h.id, Link: link})
		if tell != nil {
			tell(link)
		}
	}
}

// launch starts the process, or adopts it, and leaves it to a goroutine of its own.
func (h *Handle) launch(ctx context.Context, begin func() (Instance, error), timeout time.Duration) error {
	if !h.detached {
		h.watch(ctx)
	}
	instance, err := begin()
	if err != nil {
		return h.fail(err)
	}
	h.runs(instance, timeout)
	go func() {
		exit, err := wait(instance)
		h.finish(exit, err)
	}()
	return nil
}

// watch makes the end of the caller's ctx the end of the process.
func (h *Handle) watch(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timers.ctx = context.AfterFunc(ctx, func() {
		h.stop(reasonOf(ctx), SIGTERM, h.grace)
	})
}

// reasonOf is ErrTimeout or ErrKilled, and matches what ctx says too.
func reasonOf(ctx context.Context) error {
	why := ErrKilled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = ErrTimeout
	}
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w: %w", why, ctx.Err(), cause)
	}
	return fmt.Errorf("%w: %w", why, context.Cause(ctx))
}

func (h *Handle) runs(instance Instance, timeout time.Duration) {
	h.mu.Lock()
	h.instance, h.state, h.started = instance, Running, startOf(instance)
	if timeout > 0 {
		h.timers.deadline = time.AfterFunc(timeout, func() {
			h.stop(ErrTimeout, SIGTERM, h.grace)
		})
	}
	h.mu.Unlock()
	h.begin(StartedEvent{h.Info()})
}

// startOf is now, but for what ran before.
func startOf(instance Instance) time.Time {
	if s, ok := instance.(started); ok {
		return s.StartedAt()
	}
	return time.Now()
}

// stop ends the process because of why, unless something else did before: the
// first reason is the one reported. It asks at most once, and kills after grace,
// at once when grace is negative or there is nobody to ask. A later stop can
// bring the kill forward, never put it off. It waits for nothing.
func (h *Handle) stop(why error, ask Signal, grace time.Duration) {
	h.mu.Lock()
	if h.state.Ended() {
		h.mu.Unlock()
		return
	}
	if h.why == nil {
		h.why = why
	}
	if grace < 0 || h.instance == nil || ask == SIGKILL {
		h.killLocked()
		h.mu.Unlock()
		return
	}
	h.killAfterLocked(grace)
	instance, first := h.instance, !h.asked
	h.asked = true
	h.mu.Unlock()
	if first {
		h.ask(instance, ask, why)
	}
}

// ask runs without a lock, for a backend's Signal is not ours.
func (h *Handle) ask(instance Instance, sig Signal, why error) {
	if err := guard("the executor's Signal", func() error { return instance.Signal(sig) }); err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.killLocked() // it cannot hear
		return
	}
	h.tell(AskedEvent{ID: h.id, Signal: sig, Reason: why})
}

func (h *Handle) killAfterLocked(grace time.Duration) {
	end := time.Now().Add(grace)
	switch t := &h.timers; {
	case t.grace == nil:
		t.grace, t.graceEnd = time.AfterFunc(grace, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.killLocked()
		}), end
	case end.Before(t.graceEnd):
		t.grace.Reset(grace)
		t.graceEnd = end
	}
}

// killLocked kills the tree, and soon after stops waiting for callers.
func (h *Handle) killLocked() {
	if h.state.Ended() || h.timers.linger != nil {
		return
	}
	h.cancel(h.why)
	h.timers.linger = time.AfterFunc(lingerTime, h.abandon)
}

// fail ends a process that never ran.
func (h *Handle) fail(err error) error {
	h.mu.Lock()
	if h.why != nil && !errors.Is(err, h.why) {
		err = fmt.Errorf("%w: %w", h.why, err)
	}
	h.err = err
	h.exit = Exit{Code: ExitCode(err), Reason: err}
	h.endLocked(Failed)
	h.mu.Unlock()
	h.begin()
	h.release(FailedEvent{Info: h.Info(), Err: err})
	return err
}

// finish makes the end of a process that ran known to all.
func (h *Handle) finish(exit Exit, err error) {
	h.mu.Lock()
	exit.Usage.Output = h.written()
	h.exit, h.err = h.verdict(exit, err)
	h.endLocked(stateOf(h.exit, h.err, h.why))
	h.mu.Unlock()
	h.release(ExitedEvent{Info: h.Info(), Exit: h.exit})
}

// verdict is how it ended: what the lifecycle did to it counts for more than
// what the backend saw of that.
func (h *Handle) verdict(exit Exit, err error) (Exit, error) {
	switch {
	case h.why != nil:
		exit.Code, exit.Reason = codeKilled, h.why
		if errors.Is(h.why, ErrTimeout) {
			exit.Code = codeTimeout
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, h.why) {
			err = nil // the backend's words for our kill
		}
	case err != nil:
		exit.Code, exit.Reason = codeFailed, err
	}
	return exit, err
}

func stateOf(exit Exit, err, why error) State {
	var trap *TrapError
	switch {
	case why != nil || exit.Signal != "":
		return Killed
	case err != nil || errors.As(exit.Reason, &trap):
		return Failed
	case exit.Reason != nil:
		return Killed
	}
	return Exited
}

func (h *Handle) endLocked(state State) {
	h.state, h.ended = state, time.Now()
	if h.timers.ctx != nil {
		h.timers.ctx()
	}
	for _, t := range []*time.Timer{h.timers.deadline, h.timers.grace, h.timers.linger} {
		if t != nil {
			t.Stop()
		}
	}
}

// release lets go of everything the process held. Done comes before the last
// event, so that its receiver may call Wait, and that event before the service
// may know that there will be no more.
func (h *Handle) release(last Event) {
	h.cancel(nil)
	h.abandon()
	h.stdin.Close()
	h.stdout.writer.close()
	h.stderr.writer.close()
	h.log(last)
	close(h.done)
	h.service.subscribers.publish(&h.before, last)
	h.service.ended(h)
	h.feed.last(last)
	go func() {
		h.feed.wait()
		close(h.settled)
	}()
}
