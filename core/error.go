package core

import (
	"errors"
	"fmt"
)

// ErrShutdown answers whoever wants to start something on a Core that stops or
// has stopped.
var ErrShutdown = errors.New("core is shut down")

// Error is what went wrong in which operation.
type Error struct {
	Op  string // as in "agent.Spawn"
	Msg string
	Err error // the cause, or nil
}

// E returns an *Error; err may be nil.
func E(op, msg string, err error) error { return &Error{Op: op, Msg: msg, Err: err} }

func (e *Error) Error() string {
	s := e.Msg
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// NotRegisteredError says that nothing goes by a name.
type NotRegisteredError struct {
	Kind string // as in "action", "service"
	Name string
	Fix  string
}

func (e *NotRegisteredError) Error() string {
	return withFix(fmt.Sprintf("%s is not registered", culprit(e.Kind, e.Name)), e.Fix)
}

// DuplicateError says that a name is taken.
type DuplicateError struct {
	Kind string
	Name string
	Fix  string
}

func (e *DuplicateError) Error() string {
	return withFix(fmt.Sprintf("%s is registered already", culprit(e.Kind, e.Name)), e.Fix)
}

// DisabledError says that what goes by the name is switched off.
type DisabledError struct {
	Kind string
	Name string
}

func (e *DisabledError) Error() string {
	return withFix(fmt.Sprintf("%s is disabled", culprit(e.Kind, e.Name)), "enable it")
}

// LockedError says that a registry takes no such change any more.
type LockedError struct {
	Kind  string
	Name  string
	State string // "locked" or "sealed"
	Fix   string
}

func (e *LockedError) Error() string {
	return withFix(fmt.Sprintf("%s cannot be changed: the registry is %s", culprit(e.Kind, e.Name), e.State), e.Fix)
}

// NotEntitledError says that the entitlement checker refused an action; Err is
// its reason.
type NotEntitledError struct {
	Action string
	Err    error
}

func (e *NotEntitledError) Error() string {
	return fmt.Sprintf("not entitled to %s: %v", culprit("action", e.Action), e.Err)
}

func (e *NotEntitledError) Unwrap() error { return e.Err }

// SchemaError says what is wrong with one option.
type SchemaError struct {
	Action string // "" when no action was asked
	Key    string
	Want   string // as in "a string"
	Got    string // as in "int"; "nothing" when the key is missing
	Fix    string
}

func (e *SchemaError) Error() string {
	s := fmt.Sprintf("option %q: want %s, got %s", e.Key, e.Want, e.Got)
	if e.Action != "" {
		s = culprit("action", e.Action) + ": " + s
	}
	return withFix(s, e.Fix)
}

// PanicError is a panic that was caught. A panic with an error unwraps to it.
type PanicError struct {
	Where string // what panicked, as in `action "deploy"`
	Value any
	Stack []byte // of the goroutine, as runtime/debug.Stack gives it
}

func (e *PanicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.Where, e.Value) }

func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// StepError says which step ended a Task.
type StepError struct {
	Task   string
	Step   int // from 1
	Action string
	Err    error
}

func (e *StepError) Error() string {
	return fmt.Sprintf("%s, step %d: %v", culprit("task", e.Task), e.Step, e.Err)
}

func (e *StepError) Unwrap() error { return e.Err }

func culprit(kind, name string) string {
	if kind == "" {
		kind = "entry"
	}
	return fmt.Sprintf("%s %q", kind, name)
}

func withFix(s, fix string) string {
	if fix != "" {
		s += "; " + fix
	}
	return s
}
