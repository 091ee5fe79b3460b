package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dappco.re/go/cloche/process"
)

// work takes a workspace out of the queue, prepares it and runs its tool.
func (a *Agent) work(ctx context.Context, name string) {
	s, err := a.update(name, anyRun, func(s *Status) error {
		s.Runs++
		s.forget()
		return become(Preparing)(s)
	})
	if err != nil {
		a.log.Error("taking it out of the queue", "workspace", name, "error", err)
		return
	}
	if err := a.prep.Prepare(ctx, a.path(name, sourceFolder), s.Repo, s.Branch); err != nil {
		a.giveUp(ctx, name, s.Runs, fmt.Errorf("preparing: %w", err))
		return
	}
	h, err := a.start(ctx, name, s)
	if err != nil {
		a.giveUp(ctx, name, s.Runs, fmt.Errorf("starting: %w", err))
		return
	}
	a.watch(ctx, name, s.Runs, h)
}

// giveUp settles a run that has no process. One that was interrupted begins again.
func (a *Agent) giveUp(ctx context.Context, name string, run int, why error) {
	a.report(name, a.settle(name, run, func(s *Status) {
		switch {
		case s.Status == Killed, s.Status == Killing, errors.Is(context.Cause(ctx), errKill):
			s.Status = Killed
		case ctx.Err() != nil:
			s.Status = Queued
		default:
			s.Status, s.Reason = Failed, why.Error()
		}
	}))
}

// start has the file say that the tool runs before the tool can do anything: it is
// held meanwhile, and never runs if that cannot be written, or if this program is
// killed. Its output goes to a file of its own, so that it can outlive this program.
func (a *Agent) start(ctx context.Context, name string, s Status) (*process.Handle, error) {
	tool := a.tools[s.Agent]
	files := a.files()
	for _, file := range []string{questionFile, prFile} {
		if files.Exists(a.path(name, file)) {
			if err := files.Delete(a.path(name, file)); err != nil {
				return nil, err
			}
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return process.For(a.core).Start(context.WithoutCancel(ctx), process.Spec{
		Command:    tool.Command,
		Args:       tool.Args,
		Dir:        a.path(name, sourceFolder),
		Env:        a.env,
		Stdin:      strings.NewReader(s.Task),
		OutputFile: a.path(name, logFile),
		Detach:     true,
		Starting: func(id process.Identity) error {
			_, err := a.update(name, s.Runs, func(s *Status) error {
				s.PID, s.ProcessID, s.Identity = id.PID, id.ID, id
				s.StartedAt = time.Now().UTC()
				return become(Running)(s)
			})
			return err
		},
	})
}

// watch is the monitor of a run. It ends with the process, or, when the Agent does,
// without it, if the next one can find it.
func (a *Agent) watch(ctx context.Context, name string, run int, h *process.Handle) {
	select {
	case <-h.Done():
	case <-ctx.Done():
		if _, findable := h.Identity(); findable && !errors.Is(context.Cause(ctx), errKill) {
			return
		}
		h.Kill(context.WithoutCancel(ctx))
	}
	a.report(name, a.settle(name, run, func(s *Status) { a.judge(ctx, name, h, s) }))
}

// judge says how a run has ended.
func (a *Agent) judge(ctx context.Context, name string, h *process.Handle, s *Status) {
	exit, err := h.Wait(context.WithoutCancel(ctx))
	killed := s.Status == Killing || h.Info().Status == process.Killed
	switch {
	case killed && ctx.Err() != nil && !errors.Is(context.Cause(ctx), errKill):
		s.Status = Queued // the Agent's end was its end
	case killed:
		s.Status = Killed
	case errors.Is(err, process.ErrExitUnknown):
		lost(s)
	case err != nil || exit.Code != 0:
		s.Status, s.Reason = Failed, h.Err().Error()
	case a.files().Exists(a.path(name, questionFile)):
		s.Status, s.Question = Asking, a.text(name, questionFile)
	default:
		s.Status, s.PRURL = Completed, a.text(name, prFile)
	}
}

// lost is for a process whose end nobody saw. It may have done all or nothing.
func lost(s *Status) {
	if s.Status == Killing {
		s.Status = Killed
		return
	}
	s.Status, s.Reason = Failed, "it ended while no agent was there to see how"
}

// settle is a run's last word. That it has been said already is no fault.
func (a *Agent) settle(name string, run int, verdict func(*Status)) error {
	_, err := a.update(name, run, func(s *Status) error {
		if s.Status == Queued || s.Status.settled() {
			return ErrStale
		}
		verdict(s)
		s.forget()
		return nil
	})
	if errors.Is(err, ErrStale) {
		return nil
	}
	return err
}

func (a *Agent) report(name string, err error) {
	if err != nil {
		a.log.Error("writing down how it ended", "workspace", name, "error", err)
	}
}

// text is what a tool has left in a file, of which a kilobyte is enough.
func (a *Agent) text(name, file string) string {
	text, err := a.files().Read(a.path(name, file))
	if err != nil {
		return ""
	}
	const most = 1024
	return strings.TrimSpace(string(text[:min(len(text), most)]))
}
