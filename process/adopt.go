package process

import (
	"context"
	"fmt"
	"time"
)

// adopter is an Executor that can take charge of what runs already. What it
// answers keeps the contract of an Instance, but nothing is written to the Spec's
// outputs. When ctx ends, the whole tree is killed.
//
// An error that matches ErrGone says that no process has that Identity; another,
// that this could not be told, and then the process is left alone.
type adopter interface {
	Adopt(ctx context.Context, id Identity) (Instance, error)
}

// started is an Instance that knows when its process began to run.
type started interface{ StartedAt() time.Time }

// Adopt takes charge of a process that runs already, started by an earlier
// program, or by another on this machine: what id names, from Spec.Starting or
// Handle.Identity, and no other that has its number by now. Nothing is taken away
// from whoever else manages it.
//
// From then on it is a process like those that Start made: it is in the list, it is
// killed with its tree, its end is awaited and told. Its streams stay where they
// are; what has no Spec.OutputFile most likely dies of SIGPIPE when it writes. Of
// spec, Command, Args and Dir describe it, and Command chooses the backend;
// Timeout, counted from here, GracePeriod and Detach hold as for Start. All else
// could only be given to it at its start, and is refused.
//
// A process that has ended, a zombie too, is ErrGone, and what is left of its tree is
// killed. One that ends later, and was not started by this program, has no exit
// code that the system would promise to tell: where it does not, Wait answers
// ErrExitUnknown.
//
// The native backend adopts on Linux alone. A guest is always ErrGone: it ended with
// the program that ran it, or is that one's for as long as it lives. Adopt trusts id as it would an
// Identity that it has made itself: whoever can forge one can have any process
// killed that this program may kill.
func (s *Service) Adopt(ctx context.Context, id Identity, spec Spec) (*Handle, error) {
	if err := s.refused(); err != nil {
		return nil, err
	}
	if err := checkAdopted(spec); err != nil {
		return nil, err
	}
	spec, err := complete(spec)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: not adopted: %w", spec.Command, reasonOf(ctx))
	}
	exec := choose(s.exec, spec.Command)
	able, ok := exec.(adopter)
	if !ok {
		return nil, &UnsupportedError{Backend: nameOf(exec), Field: "adoption", Fix: "start it again: what it runs cannot outlive the program that started it, or cannot be told apart"}
	}
	h := newHandle(s, ctx, spec, nameOf(exec))
	h.adopted = true
	if id.ID != "" {
		h.id = id.ID
	}
	if err := s.admit(h); err != nil {
		h.cancel(err)
		return nil, err
	}
	adopt := func() (Instance, error) {
		return begin("the executor's Adopt", func() (Instance, error) { return able.Adopt(h.ctx, id) })
	}
	if err := h.launch(ctx, adopt, spec.Timeout); err != nil {
		return nil, err
	}
	return h, nil
}

// checkAdopted refuses what only a process that starts can be given.
func checkAdopted(spec Spec) error {
	for _, f := range []struct {
		field string
		given bool
	}{
		{"env", len(spec.Env) > 0},
		{"stdin", spec.Stdin != nil || spec.OpenStdin},
		{"stdout", spec.Stdout != nil},
		{"stderr", spec.Stderr != nil || spec.Merge},
		{"outputFile", spec.OutputFile != ""},
		{"terminal", spec.Terminal != nil},
		{"limits", spec.Limits != Limits{}},
		{"mounts", len(spec.Mounts) > 0},
		{"starting", spec.Starting != nil},
		{"denied", spec.Denied != nil || spec.OutwardLink != nil},
	} {
		if f.given {
			return invalid(f.field, "", "leave it out: the process to be adopted runs already")
		}
	}
	return nil
}
