package wasm

import (
	"sync"
	"time"
)

// WithHermetic has a guest do the same at every run and on every machine, down to
// the last byte, as long as it is given the same: module, arguments, environment,
// input, limits, and files that hold the same. It sets what the host would add:
//
//   - Random bytes are those of WithSeed(seed).
//   - Time begins at start, for each guest anew. It passes by a microsecond each time
//     that the guest looks, so that one that waits by looking comes to an end, and by
//     as much as the guest sleeps, without anybody waiting.
//   - Files are numbered as the guest comes across them, on one device; they have one
//     link each and the time start, whatever is written to them or set, and
//     directories have no size. A guest can tell a million files apart; then it is
//     told ENOMEM.
//   - Input is read to its end when the guest first asks for some, and kept in memory,
//     so that it is always there.
//
// Not promised: runs that somebody ends, by Spec.Timeout or by a signal; files that
// others change meanwhile; that the bits of a NaN, which WebAssembly leaves open,
// are the same on another kind of processor; names that differ only in case or in
// Unicode form, where a host folds them.
//
// It takes the place of WithClock and WithSeed.
func WithHermetic(seed uint64, start time.Time) Option {
	return func(c *config) { c.seed, c.hermetic = &seed, &start }
}

// lookCost is how long a guest takes to look at a countedClock.
const lookCost = time.Microsecond

// countedClock is a time that passes by nothing but what one guest does.
type countedClock struct {
	start time.Time

	mu     sync.Mutex
	passed time.Duration
}

func newCountedClock(start time.Time) *countedClock {
	return &countedClock{start: start.Round(0), passed: -lookCost} // the first look is at start
}

func (c *countedClock) Now() time.Time { return c.start.Add(c.look()) }

func (c *countedClock) Monotonic() time.Duration { return firstTick + c.look() }

func (c *countedClock) look() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += lookCost
	return c.passed
}

// Until takes the clock to at. Whatever else the guest waits for is there when it
// begins to wait, or never comes: its input is whole, and its output takes all.
func (c *countedClock) Until(at time.Duration, _ bool) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed = max(c.passed, at-firstTick)
	wake := make(chan time.Time, 1)
	wake <- time.Time{}
	return wake, func() bool { return false }
}
