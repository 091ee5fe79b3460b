package core_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func echo(_ context.Context, o core.Options) core.Result { return core.Ok(o) }

func TestActionRunsItsHandlerWithTheCallersContextAndOptions(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "me")
	c := core.New()
	a := c.Action("greet", func(ctx context.Context, o core.Options) core.Result {
		return core.Ok(ctx.Value(key{}).(string) + o.String("who"))
	})
	require.NoError(t, a.Err())
	assert.Equal(t, core.Ok("me+you"), a.Run(ctx, opts("who", "+you")))
	assert.Equal(t, []string{"greet"}, c.Actions())
}

func TestActionHandleIsNeverNilAndFollowsRegistration(t *testing.T) {
	t.Parallel()
	c := core.New()
	early := c.Action("late")
	require.NotNil(t, early)
	assert.False(t, early.Exists())
	assert.Equal(t, "late", early.Name())

	var missing *core.NotRegisteredError
	require.ErrorAs(t, early.Run(t.Context(), core.Options{}).Err(), &missing)
	assert.Equal(t, core.NotRegisteredError{Kind: "action", Name: "late", Fix: missing.Fix}, *missing)
	assert.Contains(t, missing.Fix, "c.Action")
	require.ErrorAs(t, early.Disable().Err(), &missing)
	early.Accept(core.Field{Key: "x", Type: core.Int}) // does nothing

	c.Action("late", echo)
	assert.True(t, early.Exists())
	assert.NoError(t, early.Run(t.Context(), opts("any", 1)).Err())
}

func TestActionRegistrationThatIsRefusedShows(t *testing.T) {
	t.Parallel()
	c := core.New()
	for name, a := range map[string]*core.Action{
		"nil handler":  c.Action("x", nil),
		"two handlers": c.Action("x", echo, echo),
		"no name":      c.Action("", echo),
	} {
		require.Error(t, a.Err(), name)
		assert.Equal(t, a.Err(), a.Accept().Run(t.Context(), core.Options{}).Err(), name)
	}
	assert.Empty(t, c.Actions())
}

func TestActionChecksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	refusal := errors.New("not on Sundays")
	c := core.New()
	entitled := false
	require.True(t, c.SetEntitlementChecker(func(context.Context, string, core.Options) error {
		if entitled {
			return nil
		}
		return refusal
	}).OK)
	run := func() error { return c.Action("a").Run(t.Context(), opts("n", "wrong")).Err() }

	assert.ErrorAs(t, run(), new(*core.NotRegisteredError))
	c.Action("a", func(context.Context, core.Options) core.Result { return core.Fail(io.EOF) }).
		Accept(core.Field{Key: "n", Type: core.Int}).Disable()
	assert.ErrorAs(t, run(), new(*core.DisabledError))
	c.Action("a").Enable()
	assert.ErrorAs(t, run(), new(*core.NotEntitledError))
	assert.ErrorIs(t, run(), refusal)
	entitled = true
	assert.ErrorAs(t, run(), new(*core.SchemaError))
	assert.ErrorIs(t, c.Action("a").Run(t.Context(), opts("n", 1)).Err(), io.EOF)
}

func TestEntitlementIsAskedWithTheCallersContextAndOptions(t *testing.T) {
	t.Parallel()
	type user struct{}
	c := core.New()
	c.Action("rm", echo)
	c.SetEntitlementChecker(func(ctx context.Context, action string, o core.Options) error {
		if ctx.Value(user{}) == "root" && action == "rm" && o.String("path") == "/tmp" {
			return nil
		}
		return errors.New("who are you?")
	})
	root := context.WithValue(t.Context(), user{}, "root")
	assert.NoError(t, c.Action("rm").Run(root, opts("path", "/tmp")).Err())
	assert.Error(t, c.Action("rm").Run(root, opts("path", "/")).Err())
	assert.Error(t, c.Action("rm").Run(t.Context(), opts("path", "/tmp")).Err())
}

func TestANilEntitlementCheckerIsRefusedAndOpensNothing(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("a", echo)
	c.SetEntitlementChecker(func(context.Context, string, core.Options) error { return io.EOF })
	assert.Error(t, c.SetEntitlementChecker(nil).Err())
	assert.ErrorIs(t, c.Action("a").Run(t.Context(), core.Options{}).Err(), io.EOF)
}

type panicky struct{}

func (panicky) Want() string             { return "trouble" }
func (panicky) Check(any) (string, bool) { panic(io.ErrNoProgress) }

func TestAPanicAnywhereInAnActionIsAFailure(t *testing.T) {
	t.Parallel()
	boom := func() { panic(io.ErrNoProgress) }
	cases := map[string]func(c *core.Core){
		"handler": func(c *core.Core) {
			c.Action("a", func(context.Context, core.Options) core.Result { boom(); return core.Ok(nil) })
		},
		"entitlement checker": func(c *core.Core) {
			c.Action("a", echo)
			c.SetEntitlementChecker(func(context.Context, string, core.Options) error { boom(); return nil })
		},
		"schema": func(c *core.Core) { c.Action("a", echo).Accept(core.Field{Key: "k", Type: panicky{}}) },
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := core.New()
			prepare(c)
			for _, r := range []core.Result{
				c.Action("a").Run(t.Context(), opts("k", 1)),
				runAsync(t, c, "a", opts("k", 1)),
			} {
				var caught *core.PanicError
				require.ErrorAs(t, r.Err(), &caught)
				assert.Equal(t, `action "a"`, caught.Where)
				assert.Contains(t, string(caught.Stack), "action_test.go")
				assert.ErrorIs(t, r.Err(), io.ErrNoProgress)
			}
		})
	}
}

func TestReplacingAnActionReplacesItsSchemaButDoesNotEnableIt(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("a", echo).Accept()
	c.Action("a").Disable()
	c.Action("a", echo)
	assert.ErrorAs(t, c.Action("a").Run(t.Context(), core.Options{}).Err(), new(*core.DisabledError))
	c.Action("a").Enable()
	assert.NoError(t, c.Action("a").Run(t.Context(), opts("free", 1)).Err())
}

func TestSchemaNamesTheKeyWhatItWantsWhatItGotAndTheFix(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("run", echo).Accept(
		core.Field{Key: "command", Type: core.String, Required: true},
		core.Field{Key: "args", Type: core.Strings},
		core.Field{Key: "timeout", Type: core.Duration},
		core.Field{Key: "count", Type: core.Int},
		core.Field{Key: "detach", Type: core.Bool},
		core.Field{Key: "stdin", Type: core.TypeOf[io.Reader]("an io.Reader")},
		core.Field{Key: "tag", Type: core.Any},
	)
	durationFix := `pass time.Duration or "30s"`
	for name, test := range map[string]struct {
		opts core.Options
		want core.SchemaError
	}{
		"missing":     {opts(), core.SchemaError{Key: "command", Want: "a string", Got: "nothing", Fix: "set it"}},
		"unknown key": {opts("command", "x", "timout", "1s"), core.SchemaError{Key: "timout", Want: "one of command, args, timeout, count, detach, stdin, tag", Got: "an unknown key", Fix: "leave it out"}},
		"int timeout": {opts("command", "x", "timeout", 30), core.SchemaError{Key: "timeout", Want: "a duration", Got: "int", Fix: "an integer has no unit; " + durationFix}},
		"uint8 timeout": {opts("command", "x", "timeout", uint8(30)),
			core.SchemaError{Key: "timeout", Want: "a duration", Got: "uint8", Fix: "an integer has no unit; " + durationFix}},
		"unitless timeout": {opts("command", "x", "timeout", "30"),
			core.SchemaError{Key: "timeout", Want: "a duration", Got: "string", Fix: `time: missing unit in duration "30"; pass time.Duration or a string such as "30s"`}},
		"float timeout": {opts("command", "x", "timeout", 1.5), core.SchemaError{Key: "timeout", Want: "a duration", Got: "float64", Fix: durationFix}},
		"nil string":    {opts("command", nil), core.SchemaError{Key: "command", Want: "a string", Got: "nil", Fix: "pass a string"}},
		"one string":    {opts("command", "x", "args", "a b"), core.SchemaError{Key: "args", Want: "a list of strings", Got: "string", Fix: "pass []string"}},
		"mixed list":    {opts("command", "x", "args", []any{"a", 1}), core.SchemaError{Key: "args", Want: "a list of strings", Got: "[]interface {}", Fix: "pass []string"}},
		"duration int":  {opts("command", "x", "count", time.Second), core.SchemaError{Key: "count", Want: "an integer", Got: "time.Duration", Fix: "pass an int"}},
		"string bool":   {opts("command", "x", "detach", "true"), core.SchemaError{Key: "detach", Want: "true or false", Got: "string", Fix: "pass a bool"}},
		"no reader":     {opts("command", "x", "stdin", "text"), core.SchemaError{Key: "stdin", Want: "an io.Reader", Got: "string", Fix: "pass an io.Reader"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *core.SchemaError
			require.ErrorAs(t, c.Action("run").Run(t.Context(), test.opts).Err(), &got)
			test.want.Action = "run"
			assert.Equal(t, test.want, *got)
		})
	}
	ok := opts("command", "x", "args", []any{"a"}, "timeout", "30s", "count", uint8(1), "detach", true, "stdin", strings.NewReader(""), "tag", nil)
	assert.NoError(t, c.Action("run").Run(t.Context(), ok).Err())
}

func TestAcceptWithoutFieldsTakesNoOptionAtAll(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("a", echo).Accept()
	assert.NoError(t, c.Action("a").Run(t.Context(), core.Options{}).Err())
	assert.ErrorContains(t, c.Action("a").Run(t.Context(), opts("k", 1)).Err(), "want no options")
}

func TestASchemaThatIsWrongItselfTakesNothing(t *testing.T) {
	t.Parallel()
	for want, fields := range map[string][]core.Field{
		"has no Key":                {{Type: core.Any}},
		`field "k" has no Type`:     {{Key: "k"}},
		`field "k" is there twice`:  {{Key: "k", Type: core.Any}, {Key: "k", Type: core.Int}},
		"the unknown Kind(99), got": {{Key: "k", Type: core.Kind(99)}},
	} {
		c := core.New()
		a := c.Action("a", echo).Accept(fields...)
		assert.ErrorContains(t, a.Run(t.Context(), opts("k", 1)).Err(), want)
	}
}

func TestActionsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := core.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				c.Action("a", echo).Accept(core.Field{Key: "k", Type: core.Int})
				c.Action("a").Disable()
				c.Action("a").Enable()
				c.Action("a").Run(t.Context(), opts("k", 1))
				c.SetEntitlementChecker(func(context.Context, string, core.Options) error { return nil })
			}
		})
	}
	wg.Wait()
	assert.Equal(t, []string{"a"}, c.Actions())
}
