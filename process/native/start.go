package native

import (
	"errors"
	"os"
)

// prepare is done to a process that exists and has not run an instruction. Its
// error ends the process.
type prepare func(pid int) error

// prepareError is what prepare answered, so that it is not taken for the host's
// reason not to start.
type prepareError struct{ error }

func (e *prepareError) Unwrap() error { return e.error }

// discard ends a process that nobody has heard of yet.
func discard(proc *os.Process, why error) error {
	proc.Kill()
	proc.Wait()
	return &prepareError{why}
}

// prepared is the error of a prepare, out of its wrapping, or nil.
func prepared(err error) error {
	if e, ok := errors.AsType[*prepareError](err); ok {
		return e.error
	}
	return nil
}
