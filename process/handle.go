package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Handle is one process that a Service started. All methods may be called at
// any time and from any number of goroutines, also after the process ended.
type Handle struct {
	id       string
	seq      uint64 // in the order of Start
	service  *Service
	spec     Spec // as the backend was given it
	backend  string
	merged   bool
	detached bool
	adopted  bool
	grace    time.Duration

	ctx    context.Context // what the backend was given: its end is the kill
	cancel context.CancelCauseFunc

	stdin          io.ReadCloser
	open           *pipe // stdin, when Spec.OpenStdin
	stdout, stderr *sink // the same one when merged
	news           bell  // rung when there is more output
	budget         budget
	feed           *feed  // to who was named by WithEvents
	before         before // what those who range over Service.Events wait for

	abandoned chan struct{} // closed lingerTime after a kill: wait for no caller
	abandon   func()        // closes it
	done      chan struct{} // closed when everything below is final
	settled   chan struct{} // closed when the receiver of events is done too

	mu       sync.Mutex
	instance Instance // nil until running
	state    State
	started  time.Time
	ended    time.Time
	why      error // the first reason to stop it
	asked    bool
	timers   timers
	exit     Exit
	err      error // of the backend
}

// ID is unique in its service.
func (h *Handle) ID() string { return h.id }

// Done is closed when the process has ended and its output is complete.
func (h *Handle) Done() <-chan struct{} { return h.done }

func (h *Handle) hasEnded() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// Wait returns how the process ended. The error is the backend's, or ctx's when
// that ends first; a process that fails is not an error here.
func (h *Handle) Wait(ctx context.Context) (Exit, error) {
	if !h.hasEnded() {
		select {
		case <-h.done:
		case <-ctx.Done():
			return Exit{}, context.Cause(ctx)
		}
	}
	return h.exit, h.err
}

// Info describes the process as it is now.
func (h *Handle) Info() Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	info := Info{
		ID:        h.id,
		PID:       pidOf(h.instance),
		Command:   h.spec.Command,
		Args:      slices.Clone(h.spec.Args),
		Dir:       h.spec.Dir,
		Status:    h.state,
		ExitCode:  -1,
		StartedAt: h.started,
		Backend:   h.backend,
		Adopted:   h.adopted,
		Usage:     h.exit.Usage,
		Unmet:     unmetBy(h.instance),
	}
	if !h.state.Ended() {
		info.Duration = time.Since(h.started)
		info.Usage.Output = h.written()
		return info
	}
	info.ExitCode = h.exit.Code
	info.Duration = h.ended.Sub(h.started)
	return info
}

func pidOf(i Instance) int {
	if p, ok := i.(interface{ PID() int }); ok {
		return p.PID()
	}
	return 0
}

func unmetBy(i Instance) []string {
	if u, ok := i.(interface{ Unmet() []string }); ok {
		return slices.Clone(u.Unmet())
	}
	return nil
}

// Output returns a copy of what has been captured so far.
func (h *Handle) Output() Output {
	var out Output
	out.Stdout, out.StdoutDropped = h.stdout.kept.snapshot()
	if !h.merged {
		out.Stderr, out.StderrDropped = h.stderr.kept.snapshot()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out.Exit = h.exit
	return out
}

// sinks are the outputs that there are.
func (h *Handle) sinks() []*sink {
	if h.merged {
		return []*sink{h.stdout}
	}
	return []*sink{h.stdout, h.stderr}
}

func (h *Handle) written() (n int64) {
	for _, s := range h.sinks() {
		n += s.kept.written()
	}
	return n
}

// retained is how much memory its output takes.
func (h *Handle) retained() (n int64) {
	for _, s := range h.sinks() {
		n += s.kept.size()
	}
	return n
}

// Stdin writes to a process that was started with Spec.OpenStdin. A Write waits
// for the process only when 64 KiB lie unread, and fails with io.ErrClosedPipe
// once the input is closed or the process has ended. Close is EOF for the
// process. Without OpenStdin every Write is a *SpecError.
func (h *Handle) Stdin() io.WriteCloser {
	if h.open == nil {
		return shutInput{}
	}
	return input{h.open}
}

// Kill asks the process to end, kills its whole tree after the grace period, and
// returns when it has ended, or with ctx's error when that is first; the kill
// goes on. Killing what has ended is no error.
func (h *Handle) Kill(ctx context.Context) error {
	return h.kill(ctx, SIGTERM, h.grace)
}

func (h *Handle) kill(ctx context.Context, ask Signal, grace time.Duration) error {
	h.stop(ErrKilled, ask, grace)
	if h.hasEnded() {
		return nil
	}
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %s has not ended yet: %w", h.id, context.Cause(ctx))
	}
}

// Signal sends one signal and waits for nothing. SIGKILL kills the whole tree on
// every backend; another signal is errors.ErrUnsupported where the backend has
// none. A process that has ended answers os.ErrProcessDone: its number, which
// may be another's by now, is never used.
func (h *Handle) Signal(sig Signal) error {
	h.mu.Lock()
	instance, state := h.instance, h.state
	h.mu.Unlock()
	switch {
	case state.Ended():
		return fmt.Errorf("process %s has ended: %w", h.id, os.ErrProcessDone)
	case sig == SIGKILL:
		h.stop(ErrKilled, "", -1)
		return nil
	case instance == nil:
		return fmt.Errorf("process %s is pending: only %s can be sent before it runs: %w", h.id, SIGKILL, ErrInvalid)
	}
	return guard("the executor's Signal", func() error { return instance.Signal(sig) })
}
