package core

import (
	"context"
	"errors"
	"sync/atomic"
)

// Handler does what an action is for. ctx is the caller's own.
type Handler func(ctx context.Context, opts Options) Result

// Action is a handle on whatever is registered under one name, now or later.
type Action struct {
	core *Core
	name string
	err  error // why a registration by this handle was refused
}

// action is what is registered.
type action struct {
	handler Handler
	schema  atomic.Pointer[schema] // nil takes every option
}

// Action returns a handle on the action of that name, never nil. With a handler
// it registers it, or puts it in the place of an earlier one together with its
// schema; a disabled action stays disabled. When that is refused, Err and Run
// say why.
func (c *Core) Action(name string, handler ...Handler) *Action {
	a := &Action{core: c, name: name}
	if len(handler) > 0 {
		a.err = c.registerAction(name, handler)
	}
	return a
}

func (c *Core) registerAction(name string, handler []Handler) error {
	if len(handler) != 1 || handler[0] == nil {
		return E("core.Action", culprit("action", name)+" needs exactly one handler", nil)
	}
	return c.actions.Set(name, &action{handler: handler[0]}).Err()
}

// Actions returns the names of all actions, disabled ones too, in the order in
// which they were registered.
func (c *Core) Actions() []string { return c.actions.Names() }

// Name returns the name.
func (a *Action) Name() string { return a.name }

// Err tells why a registration by this handle was refused, or nil.
func (a *Action) Err() error { return a.err }

// Exists tells whether the action is registered, be it disabled.
func (a *Action) Exists() bool { return a.core.actions.Has(a.name) }

// Enable undoes Disable.
func (a *Action) Enable() Result { return a.core.actions.Enable(a.name) }

// Disable makes Run refuse until Enable.
func (a *Action) Disable() Result { return a.core.actions.Disable(a.name) }

// Accept makes the fields all that the action takes: another key, a value of
// another type or a missing required key is a *SchemaError. An action on which
// Accept was never called takes everything. It returns a, for chaining to the
// registration, and does nothing on an action that is not registered.
func (a *Action) Accept(fields ...Field) *Action {
	if act, ok := a.registered(); ok {
		act.schema.Store(newSchema(a.name, fields))
	}
	return a
}

// Run does it, if the action is registered, enabled, entitled for ctx and takes
// opts, asked in that order. The answers are *NotRegisteredError,
// *DisabledError, *NotEntitledError, *SchemaError, and *PanicError if any of it
// panics. Run itself does not look at ctx: an ended one reaches the handler.
func (a *Action) Run(ctx context.Context, opts Options) (r Result) {
	defer catch(&r, culprit("action", a.name))
	handler, err := a.admit(ctx, opts)
	if err != nil {
		return Fail(err)
	}
	return handler(ctx, opts)
}

// admit makes all checks.
func (a *Action) admit(ctx context.Context, opts Options) (Handler, error) {
	if a.err != nil {
		return nil, a.err
	}
	act, err := Value[*action](a.core.actions.Get(a.name))
	if err != nil {
		return nil, err
	}
	if err := a.core.entitled(ctx, a.name, opts); err != nil {
		return nil, err
	}
	if err := act.schema.Load().check(a.name, opts); err != nil {
		return nil, err
	}
	return act.handler, nil
}

// registered finds the action, be it disabled.
func (a *Action) registered() (*action, bool) {
	if a.err != nil {
		return nil, false
	}
	return a.core.actions.lookup(a.name)
}

// EntitlementChecker decides whether an action may run: nil means yes, an error
// is the reason why not. It sees opts before the action's schema does.
type EntitlementChecker func(ctx context.Context, action string, opts Options) error

// SetEntitlementChecker makes check decide about every action from now on, in
// the place of an earlier one. Without any, every action may run. A nil check is
// refused, since it could be an accident that opens everything.
func (c *Core) SetEntitlementChecker(check EntitlementChecker) Result {
	if check == nil {
		return Fail(E("core.SetEntitlementChecker", "the checker is nil", nil))
	}
	c.entitlement.Store(&check)
	return Ok(nil)
}

func (c *Core) entitled(ctx context.Context, name string, opts Options) error {
	check := c.entitlement.Load()
	if check == nil {
		return nil
	}
	if err := (*check)(ctx, name, opts); err != nil {
		return &NotEntitledError{Action: name, Err: err}
	}
	return nil
}

// isNotRegistered finds the NotRegisteredError that is about one name.
func isNotRegistered(err error, kind, name string) bool {
	e, ok := errors.AsType[*NotRegisteredError](err)
	return ok && e.Kind == kind && e.Name == name
}
