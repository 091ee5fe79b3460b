package wasm

import (
	"context"
	"sync"
	"time"
)

// Clock is a time of the program's own, which guests see in the place of the
// host's, see WithClock. It stands still until Advance, or, when it was made by
// NewSkippingClock, until a guest sleeps.
//
// It is what all guests of an executor see, their wall clock and their monotonic
// clock alike, and is no limit on them: Spec.Timeout counts the host's time. A guest
// that computes until some time has passed, instead of sleeping, computes until it
// is ended. Make one with NewClock or NewSkippingClock; it is safe for concurrent use.
type Clock struct {
	start time.Time
	skips bool

	mu       sync.Mutex
	passed   time.Duration
	sleepers map[*sleeper]struct{}
	changed  chan struct{} // closed when sleepers get more, and replaced
}

// sleeper is a wait of a guest's.
type sleeper struct {
	at   time.Duration
	wake chan time.Time // holds one
}

// NewClock returns a clock that shows start and moves by Advance alone: what a
// guest waits for comes when the test says so.
func NewClock(start time.Time) *Clock {
	// The wall clock only: what Advance adds is all that passes.
	return &Clock{start: start.Round(0), sleepers: make(map[*sleeper]struct{}), changed: make(chan struct{})}
}

// NewSkippingClock returns a clock on which nobody has to wait: a guest that sleeps
// takes the clock to the end of its sleep at once. Other guests see it move, and
// one that was to sleep less long wakes then, too.
//
// Only sleep is skipped. A guest that waits for input as well, but no longer than
// some time, waits that long on the host's clock before the clock moves: how soon
// input comes is the host's affair.
func NewSkippingClock(start time.Time) *Clock {
	c := NewClock(start)
	c.skips = true
	return c
}

// Now is the time that guests see.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(c.passed)
}

// Advance moves the clock by d, and wakes the guests that wait for no more than
// that. Zero or less does nothing: time does not go back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moveTo(c.passed + d)
}

// BlockUntil returns once n guests, or more, wait for the clock: what is done by
// Advance before a guest sleeps does not shorten its sleep. It returns the cause of
// ctx if that ends first.
func (c *Clock) BlockUntil(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		waiting, changed := len(c.sleepers), c.changed
		c.mu.Unlock()
		if waiting >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// moveTo takes the clock to a later moment. The caller holds mu.
func (c *Clock) moveTo(at time.Duration) {
	if at <= c.passed {
		return
	}
	c.passed = at
	for s := range c.sleepers {
		if s.at <= at {
			s.wake <- time.Time{}
			delete(c.sleepers, s)
		}
	}
}

// firstTick is what the monotonic clock shows at the start: some programs take
// zero for a broken clock.
const firstTick = time.Second

// guestClock is a Clock as the kernel wants it.
type guestClock struct{ *Clock }

func (c guestClock) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed + firstTick
}

func (c guestClock) Until(at time.Duration, alone bool) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at -= firstTick
	switch {
	case !c.skips || at <= c.passed:
		return c.sleep(at)
	case alone:
		c.moveTo(at)
		return c.sleep(at)
	}
	return c.linger(at)
}

// sleep waits until the clock comes to at. The caller holds mu.
func (c guestClock) sleep(at time.Duration) (<-chan time.Time, func() bool) {
	s := &sleeper{at: at, wake: make(chan time.Time, 1)}
	if at <= c.passed {
		s.wake <- time.Time{}
	} else {
		c.sleepers[s] = struct{}{}
		close(c.changed)
		c.changed = make(chan struct{})
	}
	return s.wake, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.sleepers[s]
		delete(c.sleepers, s)
		return waits
	}
}

// linger waits for as long as it takes on the host's clock. The caller holds mu.
func (c guestClock) linger(at time.Duration) (<-chan time.Time, func() bool) {
	wake, stopSleep := c.sleep(at)
	t := time.AfterFunc(at-c.passed, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.moveTo(at)
	})
	return wake, func() bool {
		t.Stop()
		return stopSleep()
	}
}
