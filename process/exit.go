package process

import "time"

// Exit is how a process ended. Code is the process's own, verbatim, or as a
// shell tells it: 128 plus the number for a signal, 134 for a trap, 137 when
// killed, 124 when out of time. Reason tells them apart.
type Exit struct {
	Code   int
	Signal Signal // the signal that ended a native process, or ""
	Reason error  // nil when it ended by itself; *TrapError, *LimitError, ErrTimeout, ErrKilled, ...
	Usage  Usage
}

// Usage is what a process used, as far as the backend can tell: zero where it
// cannot.
type Usage struct {
	CPU    time.Duration // user and system
	Memory int64         // peak, in bytes
	Output int64         // bytes written to stdout and stderr
	Fuel   int64         // in the units of Limits.Fuel
}
