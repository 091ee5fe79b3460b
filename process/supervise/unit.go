package supervise

import (
	"cmp"
	"time"

	"dappco.re/go/cloche/process"
)

// Unit is one process that should run, or, if it is a Oneshot, should have run.
type Unit struct {
	// Name is letters, digits, and "-", "_", "." inside, at most 64 of them.
	Name string
	// Spec is what to run, each time again; so Stdin is refused. Its Starting, if
	// set, is called after the process was written down.
	Spec process.Spec
	// After names the units that are to be up before this one starts.
	After []string
	// Oneshot is up when its process has exited with 0, and remains so. It runs
	// each time that the supervisor does.
	Oneshot bool
	// Ready, when it has a Probe, says when the unit is up. Without, it is as soon
	// as its process runs.
	Ready Readiness
	// Health, when it has a Probe, says whether a unit that is up should remain.
	Health  Health
	Restart Restart
}

// Readiness asks a Probe until it succeeds.
type Readiness struct {
	Probe    Probe
	Every    time.Duration // between two questions; zero means 250 ms
	Each     time.Duration // how long one may take; zero means 5 s
	Patience time.Duration // until the unit is killed for it, and has failed; zero means a minute
}

// Health asks a Probe for as long as the unit is up.
type Health struct {
	Probe    Probe
	Every    time.Duration // between two questions; zero means 10 s
	Each     time.Duration // how long one may take; zero means 5 s
	Failures int           // in a row, for the unit to be killed, and to have failed; zero means 3
}

// When says which ends are followed by a restart.
type When string

const (
	Never     When = ""           // none
	OnFailure When = "on failure" // all but an exit with 0
	Always    When = "always"     // each, but not that of a Oneshot with 0
)

// Restart is what to do when a process has ended, or could not start. What can
// never start (process.ErrInvalid, errors.ErrUnsupported) is not tried again.
type Restart struct {
	When When
	// Delay is the pause before the first restart. Each further one in a row takes
	// twice as long, but never longer than MaxDelay. Zero means 100 ms, and 30 s.
	Delay, MaxDelay time.Duration
	// Attempts is how many restarts in a row there may be until the unit has Failed.
	// A process that ran for MaxDelay begins a new row. Zero means 10, less than zero
	// no end.
	Attempts int
}

// complete has every default in place.
func (u Unit) complete() Unit {
	u.Ready.Every = cmp.Or(u.Ready.Every, 250*time.Millisecond)
	u.Ready.Each = cmp.Or(u.Ready.Each, 5*time.Second)
	u.Ready.Patience = cmp.Or(u.Ready.Patience, time.Minute)
	u.Health.Every = cmp.Or(u.Health.Every, 10*time.Second)
	u.Health.Each = cmp.Or(u.Health.Each, 5*time.Second)
	u.Health.Failures = cmp.Or(u.Health.Failures, 3)
	u.Restart.Delay = cmp.Or(u.Restart.Delay, 100*time.Millisecond)
	u.Restart.MaxDelay = cmp.Or(u.Restart.MaxDelay, 30*time.Second)
	u.Restart.Attempts = cmp.Or(u.Restart.Attempts, 10)
	return u
}
