package supervise

import (
	"errors"
	"fmt"
)

// What is wrong with a Group.
var (
	// ErrCycle: units wait for one another, so that none could start.
	ErrCycle = errors.New("units come after one another in a circle")
	// ErrDuplicate: two units have one name.
	ErrDuplicate = errors.New("there is another unit of that name")
	// ErrUnknown: a unit comes after one that there is not.
	ErrUnknown = errors.New("there is no unit of that name")
	// ErrInvalid: a unit is wrong in itself.
	ErrInvalid = errors.New("invalid unit")
)

// Why a unit failed that has a process.
var (
	// ErrNotReady: it was not ready in time, or ended before.
	ErrNotReady = errors.New("not ready")
	// ErrUnhealthy: its Health failed too often.
	ErrUnhealthy = errors.New("not healthy")
	// ErrNeeds: a unit that it comes after did not come up.
	ErrNeeds = errors.New("a unit that it comes after is not up")
)

// UnitError says of which unit Err is.
type UnitError struct {
	Unit string
	Err  error
	Fix  string // for what is wrong with a Group
}

func (e *UnitError) Error() string {
	s := fmt.Sprintf("unit %q: %v", e.Unit, e.Err)
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

func (e *UnitError) Unwrap() error { return e.Err }
