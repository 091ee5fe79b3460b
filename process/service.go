package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Service is the lifecycle of processes above one Executor. Make it with New;
// the zero value refuses to start anything.
type Service struct {
	exec    Executor
	log     *slog.Logger
	events  func(Event)
	refusal error // what every call answers when there is no executor

	subscribers subscribers

	mu       sync.Mutex
	table    table
	shut     bool
	emptied  bool          // the executor has nothing left to do
	released chan struct{} // closed when the executor is closed
	closeErr error         // final once released is closed
}

// Option changes what New makes.
type Option func(*Service)

// WithLogger logs the end of a process that was killed at info level, of one that
// failed at warn level, and all else (other ends, starts, refusals, and what is
// asked to end) at debug level, so that a hostile program cannot fill the log of
// whoever does not debug. Arguments, environment, input and output are never
// logged. Without it nothing is logged.
func WithLogger(to slog.Handler) Option {
	return func(s *Service) { s.log = slog.New(to) }
}

// WithHistory sets how many ended processes are remembered, with their output,
// instead of DefaultHistory. Less than zero means none. However many these are,
// they hold no more than 64 MiB of output, or the latest one's.
func WithHistory(n int) Option {
	return func(s *Service) { s.table.history = max(n, 0) }
}

// WithEvents calls to for every event. Those of one process come one at a time
// and in order; those of different processes may come at once. A receiver may
// call the service, but must not wait for the process it is told about before
// ExitedEvent, nor for Shutdown: a process waits for a slow receiver.
func WithEvents(to func(Event)) Option {
	return func(s *Service) { s.events = to }
}

// New makes a service. If exec is an io.Closer, Shutdown closes it.
func New(exec Executor, opts ...Option) *Service {
	s := &Service{
		exec:     exec,
		log:      slog.New(slog.DiscardHandler),
		table:    table{byID: make(map[string]*Handle), history: DefaultHistory, memory: retainedOutput},
		released: make(chan struct{}),
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

var errNoExecutor = fmt.Errorf("%w: the process service has no executor; give process.New one", errors.ErrUnsupported)

func (s *Service) refused() error {
	if s.refusal == nil && s.exec == nil {
		return errNoExecutor
	}
	return s.refusal
}

// Start runs spec and returns once it runs. The process ends when ctx does,
// unless spec.Detach; Run and Handle.Wait wait for it. Spec.Timeout counts from
// here on, so preparing a program, which ctx alone bounds, does not use it up.
func (s *Service) Start(ctx context.Context, spec Spec) (*Handle, error) {
	if err := s.refused(); err != nil {
		return nil, err
	}
	spec, err := complete(spec)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: not started: %w", spec.Command, reasonOf(ctx))
	}
	exec := choose(s.exec, spec.Command)
	h := newHandle(s, ctx, spec, nameOf(exec))
	if err := s.admit(h); err != nil {
		h.cancel(err)
		return nil, err
	}
	begin := func() (Instance, error) { return start(exec, h.ctx, h.spec) }
	if err := h.launch(ctx, begin, spec.Timeout); err != nil {
		return nil, err
	}
	return h, nil
}

func nameOf(exec Executor) string {
	if n, ok := exec.(interface{ Name() string }); ok {
		return n.Name()
	}
	return ""
}

// admit enters h into the table. Deciding and entering are one step, so that
// Shutdown misses nothing.
func (s *Service) admit(h *Handle) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return ErrShutdown
	}
	if s.table.lives(h.id) {
		return &SpecError{Field: "id", Value: clip(h.id), Err: ErrInvalid, Fix: "use the Handle that Service.Get answers: the process is managed already"}
	}
	s.table.add(h)
	return nil
}

// Run runs spec to its end. A process that fails gives its Output and an
// *ExitError. A detached process outlives ctx, and then only ctx's error is
// returned.
func (s *Service) Run(ctx context.Context, spec Spec) (*Output, error) {
	h, err := s.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	if !spec.Detach {
		ctx = context.WithoutCancel(ctx) // its end ends the process, which is what to wait for
	}
	_, err = h.Wait(ctx)
	if !h.hasEnded() {
		return nil, err
	}
	out := h.Output()
	if failure := h.failure(out); err == nil {
		err = failure
	}
	return &out, err
}

// Get returns a process that has not ended, or that is still remembered.
func (s *Service) Get(id string) (*Handle, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.table.byID[id]
	return h, ok
}

// List describes what Get would return, in the order it was started.
func (s *Service) List() []Info {
	handles := s.handles()
	infos := make([]Info, len(handles))
	for i, h := range handles {
		infos[i] = h.Info()
	}
	return infos
}

func (s *Service) handles() []*Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.all()
}

// ended is told by every process, once, when it has.
func (s *Service) ended(h *Handle) {
	s.mu.Lock()
	s.table.end(h)
	last := s.lastLocked()
	s.mu.Unlock()
	if last {
		s.closeExecutor()
	}
}

// lastLocked says, once, that the service is shut and nothing runs any more.
func (s *Service) lastLocked() bool {
	if !s.shut || s.table.live > 0 || s.emptied {
		return false
	}
	s.emptied = true
	return true
}

func (s *Service) closeExecutor() {
	defer close(s.released)
	s.subscribers.end()
	c, ok := s.exec.(io.Closer)
	if !ok {
		return
	}
	if err := guard("the executor's Close", c.Close); err != nil {
		s.closeErr = fmt.Errorf("closing the executor: %w", err)
		s.log.Error("closing the executor failed", "error", err)
	}
}

// Shutdown refuses every further Start, stops all processes that are not
// detached, each with its own grace period and all at the same time, and waits
// for them and their last events. When ctx ends first they are killed at once,
// and the error names those that have not ended 100 ms later. A process that
// was stopped is not an error.
//
// The executor is closed when its last process has ended: here, or, where
// detached processes go on, when they are done. Further calls do the same.
func (s *Service) Shutdown(ctx context.Context) error {
	if err := s.refused(); err != nil {
		return err
	}
	s.mu.Lock()
	s.shut = true
	handles := s.table.all()
	last := s.lastLocked()
	s.mu.Unlock()
	if last {
		s.closeExecutor()
	}
	errs := s.stopAll(ctx, handles)
	return errors.Join(append(errs, s.awaitClose(ctx))...)
}

var errShutdown = fmt.Errorf("%w: %w", ErrKilled, ErrShutdown)

func (s *Service) stopAll(ctx context.Context, handles []*Handle) []error {
	errs := make([]error, len(handles))
	var all sync.WaitGroup
	for i, h := range handles {
		if !h.detached {
			all.Go(func() { errs[i] = h.shutdown(ctx) })
		}
	}
	all.Wait()
	return errs
}

// awaitClose waits for the executor's Close, unless detached processes keep it.
func (s *Service) awaitClose(ctx context.Context) error {
	s.mu.Lock()
	emptied := s.emptied
	s.mu.Unlock()
	if !emptied {
		return nil
	}
	select {
	case <-s.released:
		return s.closeErr
	case <-ctx.Done():
	}
	select {
	case <-s.released:
		return s.closeErr
	case <-time.After(lingerTime):
		return fmt.Errorf("the executor is still closing: %w", context.Cause(ctx))
	}
}
