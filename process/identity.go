package process

import "errors"

// Identity proves which process a number stands for. A number alone does not: it
// may be another's by the time that somebody uses it. It can be written down, and
// means the same to the next program that reads it on the same machine.
type Identity struct {
	// ID is what the Service that started it calls it, and what the one that adopts
	// it will; Service.Adopt makes a new one of an empty ID.
	ID  string `json:"id"`
	PID int    `json:"pid"`
	// Started is when it started, in clock ticks since boot (proc_pid_stat(5),
	// field 22).
	Started uint64 `json:"started"`
	// Boot is the boot that Started counts from (boot_id in random(4)).
	Boot string `json:"boot"`
	// Tree names what the backend keeps the process's descendants together by,
	// such as a cgroup; empty where it has nothing that outlives it.
	Tree string `json:"tree,omitempty"`
}

// ErrGone: no process has that Identity any more. Its number may be another's.
var ErrGone = errors.New("process is gone")

// ErrExitUnknown: the process was adopted and has ended, and the system does not
// tell whoever is not its parent how.
var ErrExitUnknown = errors.New("process ended, but how is not known")

// identified is an Instance that can be told apart from every other process of
// the machine, past and to come.
type identified interface{ Identity() Identity }

// Identity is false for what has none, or an ID alone: a guest, a process that is pending, and
// any on a system that tells no start time.
func (h *Handle) Identity() (Identity, bool) {
	h.mu.Lock()
	i, ok := h.instance.(identified)
	h.mu.Unlock()
	if !ok {
		return Identity{}, false
	}
	id := i.Identity()
	if id == (Identity{}) {
		return id, false
	}
	id.ID = h.id
	return id, true
}
