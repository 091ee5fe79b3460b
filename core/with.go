package core

// CoreOption is a step of New. A failed one does not stop the others; Core.Err
// keeps its error.
type CoreOption func(*Core) Result

// plan is what must wait until all options are applied.
type plan struct {
	factories []func() Result
	lock      bool
}

// WithService registers what factory makes, under the name of the package that
// its type belongs to. A factory may also register its service itself, with
// c.Service, and then the name is what it chose.
func WithService(factory func(*Core) Result) CoreOption { return WithName("", factory) }

// WithName is WithService with a name of the caller's choice.
func WithName(name string, factory func(*Core) Result) CoreOption {
	return func(c *Core) Result {
		if factory == nil {
			return Fail(E("core.WithService", "the factory is nil", nil))
		}
		c.plan.factories = append(c.plan.factories, func() Result {
			return outcome(c.adopt(name, factory(c)))
		})
		return Ok(nil)
	}
}

// WithServiceLock refuses services once New has returned.
func WithServiceLock() CoreOption {
	return func(c *Core) Result {
		c.plan.lock = true
		return Ok(nil)
	}
}

// WithOption sets one of the Core's options.
func WithOption(key string, value any) CoreOption {
	return WithOptions(NewOptions(Option{Key: key, Value: value}))
}

// WithOptions sets several of the Core's options.
func WithOptions(opts Options) CoreOption {
	return func(c *Core) Result {
		for _, item := range opts.items {
			c.options.Set(item.Key, item.Value)
		}
		return Ok(nil)
	}
}
