package kernel

import "time"

// Clock is the time as a guest sees it.
type Clock interface {
	// Now is the wall clock.
	Now() time.Time
	// Monotonic is the time since some moment before the process began. It is
	// never zero and never goes back.
	Monotonic() time.Duration
	// Until delivers on the channel once the monotonic clock has come to at, or
	// earlier. Only alone says that nothing else will end the wait but the
	// process's own end. The caller calls stop when it no longer waits.
	Until(at time.Duration, alone bool) (c <-chan time.Time, stop func() bool)
}

// hostClock is the host's own time, with a monotonic origin of its own, so that a
// guest does not learn when the host was started.
type hostClock struct{ origin time.Time }

func newHostClock() hostClock {
	// A second ago, because some programs take a monotonic time of zero for a
	// broken clock.
	return hostClock{origin: time.Now().Add(-time.Second)}
}

func (hostClock) Now() time.Time             { return time.Now() }
func (c hostClock) Monotonic() time.Duration { return time.Since(c.origin) }

func (c hostClock) Until(at time.Duration, _ bool) (<-chan time.Time, func() bool) {
	t := time.NewTimer(at - c.Monotonic())
	return t.C, t.Stop
}
