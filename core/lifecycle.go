package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// lastChance is how long a hook or a background action is given to notice the
// end of ctx.
const lastChance = time.Second

// lifecycle is the state that ServiceStartup and ServiceShutdown share. turn
// holds one token; whoever has it owns the rest.
type lifecycle struct {
	turn    chan struct{}
	started map[string]bool // OnStartup succeeded, and OnShutdown was not called
	done    map[string]bool // OnShutdown was called
	closed  bool

	busy atomic.Pointer[string] // what is called now, for whoever does not own the turn
}

func (l *lifecycle) init() {
	l.turn = make(chan struct{}, 1)
	l.turn <- struct{}{}
	l.started = make(map[string]bool)
	l.done = make(map[string]bool)
}

// ServiceStartup starts, in registration order, the services that have not been
// started. It refuses when an option of New failed (see Err) and after
// ServiceShutdown. A service that fails to start keeps no other from starting;
// the Result joins all errors. When ctx ends, no more are started. What was
// started stays so until ServiceShutdown, also when the Result is a failure.
//
// It returns at most a second after ctx ends: a hook that has not returned by
// then goes on in the background, and ServiceShutdown awaits it.
func (c *Core) ServiceStartup(ctx context.Context) Result {
	if err := c.Err(); err != nil {
		return Fail(E("core.ServiceStartup", "an option failed", err))
	}
	return c.inTurn(ctx, "core.ServiceStartup", c.startup)
}

// ServiceShutdown refuses new background actions and ends the ctx of those that
// run, stops the started services in reverse order, then awaits the background
// actions and closes the Fs that WithFs opened. It does all of it whatever
// fails, and joins the errors. A service that is not Startable counts as started.
// A second call stops only what the first did not get to.
//
// It returns at most a second after ctx ends, naming what has not ended by then,
// which goes on in the background. Give ctx a deadline.
func (c *Core) ServiceShutdown(ctx context.Context) Result {
	return c.inTurn(ctx, "core.ServiceShutdown", c.shutdown)
}

// inTurn runs f when nothing else of the lifecycle runs, and stops waiting for
// it some time after ctx has ended.
func (c *Core) inTurn(ctx context.Context, op string, f func(context.Context) error) Result {
	if !c.life.take(ctx) {
		return Fail(E(op, c.life.doing()+" is still under way", context.Cause(ctx)))
	}
	result := make(chan error, 1)
	go func() {
		err := E(op, "a hook ended its goroutine", nil)
		defer func() {
			c.life.turn <- struct{}{}
			result <- err
		}()
		err = f(ctx)
	}()
	select {
	case err := <-result:
		return outcome(err)
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return outcome(err)
	case <-time.After(lastChance):
		return Fail(E(op, c.life.doing()+" does not heed its ctx and goes on in the background", context.Cause(ctx)))
	}
}

// take waits for the turn until ctx ends; an ended ctx does not keep it from
// taking a turn that is free.
func (l *lifecycle) take(ctx context.Context) bool {
	select {
	case <-l.turn:
		return true
	default:
	}
	select {
	case <-l.turn:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *lifecycle) doing() string {
	if busy := l.busy.Load(); busy != nil {
		return *busy
	}
	return "another start or stop"
}

func (c *Core) startup(ctx context.Context) error {
	if c.life.closed {
		return ErrShutdown
	}
	var errs []error
	for _, name := range c.services.Names() {
		s, ok := c.startable(name)
		if !ok || c.life.started[name] {
			continue
		}
		if ctx.Err() != nil {
			errs = append(errs, E("core.ServiceStartup", culprit("service", name)+" was not started", context.Cause(ctx)))
			break
		}
		if err := c.runHook(ctx, name, "OnStartup", s.OnStartup); err != nil {
			errs = append(errs, err)
			continue
		}
		c.life.started[name] = true
	}
	return errors.Join(errs...)
}

func (c *Core) shutdown(ctx context.Context) error {
	c.life.closed = true
	// The background actions end first, or at least are told to: they may hold
	// on to a service, but no service waits for them.
	c.jobs.close()
	errs := c.stopServices(ctx)
	errs = append(errs, c.jobs.wait(ctx), c.closeFs())
	return errors.Join(errs...)
}

func (c *Core) stopServices(ctx context.Context) (errs []error) {
	names := c.services.Names()
	for _, name := range slices.Backward(names) {
		s, ok := c.stoppable(name)
		if !ok {
			continue
		}
		c.life.done[name] = true
		if err := c.runHook(ctx, name, "OnShutdown", s.OnShutdown); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (c *Core) startable(name string) (Startable, bool) {
	instance, _ := c.services.lookup(name)
	s, ok := instance.(Startable)
	return s, ok
}

// stoppable returns the service if its OnShutdown is due.
func (c *Core) stoppable(name string) (Stoppable, bool) {
	instance, _ := c.services.lookup(name)
	if _, ok := instance.(Startable); ok && !c.life.started[name] {
		return nil, false
	}
	s, ok := instance.(Stoppable)
	return s, ok && !c.life.done[name]
}

func (c *Core) runHook(ctx context.Context, name, hook string, f func(context.Context) Result) error {
	where := fmt.Sprintf("%s of %s", hook, culprit("service", name))
	c.life.busy.Store(&where)
	defer c.life.busy.Store(nil)
	if err := guard(where, func() Result { return f(ctx) }).Err(); err != nil {
		return E(where, "failed", err)
	}
	return nil
}
