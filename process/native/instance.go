package native

import (
	"context"

	"dappco.re/go/cloche/process"
)

// instance is one running process and its group.
type instance struct {
	group   *group
	id      process.Identity
	bounds  *bounds
	streams streams
	unwatch func() // after it, the end of ctx has no effect any more
}

// watch takes charge of a process that was just started.
func watch(ctx context.Context, g *group, id process.Identity, s streams, b *bounds) *instance {
	s.copy(func() { g.kill(nil) })
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		g.kill(context.Cause(ctx))
	})
	return &instance{group: g, id: id, bounds: b, streams: s, unwatch: func() {
		if !stop() {
			<-killed
		}
	}}
}

// Wait implements [process.Instance]. Exit.Reason is the cause of ctx's end when
// that killed the process, the error of a Stdout or Stderr that failed, or the
// limit that ended it.
func (i *instance) Wait() (process.Exit, error) {
	state, err := i.group.wait()
	i.unwatch()
	refused := i.streams.finish()
	defer i.group.vanish()
	if err != nil {
		return process.Exit{}, err
	}
	exit := exitOf(state)
	switch {
	case refused != nil:
		exit.Reason = refused
	case exit.Signal == process.SIGKILL && i.group.cause != nil:
		exit.Reason = i.group.cause
	default:
		exit.Reason = i.bounds.exceeded(exit.Signal)
	}
	return exit, nil
}

// Signal implements [process.Instance]: it signals the whole group. Any name
// that signal(7) knows will do. After the process ended it answers
// os.ErrProcessDone.
func (i *instance) Signal(sig process.Signal) error { return i.group.signal(sig) }

// Resize implements what [process.Handle.Resize] asks for.
func (i *instance) Resize(size process.Terminal) error { return i.streams.resize(size) }

// PID is the process's number, and its group's. It may be another's once Wait
// has returned.
func (i *instance) PID() int { return i.group.proc.Pid }

// Unmet names the limits that hold by best effort only.
func (i *instance) Unmet() []string { return i.bounds.unmet }

// Identity is zero where the host tells no start time.
func (i *instance) Identity() process.Identity { return i.id }
