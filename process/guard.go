package process

import (
	"context"
	"errors"
	"runtime/debug"

	"dappco.re/go/cloche/core"
)

// guard calls code that is not ours; where names it.
func guard(where string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &core.PanicError{Where: where, Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

func start(exec Executor, ctx context.Context, spec Spec) (Instance, error) {
	return begin("the executor's Start", func() (Instance, error) { return exec.Start(ctx, spec) })
}

// begin calls an executor's Start or Adopt.
func begin(where string, f func() (Instance, error)) (instance Instance, err error) {
	err = guard(where, func() (err error) {
		instance, err = f()
		return err
	})
	if err == nil && instance == nil {
		err = errors.New("the executor returned no instance")
	}
	return instance, err
}

func wait(instance Instance) (exit Exit, err error) {
	err = guard("the executor's Wait", func() (err error) {
		exit, err = instance.Wait()
		return err
	})
	return exit, err
}
