package core_test

import (
	"context"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func everyCall(ctx context.Context, p *core.Process) map[string]core.Result {
	return map[string]core.Result{
		"process.run":   p.Run(ctx, "git", "log"),
		"process.start": p.Start(ctx, opts("command", "git")),
		"process.kill":  p.Kill(ctx, opts("id", "1")),
		"process.get":   p.Get(ctx, "1"),
		"process.list":  p.List(ctx, core.Options{}),
	}
}

func TestWithoutAProcessServiceEveryCallIsRefused(t *testing.T) {
	t.Parallel()
	p := core.New().Process()
	assert.False(t, p.Exists())
	calls := everyCall(t.Context(), p)
	calls["process.run"] = p.RunIn(t.Context(), "/", "git")
	for action, r := range calls {
		var refused *core.NotRegisteredError
		require.ErrorAs(t, r.Err(), &refused)
		assert.Equal(t, action, refused.Name)
		assert.Contains(t, refused.Error(), "native.Register")
		assert.Contains(t, refused.Error(), "wasm.Register")
	}
}

func TestProcessCallsAreNamedActionsAndNothingElse(t *testing.T) {
	t.Parallel()
	c := core.New()
	for _, name := range []string{"process.run", "process.start", "process.kill", "process.get", "process.list"} {
		c.Action(name, echo)
	}
	p := c.Process()
	assert.True(t, p.Exists())
	ctx := t.Context()
	calls := everyCall(ctx, p)
	assert.Equal(t, core.Ok(opts("command", "git", "args", []string{"log"})), calls["process.run"])
	assert.Equal(t, core.Ok(opts("command", "git")), calls["process.start"])
	assert.Equal(t, core.Ok(opts("id", "1")), calls["process.kill"])
	assert.Equal(t, core.Ok(opts("id", "1")), calls["process.get"])
	assert.Equal(t, core.Ok(core.Options{}), calls["process.list"])
	assert.Equal(t, core.Ok(opts("command", "git", "args", []string{"log"}, "dir", "/src")), p.RunIn(ctx, "/src", "git", "log"))
	assert.Equal(t, core.Ok(opts("command", "git", "args", []string(nil), "dir", "/src", "env", []string{"A=b"})),
		p.RunWithEnv(ctx, "/src", []string{"A=b"}, "git"))
}

func TestANotRegisteredErrorFromWithinAProcessActionIsKept(t *testing.T) {
	t.Parallel()
	c := core.New()
	inner := &core.NotRegisteredError{Kind: "action", Name: "other"}
	c.Action("process.run", func(context.Context, core.Options) core.Result { return core.Fail(inner) })
	assert.Equal(t, core.Fail(inner), c.Process().Run(t.Context(), "x"))
}

func TestADisabledProcessActionStaysRefusedAsSuch(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("process.run", echo)
	c.Action("process.run").Disable()
	assert.ErrorAs(t, c.Process().Run(t.Context(), "x").Err(), new(*core.DisabledError))
}
