package core_test

import (
	"context"
	"io"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type greeter struct {
	*core.ServiceRuntime[greeterOptions]
}

type greeterOptions struct{ word string }

func greet(c *core.Core) core.Result {
	return core.Ok(&greeter{core.NewServiceRuntime(c, greeterOptions{"hello"})})
}

func TestWithServiceNamesAServiceAfterItsPackage(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(greet))
	require.NoError(t, c.Err())
	g, ok := core.ServiceFor[*greeter](c, "core_test")
	require.True(t, ok)
	assert.Same(t, c, g.Core())
	assert.Equal(t, "hello", g.Options().word)
	assert.Equal(t, core.Ok(g), c.Service("core_test"))
}

func TestWithNameNamesAServiceAsTold(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithName("one", greet), core.WithName("two", greet))
	require.NoError(t, c.Err())
	assert.Equal(t, []string{"one", "two"}, c.Services())
}

func TestAFactoryMayRegisterItsServiceItself(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(func(c *core.Core) core.Result { return c.Service("own", greet(c).Value) }),
		core.WithService(func(c *core.Core) core.Result { return core.Ok(nil) }))
	require.NoError(t, c.Err())
	assert.Equal(t, []string{"own"}, c.Services())
}

func TestServiceForRefusesTheWrongNameAndType(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(greet))
	_, ok := core.ServiceFor[*greeter](c, "nobody")
	assert.False(t, ok)
	_, ok = core.ServiceFor[io.Reader](c, "core_test")
	assert.False(t, ok)
	assert.ErrorAs(t, c.Service("nobody").Err(), new(*core.NotRegisteredError))
}

type wrongStart struct{}

func (wrongStart) OnStartup() error { return nil }

type wrongStop struct{}

func (wrongStop) OnShutdown(context.Context) error { return nil }

func TestServicesThatCannotBeRegisteredAreRefused(t *testing.T) {
	t.Parallel()
	for want, option := range map[string]core.CoreOption{
		"EOF":                         core.WithService(func(*core.Core) core.Result { return core.Fail(io.EOF) }),
		"registered already":          core.WithService(func(c *core.Core) core.Result { c.Service("core_test", 1); return greet(c) }),
		"has no package":              core.WithService(func(*core.Core) core.Result { return core.Ok(1) }),
		"is nil":                      func(c *core.Core) core.Result { return c.Service("x", nil) },
		"exactly one instance":        func(c *core.Core) core.Result { return c.Service("x", 1, 2) },
		"a name is needed":            func(c *core.Core) core.Result { return c.Service("", 1) },
		"OnStartup that would never":  core.WithService(func(*core.Core) core.Result { return core.Ok(wrongStart{}) }),
		"OnShutdown that would never": core.WithService(func(*core.Core) core.Result { return core.Ok(wrongStop{}) }),
	} {
		assert.ErrorContains(t, core.New(option).Err(), want)
	}
}

func TestWithServiceLockRefusesServicesAfterNewWhereverItStands(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithServiceLock(), core.WithService(greet))
	require.NoError(t, c.Err())
	var refused *core.LockedError
	require.ErrorAs(t, c.Service("late", 1).Err(), &refused)
	assert.Equal(t, "late", refused.Name)
	assert.Equal(t, []string{"core_test"}, c.Services())
	assert.NoError(t, c.Action("late", echo).Err(), "actions are not services")
}

func TestOptionsAreCompleteWhenFactoriesRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := core.New(
		core.WithService(func(c *core.Core) core.Result {
			assert.Equal(t, "garden", c.Options().String("name"))
			assert.Equal(t, 2, c.Options().Int("n"))
			assert.Equal(t, dir, c.Fs().Root())
			return greet(c)
		}),
		core.WithFs(dir),
		core.WithOption("name", "garden"),
		core.WithOptions(opts("n", 2)),
	)
	require.NoError(t, c.Err())
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

// saver writes a file when it stops.
type saver struct{ c *core.Core }

func (s *saver) OnShutdown(context.Context) core.Result {
	return s.c.Fs().WriteAtomic("state", "saved")
}
