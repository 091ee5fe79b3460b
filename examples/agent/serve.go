package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dappco.re/go/cloche/process"
)

// pidFile is held by the one Agent that serves.
const pidFile = "agent.pid"

// often is how often Serve reads all files, since other programs write them too.
const often = time.Second

// Serve works until ctx ends. First it settles what an earlier Agent has left: a
// process that lives is watched as if it had been started here, one that is gone is
// said to be. At the end it leaves what can be found again, and queues the rest.
func (a *Agent) Serve(ctx context.Context) error {
	held, err := a.files().PIDFile(pidFile)
	if err != nil {
		return err
	}
	defer held.Close()
	if err := a.recover(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(often)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := a.dispatch(ctx); err != nil {
			a.log.Error("looking for work", "error", err)
		}
		select {
		case <-a.wake:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	a.await()
	return nil
}

// await is for the works to notice that ctx has ended.
func (a *Agent) await() {
	a.mu.Lock()
	var all []*work
	for _, w := range a.works {
		all = append(all, w)
	}
	a.mu.Unlock()
	for _, w := range all {
		<-w.done
	}
}

// recover goes through what is neither queued nor settled.
func (a *Agent) recover(ctx context.Context) error {
	names, err := a.Workspaces()
	if err != nil {
		return err
	}
	for _, name := range names {
		s, err := a.status(name)
		switch {
		case err != nil:
			a.log.Error("a workspace cannot be read", "workspace", name, "error", err)
		case s.Status == Preparing: // nothing of it runs: its processes ended with the Agent
			_, err = a.update(name, s.Runs, become(Queued))
		case s.Status == Running || s.Status == Killing:
			err = a.adopt(ctx, name, s)
		}
		if err != nil {
			return fmt.Errorf("workspace %s: %w", name, err)
		}
	}
	return nil
}

// adopt watches a process that an earlier Agent has started, by its Identity: a
// number alone may be another's by now.
func (a *Agent) adopt(ctx context.Context, name string, s Status) error {
	tool := a.tools[s.Agent]
	h, err := process.For(a.core).Adopt(context.WithoutCancel(ctx), s.Identity, process.Spec{Command: tool.Command, Detach: true})
	if errors.Is(err, process.ErrGone) {
		return a.settle(name, s.Runs, lost)
	}
	if err != nil {
		return err // it may live; to take it for dead would be a guess
	}
	a.log.Info("found again", "workspace", name, "pid", s.PID)
	a.begin(ctx, name, func(ctx context.Context) { a.watch(ctx, name, s.Runs, h) })
	return nil
}

// dispatch takes from the queue, oldest first, as long as there is room, and sees to
// those whom another program wants killed.
func (a *Agent) dispatch(ctx context.Context) error {
	names, err := a.Workspaces()
	if err != nil {
		return err
	}
	type entry struct {
		name string
		Status
	}
	var queue []entry
	for _, name := range names {
		s, err := a.status(name)
		switch {
		case err != nil:
			return err
		case s.Status == Queued:
			queue = append(queue, entry{name, s})
		case s.Status == Killing, s.Status == Killed:
			a.end(name)
		}
	}
	slices.SortStableFunc(queue, func(x, y entry) int { return x.UpdatedAt.Compare(y.UpdatedAt) })
	for _, e := range queue {
		if !a.begin(ctx, e.name, func(ctx context.Context) { a.work(ctx, e.name) }) {
			break
		}
	}
	return nil
}

// begin is false when there is no room. What is at work already remains that.
func (a *Agent) begin(ctx context.Context, name string, do func(context.Context)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.works[name] != nil {
		return true
	}
	if len(a.works) >= a.most {
		return false
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &work{cancel: cancel, done: make(chan struct{})}
	a.works[name] = w
	go func() {
		defer a.finish(name, w)
		do(ctx)
	}()
	return true
}

func (a *Agent) finish(name string, w *work) {
	a.mu.Lock()
	delete(a.works, name)
	a.mu.Unlock()
	w.cancel(nil)
	close(w.done)
	a.look()
}
