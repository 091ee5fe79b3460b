package core

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"regexp"
)

// Startable is a service that must be started. OnStartup gets the ctx of
// ServiceStartup, which covers the start only, not the service's life.
type Startable interface {
	OnStartup(ctx context.Context) Result
}

// Stoppable is a service that must be stopped. OnShutdown returns when it has
// stopped, and soon after ctx ends in any case. It is called once, and not
// before OnStartup has succeeded, if there is one.
type Stoppable interface {
	OnShutdown(ctx context.Context) Result
}

// Service answers the service of that name. With an instance it registers it
// first, which a name that is taken or a locked registry refuses. An instance
// registered after ServiceStartup is started by the next call of that.
func (c *Core) Service(name string, instance ...any) Result {
	switch len(instance) {
	case 0:
		return c.services.Get(name)
	case 1:
		return c.register(name, instance[0])
	}
	return Fail(E("core.Service", culprit("service", name)+" needs exactly one instance", nil))
}

// Services returns the names of all services in registration order.
func (c *Core) Services() []string { return c.services.Names() }

// ServiceFor returns the service of that name, if it is a T.
func ServiceFor[T any](c *Core, name string) (T, bool) {
	v, err := Value[T](c.Service(name))
	return v, err == nil
}

// ServiceRuntime is for embedding in a service: it gives it its Core and its
// own options.
type ServiceRuntime[T any] struct {
	core *Core
	opts T
}

// NewServiceRuntime makes the runtime of one service.
func NewServiceRuntime[T any](c *Core, opts T) *ServiceRuntime[T] {
	return &ServiceRuntime[T]{core: c, opts: opts}
}

// Core returns the Core that the service belongs to.
func (r *ServiceRuntime[T]) Core() *Core { return r.core }

// Options returns the service's options.
func (r *ServiceRuntime[T]) Options() T { return r.opts }

func (c *Core) register(name string, instance any) Result {
	if instance == nil {
		return Fail(E("core.Service", culprit("service", name)+" is nil", nil))
	}
	if err := checkHooks(name, instance); err != nil {
		return Fail(err)
	}
	if err := c.services.SetNew(name, instance).Err(); err != nil {
		return Fail(err)
	}
	return Ok(instance)
}

// checkHooks refuses a service that has a hook's name with another signature:
// it would be skipped without a word.
func checkHooks(name string, instance any) error {
	_, startable := instance.(Startable)
	_, stoppable := instance.(Stoppable)
	v := reflect.ValueOf(instance)
	if !startable && v.MethodByName("OnStartup").IsValid() {
		return wrongHook(name, "OnStartup")
	}
	if !stoppable && v.MethodByName("OnShutdown").IsValid() {
		return wrongHook(name, "OnShutdown")
	}
	return nil
}

func wrongHook(name, hook string) error {
	return E("core.Service", fmt.Sprintf("%s has a method %s that would never be called; make it func(context.Context) core.Result",
		culprit("service", name), hook), nil)
}

// adopt registers what a factory made, unless the factory did.
func (c *Core) adopt(name string, made Result) error {
	if err := made.Err(); err != nil {
		return err
	}
	if made.Value == nil || c.holds(made.Value) {
		return nil
	}
	if name == "" {
		name = packageName(made.Value)
	}
	if name == "" {
		return E("core.WithService", fmt.Sprintf("a %T has no package to be named after; use core.WithName", made.Value), nil)
	}
	return c.register(name, made.Value).Err()
}

// holds tells whether the very instance is registered.
func (c *Core) holds(instance any) (found bool) {
	if reflect.TypeOf(instance).Kind() != reflect.Pointer {
		return false // only pointers have an identity
	}
	c.services.Each(func(_ string, s any) { found = found || s == instance })
	return found
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// packageName returns the last element of the path of the package that v's type
// belongs to, not counting a major version.
func packageName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	dir := t.PkgPath()
	if majorVersion.MatchString(path.Base(dir)) {
		dir = path.Dir(dir)
	}
	if dir == "" {
		return ""
	}
	return path.Base(dir)
}
