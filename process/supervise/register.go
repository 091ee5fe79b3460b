package supervise

import (
	"context"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

// ServiceName is what Register registers a *Supervisor under.
const ServiceName = "supervise"

// Register is for core.WithService, after the process service: it makes a
// Supervisor whose units are up when the Core has started, and over before the
// process service stops.
func Register(units Group, opts ...Option) func(*core.Core) core.Result {
	return func(c *core.Core) core.Result {
		s, err := New(process.For(c), units, opts...)
		if err != nil {
			return core.Fail(err)
		}
		if r := c.Service(ServiceName, s); !r.OK {
			return r
		}
		return core.Ok(s)
	}
}

// OnStartup runs the units in the background, and returns when all are up. It fails
// when one will not be, and then all are stopped.
func (s *Supervisor) OnStartup(ctx context.Context) core.Result {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.stopped = cancel, make(chan struct{})
	go func() {
		defer close(s.stopped)
		if err := s.Run(own); err != nil {
			s.log.Warn("units have failed", "reason", err)
		}
	}()
	if err := s.Await(ctx); err != nil {
		cancel()
		<-s.stopped
		return core.Fail(err)
	}
	return core.Ok(nil)
}

// OnShutdown stops the units, or leaves them.
func (s *Supervisor) OnShutdown(ctx context.Context) core.Result {
	s.stop()
	select {
	case <-s.stopped:
		return core.Ok(nil)
	case <-ctx.Done():
		return core.Fail(context.Cause(ctx))
	}
}
