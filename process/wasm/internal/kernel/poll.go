package kernel

import (
	"math"
	"runtime"
	"syscall"
	"time"
)

// MaxSubscriptions is how many subscriptions Poll takes: a few for each
// descriptor there can be.
const MaxSubscriptions = 4 * MaxDescriptors

// EventKind is what a subscription is about, numbered as in WASI preview 1
// (typenames.witx, $eventtype).
type EventKind uint8

const (
	EventClock EventKind = iota
	EventRead
	EventWrite
)

// Subscription is one thing to wait for.
type Subscription struct {
	Userdata uint64
	Kind     EventKind
	FD       FD // for EventRead and EventWrite
	// For EventClock: Timeout is in nanoseconds, from now, or since the epoch of
	// the wall clock, or since the origin of the monotonic clock.
	Timeout  uint64
	Absolute bool
	Wall     bool
	Err      error // found wrong already; it is answered as an event
}

// Event says that a subscription came true, or why it cannot.
type Event struct {
	Userdata uint64
	Kind     EventKind
	Err      error
	Bytes    uint64
	Hangup   bool
}

// Poll waits until at least one subscription comes true and appends an event to
// events for each that has. A subscription that is wrong comes true at once, as an
// error. No subscriptions are EINVAL: that would be to wait for ever.
func (p *Process) Poll(subs []Subscription, events []Event) ([]Event, error) {
	if len(subs) == 0 || len(subs) > MaxSubscriptions {
		return nil, syscall.EINVAL
	}
	w := newPoller(p, subs)
	defer w.close()
	for {
		if events = w.collect(events); len(events) > 0 {
			return events, nil
		}
		if err := w.wait(); err != nil {
			return nil, err
		}
	}
}

// poller is one call of Poll.
type poller struct {
	p     *Process
	subs  []Subscription
	start time.Duration // on the monotonic clock
	wake  waker
	held  []polled // as long as subs
}

// polled is what a subscription holds while it waits.
type polled struct {
	entry entry
	err   error
}

func newPoller(p *Process, subs []Subscription) *poller {
	w := &poller{p: p, subs: subs, start: p.clock.Monotonic(), wake: newWaker(), held: make([]polled, len(subs))}
	for i := range subs {
		w.held[i] = w.hold(&subs[i])
	}
	return w
}

// hold acquires what s waits for, and begins to listen to it.
func (w *poller) hold(s *Subscription) polled {
	if s.Err != nil || s.Kind == EventClock {
		return polled{err: s.Err}
	}
	e, err := w.p.fds.acquire(s.FD)
	if err != nil {
		return polled{err: err}
	}
	if err := e.need(RightPoll); err != nil {
		e.release()
		return polled{err: err}
	}
	if o, ok := e.desc.obj.(waitable); ok {
		o.bell().watch(w.wake)
	}
	return polled{entry: e}
}

func (w *poller) close() {
	for i := range w.held {
		e := &w.held[i].entry
		if e.desc == nil {
			continue
		}
		if o, ok := e.desc.obj.(waitable); ok {
			o.bell().unwatch(w.wake)
		}
		e.release()
	}
}

// collect appends an event for each subscription that is true now.
func (w *poller) collect(events []Event) []Event {
	for i := range w.subs {
		s := &w.subs[i]
		ev := Event{Userdata: s.Userdata, Kind: s.Kind, Err: w.held[i].err}
		switch {
		case ev.Err != nil:
		case s.Kind == EventClock:
			if w.due(s) > w.p.clock.Monotonic() {
				continue
			}
		default:
			r, ok, err := w.ready(s, &w.held[i].entry)
			if !ok && err == nil {
				continue
			}
			ev.Bytes, ev.Hangup, ev.Err = r.bytes, r.hangup, err
		}
		events = append(events, ev)
	}
	return events
}

// ready asks an object whether it can be used now. Files always can.
func (w *poller) ready(s *Subscription, e *entry) (readiness, bool, error) {
	right, d := RightRead, reading
	if s.Kind == EventWrite {
		right, d = RightWrite, writing
	}
	if err := e.need(right); err != nil {
		return readiness{}, true, err
	}
	switch o := e.desc.obj.(type) {
	case *file:
		r, err := e.desc.fileReadiness(o, d)
		return r, true, err
	case waitable:
		r, ok := o.ready(d)
		return r, ok, nil
	}
	return readiness{}, true, syscall.EBADF
}

// fileReadiness counts the bytes up to the end of a file.
func (d *description) fileReadiness(f *file, dir direction) (readiness, error) {
	if dir == writing {
		return readiness{}, nil
	}
	st, err := f.stat()
	if err != nil {
		return readiness{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return readiness{bytes: uint64(max(0, st.Size-d.offset))}, nil
}

// due is when a clock subscription comes true, on the monotonic clock.
func (w *poller) due(s *Subscription) time.Duration {
	timeout := time.Duration(min(s.Timeout, math.MaxInt64))
	switch {
	case !s.Absolute:
		return later(w.start, timeout)
	case s.Wall:
		// Read in this order: a clock that moves in between makes for a look too
		// early, and not for one that never comes.
		now := w.p.clock.Monotonic()
		at := time.Unix(int64(s.Timeout/1e9), int64(s.Timeout%1e9))
		return later(now, at.Sub(w.p.clock.Now()))
	}
	return timeout
}

// later adds d to the moment t, which is not negative, as far as the clock goes.
func later(t, d time.Duration) time.Duration {
	if d > math.MaxInt64-t {
		return math.MaxInt64
	}
	return t + d
}

// wait waits for the next clock or bell.
func (w *poller) wait() error {
	var timeout <-chan time.Time
	if at, alone, ok := w.next(); ok {
		c, stop := w.p.clock.Until(at, alone)
		defer stop()
		timeout = c
	}
	select {
	case <-timeout:
		return nil
	case <-w.wake:
		return nil
	case <-w.p.done:
		return ErrStopped
	}
}

// next is when the first clock comes true, if there is one, and whether there is
// nothing else to wait for.
func (w *poller) next() (first time.Duration, alone, ok bool) {
	first, alone = math.MaxInt64, true
	for i := range w.subs {
		if s := &w.subs[i]; s.Kind != EventClock {
			alone = false
		} else if s.Err == nil {
			first, ok = min(first, w.due(s)), true
		}
	}
	return first, alone, ok
}

// Yield lets others run.
func (p *Process) Yield() { runtime.Gosched() }
