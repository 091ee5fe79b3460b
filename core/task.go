package core

import (
	"context"
	"slices"
)

// PreviousKey is the option under which a step of a Task gets the value of the
// step before it, unless the step names another key.
const PreviousKey = "previous"

// Step is one action of a Task.
type Step struct {
	Action string
	// With is what the action always gets.
	With Options
	// Input is the key that gets the value of the step before, whatever With
	// says. Empty means PreviousKey, which an action with a schema is given only
	// if the schema has it.
	Input string
}

// Task is a handle on the task of one name, now or later: actions that run one
// after another.
type Task struct {
	core *Core
	name string
	err  error
}

// Task returns a handle on the task of that name, never nil. With steps it
// registers them, or puts them in the place of earlier ones. When that is
// refused, Err and Run say why.
func (c *Core) Task(name string, steps ...Step) *Task {
	t := &Task{core: c, name: name}
	if len(steps) > 0 {
		t.err = c.tasks.Set(name, slices.Clone(steps)).Err()
	}
	return t
}

// Tasks returns the names of all tasks, in the order in which they were
// registered.
func (c *Core) Tasks() []string { return c.tasks.Names() }

// Name returns the name.
func (t *Task) Name() string { return t.name }

// Err tells why a registration by this handle was refused, or nil.
func (t *Task) Err() error { return t.err }

// Exists tells whether the task is registered.
func (t *Task) Exists() bool { return t.core.tasks.Has(t.name) }

// Run runs the steps in order, each with all the checks of Action.Run, and
// answers the value of the last. The first step gets opts, over which its own
// With wins; each later one gets With and the value of the step before. The
// first failure, or the end of ctx, ends the task with a *StepError.
//
// Run is a Handler, so a task can be registered as an action.
func (t *Task) Run(ctx context.Context, opts Options) Result {
	if t.err != nil {
		return Fail(t.err)
	}
	steps, err := Value[[]Step](t.core.tasks.Get(t.name))
	if err != nil {
		return Fail(err)
	}
	last := Ok(nil)
	for i, step := range steps {
		input := step.first(opts)
		if i > 0 {
			input = t.core.next(step, last.Value)
		}
		last = runStep(ctx, t.core.Action(step.Action), input)
		if err := last.Err(); err != nil {
			return Fail(&StepError{Task: t.name, Step: i + 1, Action: step.Action, Err: err})
		}
	}
	return last
}

func runStep(ctx context.Context, a *Action, input Options) Result {
	if ctx.Err() != nil {
		return Fail(context.Cause(ctx))
	}
	return a.Run(ctx, input)
}

// first makes the options of the first step.
func (s Step) first(opts Options) Options {
	for _, item := range s.With.items {
		opts.Set(item.Key, item.Value)
	}
	return opts
}

// next makes the options of a later step.
func (c *Core) next(s Step, previous any) Options {
	input := s.With
	if s.Input != "" {
		input.Set(s.Input, previous)
		return input
	}
	if act, ok := c.actions.lookup(s.Action); ok && act.schema.Load().takes(PreviousKey) {
		input.Set(PreviousKey, previous)
	}
	return input
}
