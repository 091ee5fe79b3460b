package process

import (
	"context"
	"errors"
	"io"
	"maps"
	"reflect"
)

// Route sends each command to the executor that table names for it, and all
// others to otherwise. The name is compared as it is given: "git" in the table
// does not cover "/usr/bin/git". Where an executor refuses a command, no other
// is tried. A nil otherwise knows no program.
//
// Closing it closes every executor in it that is an io.Closer.
func Route(table map[string]Executor, otherwise Executor) Executor {
	return &router{table: maps.Clone(table), otherwise: otherwise}
}

type router struct {
	table     map[string]Executor
	otherwise Executor
}

func (r *router) Start(ctx context.Context, s Spec) (Instance, error) {
	return r.choose(s.Command).Start(ctx, s)
}

func (r *router) choose(command string) Executor {
	if exec := r.table[command]; exec != nil {
		return exec
	}
	if r.otherwise != nil {
		return r.otherwise
	}
	return nowhere{}
}

// choose returns the backend behind any number of routers.
func choose(exec Executor, command string) Executor {
	for {
		r, ok := exec.(*router)
		if !ok {
			return exec
		}
		exec = r.choose(command)
	}
}

// nowhere is where a command goes that has no executor.
type nowhere struct{}

func (nowhere) Start(_ context.Context, s Spec) (Instance, error) {
	return nil, &SpecError{
		Field: "command", Value: clip(s.Command), Err: ErrNotFound,
		Fix: "add it to the table given to process.Route",
	}
}

// Close closes each executor once, however many names it has.
func (r *router) Close() error {
	var errs []error
	seen := make(map[io.Closer]bool)
	closing := func(exec Executor) {
		c, ok := exec.(io.Closer)
		if !ok {
			return
		}
		if reflect.ValueOf(c).Comparable() {
			if seen[c] {
				return
			}
			seen[c] = true
		}
		errs = append(errs, c.Close())
	}
	for _, exec := range r.table {
		closing(exec)
	}
	closing(r.otherwise)
	return errors.Join(errs...)
}
