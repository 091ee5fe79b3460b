package core_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// runAsync runs an action in the background and returns how it ended.
func runAsync(t *testing.T, c *core.Core, name string, o core.Options) core.Result {
	t.Helper()
	done := make(chan core.ActionTaskCompleted, 1)
	stop := c.RegisterAction(func(_ *core.Core, m core.Message) core.Result {
		if m, ok := m.(core.ActionTaskCompleted); ok {
			done <- m
		}
		return core.Ok(nil)
	})
	defer stop()
	r := c.PerformAsync(t.Context(), name, o)
	if !r.OK {
		return r
	}
	m := <-done
	assert.Equal(t, core.ActionTaskCompleted{ID: r.Value.(string), Action: name, Result: m.Result}, m)
	return m.Result
}

func TestPerformAsyncTellsOfItsBeginningProgressAndEnd(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("work", func(ctx context.Context, o core.Options) core.Result {
		assert.NoError(t, c.Progress(ctx, 0.5, "half").Err())
		return core.Ok(o.Int("n") + 1)
	})
	told := make(chan core.Message, 3)
	c.RegisterAction(func(_ *core.Core, m core.Message) core.Result { told <- m; return core.Ok(nil) })

	id, err := core.Value[string](c.PerformAsync(t.Context(), "work", opts("n", 1)))
	require.NoError(t, err)
	assert.Equal(t, core.ActionTaskStarted{ID: id, Action: "work"}, <-told)
	assert.Equal(t, core.ActionTaskProgress{ID: id, Action: "work", Fraction: 0.5, Text: "half"}, <-told)
	assert.Equal(t, core.ActionTaskCompleted{ID: id, Action: "work", Result: core.Ok(2)}, <-told)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

func TestPerformAsyncMakesTheChecksAtOnceAndWithTheCallersContext(t *testing.T) {
	t.Parallel()
	type user struct{}
	c := core.New()
	c.SetEntitlementChecker(func(ctx context.Context, _ string, _ core.Options) error {
		if ctx.Value(user{}) == nil {
			return io.EOF
		}
		return nil
	})
	c.RegisterAction(func(*core.Core, core.Message) core.Result { t.Error("nothing may start"); return core.Ok(nil) })
	c.Action("a", echo).Accept()
	known := context.WithValue(t.Context(), user{}, 1)
	assert.ErrorAs(t, c.PerformAsync(t.Context(), "missing", core.Options{}).Err(), new(*core.NotRegisteredError))
	assert.ErrorIs(t, c.PerformAsync(t.Context(), "a", core.Options{}).Err(), io.EOF)
	assert.ErrorAs(t, c.PerformAsync(known, "a", opts("k", 1)).Err(), new(*core.SchemaError))
}

func TestPerformAsyncKeepsTheValuesButNotTheEndOfItsContext(t *testing.T) {
	t.Parallel()
	type user struct{}
	c := core.New()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), user{}, "me"))
	canceled := make(chan struct{})
	c.Action("a", func(ctx context.Context, _ core.Options) core.Result {
		<-canceled
		assert.NoError(t, ctx.Err())
		return core.Ok(ctx.Value(user{}))
	})
	done := make(chan core.Result, 1)
	c.RegisterAction(func(_ *core.Core, m core.Message) core.Result {
		if m, ok := m.(core.ActionTaskCompleted); ok {
			done <- m.Result
		}
		return core.Ok(nil)
	})
	require.True(t, c.PerformAsync(ctx, "a", core.Options{}).OK)
	cancel()
	close(canceled)
	assert.Equal(t, core.Ok("me"), <-done)
}

func TestABackgroundActionThatEndsItsGoroutineStillCompletes(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("exit", func(context.Context, core.Options) core.Result { runtime.Goexit(); return core.Ok(nil) })
	assert.ErrorContains(t, runAsync(t, c, "exit", core.Options{}).Err(), `action "exit" ended its goroutine`)
	assert.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

func TestProgressOutsideOfTheBackgroundIsRefused(t *testing.T) {
	t.Parallel()
	assert.Error(t, core.New().Progress(t.Context(), 1, "done").Err())
}

func TestShutdownEndsBackgroundActionsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	c := core.New()
	started := make(chan struct{})
	c.Action("wait", func(ctx context.Context, _ core.Options) core.Result {
		close(started)
		<-ctx.Done()
		return core.Fail(context.Cause(ctx))
	})
	done := make(chan core.Result, 1)
	c.RegisterAction(func(_ *core.Core, m core.Message) core.Result {
		if m, ok := m.(core.ActionTaskCompleted); ok {
			done <- m.Result
		}
		return core.Ok(nil)
	})
	require.True(t, c.PerformAsync(t.Context(), "wait", core.Options{}).OK)
	<-started
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	select {
	case r := <-done:
		assert.ErrorIs(t, r.Err(), core.ErrShutdown)
	default:
		t.Error("shutdown did not await the background action")
	}
	assert.ErrorIs(t, c.PerformAsync(t.Context(), "wait", core.Options{}).Err(), core.ErrShutdown)
}

// server is a service whose work ends only when it is stopped.
type server struct{ stopped chan struct{} }

func (s *server) OnShutdown(context.Context) core.Result { close(s.stopped); return core.Ok(nil) }

func TestShutdownStopsTheServiceThatABackgroundActionWaitsFor(t *testing.T) {
	t.Parallel()
	s := &server{make(chan struct{})}
	c := core.New(core.WithService(func(*core.Core) core.Result { return core.Ok(s) }))
	require.NoError(t, c.Err())
	c.Action("wait", func(context.Context, core.Options) core.Result {
		<-s.stopped // and pays no heed to its ctx
		return core.Ok(nil)
	})
	require.True(t, c.PerformAsync(t.Context(), "wait", core.Options{}).OK)
	assert.NoError(t, c.ServiceShutdown(context.Background()).Err())
}

func TestABackgroundActionMayShutTheCoreDown(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("quit", func(ctx context.Context, _ core.Options) core.Result {
		return c.ServiceShutdown(context.WithoutCancel(ctx))
	})
	assert.NoError(t, runAsync(t, c, "quit", core.Options{}).Err())
}

func TestManyBackgroundActionsAgainstShutdown(t *testing.T) {
	t.Parallel()
	c := core.New()
	c.Action("wait", func(ctx context.Context, _ core.Options) core.Result { <-ctx.Done(); return core.Ok(nil) })
	var mu sync.Mutex
	var begun, ended int
	c.RegisterAction(func(_ *core.Core, m core.Message) core.Result {
		mu.Lock()
		defer mu.Unlock()
		switch m.(type) {
		case core.ActionTaskStarted:
			begun++
		case core.ActionTaskCompleted:
			ended++
		}
		return core.Ok(nil)
	})
	accepted := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				r := c.PerformAsync(t.Context(), "wait", core.Options{})
				if errors.Is(r.Err(), core.ErrShutdown) {
					return
				}
				mu.Lock()
				accepted++
				enough := accepted > 100
				mu.Unlock()
				if enough {
					assert.NoError(t, c.ServiceShutdown(t.Context()).Err())
				}
			}
		})
	}
	wg.Wait()
	assert.NoError(t, c.ServiceShutdown(t.Context()).Err())
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, accepted, begun)
	assert.Equal(t, accepted, ended)
}
