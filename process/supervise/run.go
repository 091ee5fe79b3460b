package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dappco.re/go/cloche/process"
)

// unit is a Unit at work: one goroutine, from run's beginning to over.
type unit struct {
	Unit
	supervisor *Supervisor
	before     []*unit // which must be up
	after      []*unit // which must be over

	left *record       // of a process that an earlier program started, until it is adopted
	up   chan struct{} // closed when it is up for the first time
	over chan struct{} // closed when it has no process any more, and will have none
	err  error         // after over
	goes bool          // its process goes on without the supervisor

	mu     sync.Mutex
	status Status
}

func newUnit(s *Supervisor, u Unit) *unit {
	return &unit{
		Unit: u.complete(), supervisor: s,
		up: make(chan struct{}), over: make(chan struct{}),
		status: Status{Unit: u.Name, State: Waiting, Since: time.Now()},
	}
}

var noContext = context.Background()

// errStop: ctx has ended, and the process with it, or will be left.
var errStop = errors.New("the supervisor stops")

func (u *unit) run(ctx context.Context) {
	defer close(u.over)
	switch err := u.letGo(u.live(ctx)); {
	case err == errStop && u.goes:
		u.become(Left, nil)
	case err == errStop:
		u.become(Stopped, nil)
	case err != nil:
		u.err = &UnitError{Unit: u.Name, Err: err}
		u.become(Failed, err)
	default:
		u.become(Done, nil)
	}
}

// letGo ends what an earlier program started and nobody adopted, for want of what it
// comes after, or of time.
func (u *unit) letGo(err error) error {
	if u.left == nil {
		return err
	}
	if err == errStop {
		u.awaitAfter()
		u.goes = u.supervisor.leave
	}
	if u.goes {
		return err
	}
	if failed := u.supervisor.end(noContext, *u.left); failed != nil {
		return errors.Join(err, failed)
	}
	u.supervisor.records.remove(u.Name)
	return err
}

func (u *unit) live(ctx context.Context) error {
	if err := u.awaitBefore(ctx); err != nil {
		return err
	}
	row := 0 // restarts in a row
	for {
		began := time.Now()
		err := u.once(ctx)
		if err == errStop || !u.restarts(err) {
			return err
		}
		if time.Since(began) >= u.Restart.MaxDelay {
			row = 0
		}
		if row++; u.Restart.Attempts > 0 && row > u.Restart.Attempts {
			return fmt.Errorf("gave up after %d restarts: %w", u.Restart.Attempts, err)
		}
		u.become(Backoff, err)
		if !pause(ctx, u.Restart.delay(row)) {
			return errStop
		}
		u.countRestart()
	}
}

func (u *unit) awaitBefore(ctx context.Context) error {
	for _, b := range u.before {
		select {
		case <-b.up:
		case <-b.over:
			if ctx.Err() != nil {
				return errStop
			}
			if !b.wasUp() {
				return fmt.Errorf("%w: %s", ErrNeeds, b.Name)
			}
		case <-ctx.Done():
			return errStop
		}
	}
	return nil
}

// restarts says whether an end is followed by a restart.
func (u *unit) restarts(err error) bool {
	switch {
	case err == nil:
		return u.Restart.When == Always && !u.Oneshot
	case errors.Is(err, process.ErrInvalid), errors.Is(err, errors.ErrUnsupported), errors.Is(err, process.ErrShutdown):
		return false
	}
	return u.Restart.When != Never
}

// delay is the pause before restart n in a row, from 1.
func (r Restart) delay(n int) time.Duration {
	d := r.Delay
	for range n - 1 {
		if d >= r.MaxDelay {
			break
		}
		d *= 2
	}
	return min(d, r.MaxDelay)
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once has the process run one time, and returns how that ended: nil when it
// exited with 0.
func (u *unit) once(ctx context.Context) error {
	if ctx.Err() != nil {
		return errStop
	}
	u.become(Starting, nil)
	h, err := u.begin(ctx)
	if ctx.Err() != nil && h == nil {
		return errStop
	}
	if err != nil {
		return err
	}
	why := u.attend(ctx, h)
	if why == errStop {
		return u.stop(h)
	}
	if why != nil {
		u.become(Stopping, why)
	}
	h.Kill(noContext) // which is nothing for one that has ended
	u.supervisor.records.remove(u.Name)
	if why == nil {
		why = h.Err()
	}
	if why == nil && u.Oneshot {
		u.isUp()
	}
	return why
}

// attend returns when the process has ended, and why it should otherwise.
func (u *unit) attend(ctx context.Context, h *process.Handle) error {
	if !u.Oneshot {
		if err := u.awaitReady(ctx, h); err != nil {
			return err
		}
		u.become(Up, nil)
		u.isUp()
	}
	return u.watch(ctx, h)
}

func (u *unit) awaitReady(ctx context.Context, h *process.Handle) error {
	if u.Ready.Probe == nil {
		return nil
	}
	late := time.NewTimer(u.Ready.Patience)
	defer late.Stop()
	for {
		err := u.Ready.Probe.ask(ctx, u.Ready.Each, h.Done())
		if err == nil {
			return nil
		}
		select {
		case <-h.Done():
			if failure := h.Err(); failure != nil {
				return fmt.Errorf("%w: it ended: %w", ErrNotReady, failure)
			}
			return fmt.Errorf("%w: it ended", ErrNotReady)
		case <-ctx.Done():
			return errStop
		case <-late.C:
			return fmt.Errorf("%w after %v: %w", ErrNotReady, u.Ready.Patience, err)
		case <-time.After(u.Ready.Every):
		}
	}
}

// watch returns nil when the process has ended.
func (u *unit) watch(ctx context.Context, h *process.Handle) error {
	var next <-chan time.Time // never, without a probe
	for failures := 0; ; {
		if u.Health.Probe != nil {
			next = time.After(u.Health.Every)
		}
		select {
		case <-h.Done():
			return nil
		case <-ctx.Done():
			return errStop
		case <-next:
		}
		err := u.Health.Probe.ask(ctx, u.Health.Each, h.Done())
		if failures++; err == nil {
			failures = 0
		}
		if failures >= u.Health.Failures {
			return fmt.Errorf("%w, %d times in a row: %w", ErrUnhealthy, failures, err)
		}
	}
}

// stop ends the process, or leaves it, when those that come after are over.
func (u *unit) stop(h *process.Handle) error {
	u.become(Stopping, nil)
	u.awaitAfter()
	if u.goes = u.supervisor.leave; u.goes {
		return errStop
	}
	h.Kill(noContext)
	u.supervisor.records.remove(u.Name)
	return errStop
}

func (u *unit) awaitAfter() {
	for _, a := range u.after {
		<-a.over
	}
}

func (u *unit) isUp() {
	if !u.wasUp() {
		close(u.up)
	}
}

func (u *unit) wasUp() bool {
	select {
	case <-u.up:
		return true
	default:
		return false
	}
}

// why it will never be up; after over.
func (u *unit) why() error {
	if u.err != nil {
		return u.err
	}
	return &UnitError{Unit: u.Name, Err: errStop}
}

func (u *unit) countRestart() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Restarts++
}

func (u *unit) runs(h *process.Handle) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Process = h.ID()
}
