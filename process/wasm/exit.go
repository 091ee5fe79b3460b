package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dappco.re/go/cloche/process"
)

// Exit codes of guests that did not choose their own, as a shell would tell them.
const (
	codeTrap   = 134
	codeKilled = 137
)

// loadError is a failure before the first instruction of _start.
type loadError struct{ err error }

func (e *loadError) Error() string { return e.err.Error() }
func (e *loadError) Unwrap() error { return e.err }

// outcome tells from what the engine returned how the guest ended.
//
// Whether it was killed is decided by its context alone: the engine's ExitError
// says the same for a guest that exits with the engine's own codes, and a guest
// that finds its input ended, because of the kill, may well exit with 0.
func (i *instance) outcome(err error) (process.Exit, error) {
	exit := process.Exit{Usage: process.Usage{Memory: i.memory.peak, Fuel: i.tank.used()}}
	if cause := context.Cause(i.ctx); cause != nil {
		exit.Code, exit.Reason = codeKilled, cause
		return exit, nil
	}
	if code, ok := i.kernel.Exited(); ok {
		// WASI's code is a u32, and exit(-1) is meant to be that.
		exit.Code = int(int32(code))
		if code != 0 {
			exit.Reason = i.refusal(nil)
		}
		return exit, nil
	}
	if err == nil {
		return exit, nil
	}
	trap := trapOf(err)
	if trap == nil {
		return process.Exit{}, fmt.Errorf("running %s: %w", i.spec.Command, err)
	}
	exit.Code, exit.Reason = codeTrap, i.refusal(trap)
	return exit, nil
}

// refusal puts the memory limit before the reason that the guest died, if the
// guest was refused memory.
func (i *instance) refusal(reason error) error {
	if !i.memory.refused {
		return reason
	}
	limit := &process.LimitError{Limit: process.LimitMemory, Max: i.memory.limit}
	if reason == nil {
		return limit
	}
	return fmt.Errorf("%w: %w", limit, reason)
}

// trapOf returns the trap that err tells of, or nil.
func trapOf(err error) error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		// wazero's traps are of one internal type, which has no other mark.
		if fmt.Sprintf("%T", e) == "*wasmruntime.Error" {
			return &process.TrapError{Trap: e.Error(), Stack: stackOf(err)}
		}
	}
	// Segments that don't fit are a trap too, says the core specification
	// (section 4.5.4), but the engine tells them by text only.
	if load, ok := errors.AsType[*loadError](err); ok {
		for _, trap := range []string{"out of bounds memory access", "out of bounds table access"} {
			if strings.Contains(load.Error(), trap) {
				return &process.TrapError{Trap: trap}
			}
		}
	}
	return nil
}

// stackOf cuts the guest's stack out of the engine's message.
func stackOf(err error) string {
	_, stack, _ := strings.Cut(err.Error(), "wasm stack trace:\n\t")
	return strings.ReplaceAll(stack, "\n\t", "\n")
}
