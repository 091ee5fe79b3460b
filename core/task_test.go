package core_test

import (
	"context"
	"io"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// appender registers an action that answers what it got plus its own name.
func appender(c *core.Core, name string) {
	c.Action(name, func(_ context.Context, o core.Options) core.Result {
		return core.Ok(o.String(core.PreviousKey) + o.String("text") + name)
	})
}

func TestTaskHandsEachValueToTheNextStep(t *testing.T) {
	t.Parallel()
	c := core.New()
	appender(c, "a")
	appender(c, "b")
	task := c.Task("join", core.Step{Action: "a"}, core.Step{Action: "b", With: opts("text", "-")}, core.Step{Action: "a"})
	require.NoError(t, task.Err())
	assert.Equal(t, core.Ok("in:a-ba"), task.Run(t.Context(), opts("text", "in:")))
	assert.Equal(t, []string{"join"}, c.Tasks())
	assert.True(t, c.Task("join").Exists())
	assert.Equal(t, "join", task.Name())
}

func TestTaskStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	c := core.New()
	appender(c, "a")
	c.Action("fail", func(context.Context, core.Options) core.Result { return core.Fail(io.EOF) })
	c.Action("never", func(context.Context, core.Options) core.Result {
		t.Error("a step after a failure ran")
		return core.Ok(nil)
	})
	r := c.Task("x", core.Step{Action: "a"}, core.Step{Action: "fail"}, core.Step{Action: "never"}).Run(t.Context(), core.Options{})
	var failed *core.StepError
	require.ErrorAs(t, r.Err(), &failed)
	assert.Equal(t, core.StepError{Task: "x", Step: 2, Action: "fail", Err: io.EOF}, *failed)
}

func TestTaskStepsPassTheChecksOfActions(t *testing.T) {
	t.Parallel()
	c := core.New()
	r := c.Task("x", core.Step{Action: "missing"}).Run(t.Context(), core.Options{})
	assert.ErrorAs(t, r.Err(), new(*core.NotRegisteredError))
}

func TestTaskFirstStepGetsTheOptionsUnderItsOwn(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("echo", echo)
	r := c.Task("x", core.Step{Action: "echo", With: opts("fixed", 1)}).Run(t.Context(), opts("fixed", 2, "free", 3))
	assert.Equal(t, core.Ok(opts("fixed", 1, "free", 3)), r)
}

func TestTaskPassesThePreviousValueOnlyWhereASchemaTakesIt(t *testing.T) {
	t.Parallel()
	c := core.New()
	appender(c, "a")
	c.Action("strict", echo).Accept()
	c.Action("open", echo).Accept(core.Field{Key: core.PreviousKey, Type: core.String})
	c.Action("cat", echo).Accept(core.Field{Key: "stdin", Type: core.String})

	first := core.Step{Action: "a"}
	for _, test := range []struct {
		second core.Step
		want   core.Options
	}{
		{core.Step{Action: "strict"}, opts()},
		{core.Step{Action: "open"}, opts(core.PreviousKey, "a")},
		{core.Step{Action: "cat", Input: "stdin"}, opts("stdin", "a")},
	} {
		r := c.Task("x", first, test.second).Run(t.Context(), core.Options{})
		assert.Equal(t, core.Ok(test.want), r, test.second.Action)
	}
	r := c.Task("x", first, core.Step{Action: "strict", Input: "stdin"}).Run(t.Context(), core.Options{})
	assert.ErrorAs(t, r.Err(), new(*core.SchemaError))
	r = c.Task("x", first, core.Step{Action: "cat", Input: "stdin", With: opts("stdin", "own")}).Run(t.Context(), core.Options{})
	assert.Equal(t, core.Ok(opts("stdin", "a")), r)
}

func TestTaskEndsBetweenStepsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	c := core.New()
	c.Action("cancel", func(context.Context, core.Options) core.Result { cancel(io.ErrClosedPipe); return core.Ok(nil) })
	r := c.Task("x", core.Step{Action: "cancel"}, core.Step{Action: "cancel"}).Run(ctx, core.Options{})
	var failed *core.StepError
	require.ErrorAs(t, r.Err(), &failed)
	assert.Equal(t, 2, failed.Step)
	assert.ErrorIs(t, r.Err(), io.ErrClosedPipe)
}

func TestTaskThatWasNeverRegisteredIsRefused(t *testing.T) {
	t.Parallel()
	c := core.New()
	assert.ErrorAs(t, c.Task("x").Run(t.Context(), core.Options{}).Err(), new(*core.NotRegisteredError))
	refused := c.Task("", core.Step{Action: "a"})
	require.Error(t, refused.Err())
	assert.Equal(t, refused.Err(), refused.Run(t.Context(), core.Options{}).Err())
}

func TestTaskCanBeAnAction(t *testing.T) {
	t.Parallel()
	c := core.New()
	appender(c, "a")
	c.Task("twice", core.Step{Action: "a"}, core.Step{Action: "a"})
	assert.Equal(t, core.Ok("aa"), c.Action("twice", c.Task("twice").Run).Run(t.Context(), core.Options{}))
}
