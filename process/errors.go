package process

import (
	"errors"
	"fmt"

	"dappco.re/go/cloche/fs"
)

// Why a process could not start.
var (
	// ErrNotFound: no program has that name.
	ErrNotFound = errors.New("program not found")
	// ErrNotExecutable: there is something of that name, but it cannot be run.
	ErrNotExecutable = errors.New("not an executable program")
	// ErrInvalid: the Spec itself is wrong.
	ErrInvalid = errors.New("invalid spec")
	// ErrShutdown: the service is stopping and starts nothing more.
	ErrShutdown = errors.New("process service is shut down")
)

// Why a process ended before it was done.
var (
	ErrTimeout = errors.New("timed out")
	ErrKilled  = errors.New("killed")
)

// DeniedError is fs.DeniedError, so that callers of this package need no other.
type DeniedError = fs.DeniedError

// SpecError names what is wrong with a Spec, or with what it names, and how to
// mend it. Err is one of the sentinels above, or what the host answered.
type SpecError struct {
	Field string // as in "command", "dir", "mounts"
	Value string // the culprit, as the caller gave it
	Err   error
	Fix   string
}

func (e *SpecError) Error() string {
	s := e.Field
	if e.Value != "" {
		s += fmt.Sprintf(" %q", e.Value)
	}
	s += ": " + e.Err.Error()
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

func (e *SpecError) Unwrap() error { return e.Err }

// UnsupportedError says that a backend cannot honour a field of the Spec. It
// matches errors.ErrUnsupported.
type UnsupportedError struct {
	Backend string
	Field   string
	Fix     string
}

func (e *UnsupportedError) Error() string {
	s := fmt.Sprintf("the %s backend cannot honour %s", e.Backend, e.Field)
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

func (e *UnsupportedError) Unwrap() error { return errors.ErrUnsupported }

// TrapError says that a WebAssembly guest trapped.
type TrapError struct {
	Trap  string // as in "unreachable", "out of bounds memory access"
	Stack string // the guest's own, innermost first
}

func (e *TrapError) Error() string { return "trap: " + e.Trap }

// UnknownError says that a service knows no such process: it never started it,
// or it has ended and is no longer remembered. ID is empty when it was asked for
// by PID.
type UnknownError struct {
	ID  string
	PID int
}

func (e *UnknownError) Error() string {
	if e.ID == "" {
		return fmt.Sprintf("no process with pid %d runs here; only what this service started can be named by pid", e.PID)
	}
	return fmt.Sprintf("no process %q is known; process.list tells which are", e.ID)
}
