package process

import "time"

// State is where a process is in its life; doc.go draws the ways between them.
type State string

const (
	// Pending: the backend is preparing it; there is nothing to signal yet.
	Pending State = "pending"
	// Running: it runs.
	Running State = "running"
	// Exited: it ended by itself, and its exit code is its own.
	Exited State = "exited"
	// Failed: it never ran, it trapped, or its backend failed.
	Failed State = "failed"
	// Killed: it was ended before it was done: by a kill, a signal, the deadline,
	// a limit, a failing reader or writer, or shutdown.
	Killed State = "killed"
)

// Ended says that the state will not change any more.
func (s State) Ended() bool { return s == Exited || s == Failed || s == Killed }

// Info describes a process at one moment.
type Info struct {
	ID       string
	PID      int // the system's number for it, 0 where it has none
	Command  string
	Args     []string
	Dir      string
	Status   State
	ExitCode int // -1 until it has ended
	// StartedAt is when it began to run, or, when it never did, when it was
	// asked for.
	StartedAt time.Time
	Duration  time.Duration // until now, or until it ended
	Backend   string        // the executor's name, "" when it has none
	Adopted   bool          // by Service.Adopt
	Usage     Usage
	// Unmet names those of its Limits that do not hold, or not for its descendants
	// together: "memory" and the other names in a LimitError. There are none
	// without Limits.BestEffort.
	Unmet []string
}
