package core_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFailedResultAlwaysHasAnError(t *testing.T) {
	t.Parallel()
	assert.NoError(t, core.Ok(nil).Err())
	assert.Error(t, core.Result{}.Err(), "the zero value")
	assert.Error(t, core.Fail(nil).Err())
	assert.ErrorContains(t, core.Result{Value: "out of paper"}.Err(), "out of paper")
	assert.ErrorIs(t, core.Fail(fmt.Errorf("read: %w", io.ErrUnexpectedEOF)).Err(), io.ErrUnexpectedEOF)
}

func TestAnOKResultHoldingAnErrorIsNotAFailure(t *testing.T) {
	t.Parallel()
	assert.NoError(t, core.Ok(io.EOF).Err())
}

func TestValueAnswersTheTypeOrSaysWhatItFound(t *testing.T) {
	t.Parallel()
	n, err := core.Value[int](core.Ok(3))
	require.NoError(t, err)
	assert.Equal(t, 3, n)

	_, err = core.Value[string](core.Ok(3))
	assert.ErrorContains(t, err, "holds int, not string")

	_, err = core.Value[string](core.Fail(io.EOF))
	assert.Equal(t, io.EOF, err)

	v, err := core.Value[any](core.Ok(nil))
	require.NoError(t, err)
	assert.Nil(t, v)

	_, err = core.Value[string](core.Ok(nil))
	assert.ErrorContains(t, err, "holds nil, not string")
}

func TestEveryErrorCanBeSeenThrough(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []error{
		core.E("op", "msg", cause),
		&core.NotEntitledError{Action: "a", Err: cause},
		&core.PanicError{Where: "w", Value: cause},
		&core.StepError{Task: "t", Step: 1, Action: "a", Err: cause},
	} {
		assert.ErrorIs(t, core.Fail(core.E("outer", "wrapped", err)).Err(), cause, "%T", err)
		assert.Contains(t, err.Error(), "cause", "%T", err)
	}
	assert.NoError(t, errors.Unwrap(&core.PanicError{Value: "no error"}))
}

func TestErrorsNameTheCulpritAndTheFix(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		`op: msg: EOF`:                          core.E("op", "msg", io.EOF),
		`msg`:                                   core.E("", "msg", nil),
		`action "a" is not registered; do x`:    &core.NotRegisteredError{Kind: "action", Name: "a", Fix: "do x"},
		`entry "a" is registered already; do x`: &core.DuplicateError{Name: "a", Fix: "do x"},
		`action "a" is disabled; enable it`:     &core.DisabledError{Kind: "action", Name: "a"},
		`service "a" cannot be changed: the registry is locked; do x`: &core.LockedError{Kind: "service", Name: "a", State: "locked", Fix: "do x"},
		`not entitled to action "a": EOF`:                             &core.NotEntitledError{Action: "a", Err: io.EOF},
		`action "a": option "k": want a string, got int; do x`:        &core.SchemaError{Action: "a", Key: "k", Want: "a string", Got: "int", Fix: "do x"},
		`action "a" panicked: boom`:                                   &core.PanicError{Where: `action "a"`, Value: "boom"},
		`task "t", step 2: EOF`:                                       &core.StepError{Task: "t", Step: 2, Action: "a", Err: io.EOF},
	} {
		assert.EqualError(t, err, want)
	}
}

func TestIDsAreNeverTheSameAndFitForFileNames(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 1000 {
		id := core.ID()
		assert.Regexp(t, `^[a-z0-9]{26,}$`, id)
		assert.False(t, seen[id])
		seen[id] = true
	}
}
