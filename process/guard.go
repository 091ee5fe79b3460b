package process

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is a panic of an executor, or of a caller's reader or writer.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// guard calls code that is not ours.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

func start(exec Executor, ctx context.Context, spec Spec) (instance Instance, err error) {
	err = guard(func() (err error) {
		instance, err = exec.Start(ctx, spec)
		return err
	})
	if err == nil && instance == nil {
		err = errors.New("the executor returned no instance")
	}
	return instance, err
}

func wait(instance Instance) (exit Exit, err error) {
	err = guard(func() (err error) {
		exit, err = instance.Wait()
		return err
	})
	return exit, err
}
