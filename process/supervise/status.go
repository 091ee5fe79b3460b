package supervise

import (
	"log/slog"
	"time"
)

// State is where a unit is; the package's documentation draws the ways between
// them.
type State string

const (
	Waiting  State = "waiting"  // for those that it comes after
	Starting State = "starting" // until it is ready
	Up       State = "up"
	Backoff  State = "backoff"  // the pause before a restart
	Stopping State = "stopping" // its process was asked to end, or will be
	Done     State = "done"     // it ended, as it may
	Failed   State = "failed"   // it ended, and is not restarted
	Stopped  State = "stopped"  // with the supervisor
	Left     State = "left"     // running, without the supervisor
)

// Status describes a unit at one moment.
type Status struct {
	Unit     string
	State    State
	Since    time.Time
	Process  string // the id of its latest process.Handle, "" before the first
	Restarts int    // all that there were
	Err      error  // why it is in Backoff, Stopping or Failed
}

// become is the only way to another state.
func (u *unit) become(state State, why error) {
	u.mu.Lock()
	u.status.State, u.status.Since, u.status.Err = state, time.Now(), why
	id := u.status.Process
	u.mu.Unlock()
	level, attrs := slog.LevelInfo, []any{"unit", u.Name, "state", string(state), "id", id}
	if why != nil {
		level, attrs = slog.LevelWarn, append(attrs, "reason", why)
	}
	u.supervisor.log.Log(noContext, level, "unit state", attrs...)
}

func (u *unit) describe() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}
