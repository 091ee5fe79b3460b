package process

import (
	"context"
	"errors"

	"dappco.re/go/cloche/core"
)

// ServiceName is what a process service is registered under, whatever its
// backend.
const ServiceName = "process"

// Register makes a service of exec, registers it and its actions on c, tells
// every Event by c.ACTION, and answers the *Service. The service stops with c.
func Register(c *core.Core, exec Executor, opts ...Option) core.Result {
	s := New(exec, opts...)
	s.announce(c)
	if r := c.Service(ServiceName, s); !r.OK {
		return r
	}
	if err := s.registerActions(c); err != nil {
		return core.Fail(err)
	}
	return core.Ok(s)
}

// announce tells c of events, besides whom WithEvents named.
func (s *Service) announce(c *core.Core) {
	also := s.events
	s.events = func(e Event) {
		if also != nil {
			also(e)
		}
		if err := c.ACTION(e).Err(); err != nil {
			s.log.Warn("a receiver of an event failed", "id", e.ProcessID(), "error", err)
		}
	}
}

// For returns the process service of c, never nil: without one, a Service that
// starts nothing and answers *core.NotRegisteredError.
func For(c *core.Core) *Service {
	if s, ok := core.ServiceFor[*Service](c, ServiceName); ok {
		return s
	}
	return &Service{refusal: &core.NotRegisteredError{
		Kind: "service", Name: ServiceName,
		Fix: "this Core runs no processes; give core.New a process service: core.WithService(native.Register) or core.WithService(wasm.Register)",
	}}
}

// OnShutdown is the Core's way to Shutdown. There is no OnStartup: a service has
// nothing to start, and one that was never started would not be stopped.
func (s *Service) OnShutdown(ctx context.Context) core.Result {
	if err := s.Shutdown(ctx); err != nil {
		return core.Fail(err)
	}
	return core.Ok(nil)
}

func (s *Service) registerActions(c *core.Core) error {
	var errs []error
	for _, a := range s.actions() {
		action := c.Action(a.name, a.handler)
		action.Accept(a.fields...)
		errs = append(errs, action.Err())
	}
	return errors.Join(errs...)
}
