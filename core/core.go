package core

import (
	"errors"
	"sync/atomic"

	"dappco.re/go/cloche/fs"
)

// Core is the container. Make one with New.
type Core struct {
	options  Options // fixed by New, as are the next three
	files    *Fs
	fsGiven  bool
	errs     []error
	fsCloser func() error // of the lifecycle

	actions     Registry[*action]
	tasks       Registry[[]Step]
	services    Registry[any]
	entitlement atomic.Pointer[EntitlementChecker]
	messages    handlers[func(*Core, Message) Result]
	queries     handlers[func(*Core, Query) Result]
	jobs        jobs
	life        lifecycle

	plan plan // what the options ask New to do at the end
}

// New makes a Core. It applies the options in order, whichever fail, then runs
// the service factories in order. See Err for what failed.
func New(options ...CoreOption) *Core {
	c := &Core{
		actions:  Registry[*action]{kind: "action", hint: "register it with c.Action(name, handler)"},
		tasks:    Registry[[]Step]{kind: "task", hint: "register it with c.Task(name, steps...)"},
		services: Registry[any]{kind: "service", hint: "register it with core.WithService"},
		files:    &Fs{plain: new(fs.Fs)},
	}
	c.life.init()
	for _, option := range options {
		c.try(func() Result { return option(c) })
	}
	for _, factory := range c.plan.factories {
		c.try(factory)
	}
	if c.plan.lock {
		c.services.Lock()
	}
	return c
}

func (c *Core) try(step func() Result) {
	if err := guard("option of core.New", step).Err(); err != nil {
		c.errs = append(c.errs, err)
	}
}

// Err returns the errors of all options and factories that failed, joined, or
// nil. While it is not nil, ServiceStartup refuses.
func (c *Core) Err() error { return errors.Join(c.errs...) }

// Options returns what WithOption and WithOptions set.
func (c *Core) Options() Options { return c.options }

// Fs returns the filesystem that WithFs or WithUnrestrictedFs gave, or one that
// denies everything.
func (c *Core) Fs() *Fs { return c.files }

// Process returns the processes that the registered process service runs.
func (c *Core) Process() *Process { return &Process{core: c} }
