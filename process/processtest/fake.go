package processtest

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"dappco.re/go/cloche/process"
)

// Fake is an Executor whose programs are Go functions, by command name; Answers
// makes one of what it should say. It needs no host and no clock of its own, so it
// fits into testing/synctest.
type Fake map[string]Program

// Program plays a process. It must return soon after p.Context ends, as a
// process does that is killed; what it returns is the exit code.
type Program func(p *Process) int

// Process is what a Program sees: its Spec, complete as it is at the Executor
// seam, and what is done to it.
type Process struct {
	process.Spec
	Context context.Context
	// Signals holds what was sent. A Program that never looks ignores signals.
	Signals <-chan process.Signal
}

// Name is the backend name in process.Info.
func (Fake) Name() string { return "fake" }

// Start runs the program named s.Command.
func (f Fake) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	program, ok := f[s.Command]
	if !ok {
		return nil, &process.SpecError{
			Field: "command", Value: s.Command, Err: process.ErrNotFound,
			Fix: "put a Program of that name into the Fake",
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if s.Starting != nil {
		if err := s.Starting(process.Identity{}); err != nil {
			return nil, err
		}
	}
	signals := make(chan process.Signal, 16)
	i := &instance{signals: signals, done: make(chan struct{})}
	// A killed process reads no more.
	release := context.AfterFunc(ctx, func() { s.Stdin.(io.Closer).Close() })
	go func() {
		defer close(i.done)
		defer release()
		i.code = program(&Process{Spec: s, Context: ctx, Signals: signals})
	}()
	return i, nil
}

type instance struct {
	code int // before done is closed
	done chan struct{}

	mu      sync.Mutex
	signals chan<- process.Signal
}

func (i *instance) Wait() (process.Exit, error) {
	<-i.done
	return process.Exit{Code: i.code}, nil
}

func (i *instance) Signal(sig process.Signal) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.done:
		return os.ErrProcessDone
	default:
	}
	select {
	case i.signals <- sig:
		return nil
	default:
		return errors.New("the fake process has 16 signals that it never looked at")
	}
}

// Deaf makes an Executor whose processes answer errors.ErrUnsupported to every
// signal, as WebAssembly guests do.
func Deaf(exec process.Executor) process.Executor { return deaf{exec} }

type deaf struct{ process.Executor }

func (d deaf) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	i, err := d.Executor.Start(ctx, s)
	if err != nil {
		return nil, err
	}
	return deafInstance{i}, nil
}

type deafInstance struct{ process.Instance }

func (deafInstance) Signal(process.Signal) error { return errors.ErrUnsupported }
