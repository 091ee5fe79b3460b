package core

import (
	"errors"
	"fmt"
)

// Result is the answer to everything. When OK is false, Value is an error; Err
// reads it whatever it is. The zero value is a failure.
type Result struct {
	Value any
	OK    bool
}

var errNoReason = errors.New("failed without giving a reason")

// Ok answers v.
func Ok(v any) Result { return Result{Value: v, OK: true} }

// Fail answers err, which stays visible to errors.Is and errors.As through Err.
// A nil err is a failure still.
func Fail(err error) Result {
	if err == nil {
		err = errNoReason
	}
	return Result{Value: err}
}

// Err returns nil when r is OK and the error otherwise.
func (r Result) Err() error {
	if r.OK {
		return nil
	}
	switch v := r.Value.(type) {
	case nil:
		return errNoReason
	case error:
		return v
	default:
		return fmt.Errorf("failed: %v", v)
	}
}

// Value returns what r holds as a T, or why there is none: r's own error, or one
// that tells which type it holds instead.
func Value[T any](r Result) (T, error) {
	var zero T
	if err := r.Err(); err != nil {
		return zero, err
	}
	if v, ok := r.Value.(T); ok {
		return v, nil
	}
	// nil is a value of every interface type, but asserts to none.
	if r.Value == nil && any(zero) == nil {
		return zero, nil
	}
	return zero, E("core.Value", fmt.Sprintf("the result holds %s, not %T", typeName(r.Value), zero), nil)
}

// outcome is Ok(nil), or the failure when there is one.
func outcome(err error) Result {
	if err != nil {
		return Fail(err)
	}
	return Ok(nil)
}

func typeName(v any) string {
	if v == nil {
		return "nil"
	}
	return fmt.Sprintf("%T", v)
}
