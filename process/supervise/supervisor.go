package supervise

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Supervisor runs a Group. Make it with New.
type Supervisor struct {
	service *process.Service
	units   []*unit // each after those that it comes after
	records *records
	leave   bool
	log     *slog.Logger
	began   atomic.Bool
	failed  chan struct{} // closed when Run ends before the units begin
	err     error         // why; after failed

	stop    context.CancelFunc // of OnStartup's Run
	stopped chan struct{}
}

// Option changes what New makes.
type Option func(*Supervisor)

// WithRecords keeps account of what runs in the directory dir of f, which is made
// if need be, and has Run adopt what it finds there: a process whose Unit is as it
// was is kept, every other is stopped. It takes a backend that has
// process.Spec.Starting and process.Service.Adopt, as all have on Linux. A process that is to live
// through the death of this program needs process.Spec.OutputFile, too.
//
// The directory is this supervisor's alone: while Run runs, another one's answers
// *fs.HeldError.
func WithRecords(f *fs.Fs, dir string) Option {
	return func(s *Supervisor) { s.records = &records{fs: f, dir: dir} }
}

// LeaveRunning has Run return at the end of its ctx without stopping anything, for
// the next program to adopt.
func LeaveRunning() Option {
	return func(s *Supervisor) { s.leave = true }
}

// WithLogger logs what becomes of every unit: failures at warn level, all else at
// info level. Without it nothing is logged.
func WithLogger(to slog.Handler) Option {
	return func(s *Supervisor) { s.log = slog.New(to) }
}

// New makes a Supervisor of units, whose processes service runs. A Group that
// cannot be started in any order, or holds a unit that is wrong, is a *UnitError.
func New(service *process.Service, units Group, opts ...Option) (*Supervisor, error) {
	ordered, err := order(units)
	if err != nil {
		return nil, err
	}
	s := &Supervisor{service: service, log: slog.New(slog.DiscardHandler), failed: make(chan struct{})}
	for _, opt := range opts {
		opt(s)
	}
	byName := make(map[string]*unit, len(ordered))
	for _, u := range ordered {
		made := newUnit(s, u)
		for _, name := range u.After {
			made.before = append(made.before, byName[name])
			byName[name].after = append(byName[name].after, made)
		}
		byName[u.Name] = made
		s.units = append(s.units, made)
	}
	return s, nil
}

var errAgain = errors.New("a Supervisor runs once; make another with New")

// Run starts the units and keeps them until ctx ends, when it stops them, or until
// all are Done or Failed. It returns the failures, a *UnitError each. That a unit was
// stopped is none.
func (s *Supervisor) Run(ctx context.Context) error {
	if s.began.Swap(true) {
		return errAgain
	}
	if err := s.records.open(); err != nil {
		return s.fail(err)
	}
	defer s.records.close()
	if err := s.recall(ctx); err != nil {
		return s.fail(err)
	}
	var all sync.WaitGroup
	for _, u := range s.units {
		all.Go(func() { u.run(ctx) })
	}
	all.Wait()
	errs := make([]error, len(s.units))
	for i, u := range s.units {
		errs[i] = u.err
	}
	return errors.Join(errs...)
}

func (s *Supervisor) fail(err error) error {
	s.err = err
	close(s.failed)
	return err
}

// recall gives every unit the record that is left of it, and ends what is not
// asked for any more.
func (s *Supervisor) recall(ctx context.Context) error {
	left, err := s.records.load()
	if err != nil {
		return err
	}
	for _, u := range s.units {
		if r, ok := left[u.Name]; ok {
			u.left = &r
			delete(left, u.Name)
		}
	}
	for name, r := range left {
		if err := s.end(ctx, r); err != nil {
			return &UnitError{name, err, "end its process, then remove its record"}
		}
		s.log.Info("a process that no unit asks for was ended", "unit", name, "pid", r.Identity.PID)
		s.records.remove(name)
	}
	return nil
}

// end ends the process of a record, if there is one.
func (s *Supervisor) end(ctx context.Context, r record) error {
	h, err := s.service.Adopt(ctx, r.Identity, process.Spec{Command: r.Command})
	if errors.Is(err, process.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.Kill(ctx)
}

// Await returns when all units are up, or with the error of one that will not be, or
// when ctx ends. Run must have been called, or be about to be.
func (s *Supervisor) Await(ctx context.Context) error {
	for _, u := range s.units {
		select {
		case <-u.up:
		case <-u.over:
			if !u.wasUp() {
				return u.why()
			}
		case <-s.failed:
			return s.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Status describes every unit, each one after those that it comes after.
func (s *Supervisor) Status() []Status {
	all := make([]Status, len(s.units))
	for i, u := range s.units {
		all[i] = u.describe()
	}
	return all
}
