package supervise

import (
	"context"
	"errors"

	"dappco.re/go/cloche/process"
)

// begin adopts the unit's process, if there is one already, or starts it.
func (u *unit) begin(ctx context.Context) (*process.Handle, error) {
	h, err := u.adopt(ctx)
	if h == nil && err == nil {
		h, err = u.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	u.runs(h)
	return h, nil
}

// start lets ctx end what is still pending. What runs is ended by stop, in its turn.
func (u *unit) start(ctx context.Context) (*process.Handle, error) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	defer release()
	spec := u.Spec
	spec.Detach = spec.Detach || u.supervisor.leave
	if u.supervisor.records != nil {
		spec.Starting = u.starting
	}
	return u.supervisor.service.Start(own, spec)
}

// starting is called while the process is held.
func (u *unit) starting(id process.Identity) error {
	if err := u.supervisor.records.write(u.Unit, id); err != nil {
		return err
	}
	if u.Spec.Starting == nil {
		return nil
	}
	return u.Spec.Starting(id)
}

// adopt answers nil when there is nothing to adopt, be it that what there was is
// gone, or that it was another Spec's and has been ended. While that cannot be told,
// nothing must be started.
func (u *unit) adopt(ctx context.Context) (*process.Handle, error) {
	if u.left == nil {
		return nil, nil
	}
	if u.left.Spec != digestOf(u.Spec) {
		if err := u.supervisor.end(ctx, *u.left); err != nil {
			return nil, err
		}
		u.left = nil
		return nil, nil
	}
	h, err := u.supervisor.service.Adopt(context.WithoutCancel(ctx), u.left.Identity, process.Spec{
		Command: u.Spec.Command, Args: u.Spec.Args, Dir: u.Spec.Dir,
		Timeout: u.Spec.Timeout, GracePeriod: u.Spec.GracePeriod,
		Detach: u.Spec.Detach || u.supervisor.leave,
	})
	if err == nil || errors.Is(err, process.ErrGone) {
		u.left, err = nil, nil
	}
	return h, err
}
