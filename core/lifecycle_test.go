package core_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// journal is what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// probe is a service whose hooks write to a journal.
type probe struct {
	name           string
	log            *journal
	onStart, onEnd func(context.Context) core.Result
}

func (p *probe) OnStartup(ctx context.Context) core.Result {
	p.log.add("start " + p.name)
	return call(ctx, p.onStart)
}

func (p *probe) OnShutdown(ctx context.Context) core.Result {
	p.log.add("stop " + p.name)
	return call(ctx, p.onEnd)
}

func call(ctx context.Context, f func(context.Context) core.Result) core.Result {
	if f == nil {
		return core.Ok(nil)
	}
	return f(ctx)
}

// stopper needs no start.
type stopper struct {
	name string
	log  *journal
}

func (s *stopper) OnShutdown(context.Context) core.Result {
	s.log.add("stop " + s.name)
	return core.Ok(nil)
}

func withProbes(log *journal, probes ...*probe) *core.Core {
	c := core.New()
	for _, p := range probes {
		p.log = log
		c.Service(p.name, p)
	}
	return c
}

func failing(err error) func(context.Context) core.Result {
	return func(context.Context) core.Result { return core.Fail(err) }
}

func TestServicesStartInOrderAndStopInReverse(t *testing.T) {
	t.Parallel()
	var log journal
	c := withProbes(&log, &probe{name: "a"}, &probe{name: "b"}, &probe{name: "c"})
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	require.NoError(t, c.ServiceStartup(t.Context()).Err(), "a second start starts nothing twice")
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	require.NoError(t, c.ServiceShutdown(t.Context()).Err(), "a second stop stops nothing twice")
	assert.Equal(t, []string{"start a", "start b", "start c", "stop c", "stop b", "stop a"}, log.all())
	assert.ErrorIs(t, c.ServiceStartup(t.Context()).Err(), core.ErrShutdown)
}

func TestAServiceThatFailsToStartStopsNoOtherAndIsNotStopped(t *testing.T) {
	t.Parallel()
	var log journal
	c := withProbes(&log, &probe{name: "a"}, &probe{name: "b", onStart: failing(io.EOF)},
		&probe{name: "c", onStart: func(context.Context) core.Result { panic("c") }}, &probe{name: "d"})
	err := c.ServiceStartup(t.Context()).Err()
	assert.ErrorIs(t, err, io.EOF)
	assert.ErrorContains(t, err, `OnStartup of service "b"`)
	var caught *core.PanicError
	require.ErrorAs(t, err, &caught)
	assert.Equal(t, `OnStartup of service "c"`, caught.Where)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.Equal(t, []string{"start a", "start b", "start c", "start d", "stop d", "stop a"}, log.all())
}

func TestShutdownGoesOnAfterFailuresAndJoinsThem(t *testing.T) {
	t.Parallel()
	var log journal
	c := withProbes(&log, &probe{name: "a", onEnd: failing(io.EOF)}, &probe{name: "b"},
		&probe{name: "c", onEnd: func(context.Context) core.Result { panic(io.ErrNoProgress) }})
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	err := c.ServiceShutdown(t.Context()).Err()
	assert.ErrorIs(t, err, io.EOF)
	assert.ErrorIs(t, err, io.ErrNoProgress)
	assert.Equal(t, []string{"stop c", "stop b", "stop a"}, log.all()[3:])
}

func TestAServiceThatNeedsNoStartIsAlwaysStopped(t *testing.T) {
	t.Parallel()
	var log journal
	c := withProbes(&log, &probe{name: "never started"})
	c.Service("s", &stopper{"s", &log})
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.Equal(t, []string{"stop s"}, log.all())
}

func TestAServiceRegisteredLateIsStartedByTheNextStartup(t *testing.T) {
	t.Parallel()
	var log journal
	c := withProbes(&log, &probe{name: "a"})
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	require.True(t, c.Service("b", &probe{name: "b", log: &log}).OK)
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.Equal(t, []string{"start a", "start b", "stop b", "stop a"}, log.all())
}

func TestStartupStopsStartingWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	var log journal
	ctx, cancel := context.WithCancelCause(t.Context())
	c := withProbes(&log, &probe{name: "a", onStart: func(context.Context) core.Result { cancel(io.ErrClosedPipe); return core.Ok(nil) }},
		&probe{name: "b"})
	err := c.ServiceStartup(ctx).Err()
	assert.ErrorIs(t, err, io.ErrClosedPipe)
	assert.ErrorContains(t, err, `service "b" was not started`)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.Equal(t, []string{"start a", "stop a"}, log.all())
}

func TestShutdownStopsEverythingEvenWhenItsContextHasEnded(t *testing.T) {
	t.Parallel()
	var log journal
	heed := func(ctx context.Context) core.Result { return core.Fail(ctx.Err()) }
	c := withProbes(&log, &probe{name: "a", onEnd: heed}, &probe{name: "b", onEnd: heed})
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, c.ServiceShutdown(ctx).Err(), context.Canceled)
	assert.Equal(t, []string{"stop b", "stop a"}, log.all()[2:])
}

func TestAHookThatHangsIsNamedAndLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log journal
		release := make(chan struct{})
		c := withProbes(&log, &probe{name: "a"}, &probe{name: "b", onEnd: func(context.Context) core.Result { <-release; return core.Ok(nil) }})
		require.NoError(t, c.ServiceStartup(t.Context()).Err())

		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := c.ServiceShutdown(ctx).Err()
		assert.ErrorContains(t, err, `OnShutdown of service "b" does not heed its ctx`)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute+time.Second, time.Since(begin))

		assert.ErrorContains(t, c.ServiceShutdown(ctx).Err(), `OnShutdown of service "b" is still under way`)

		close(release)
		require.NoError(t, c.ServiceShutdown(t.Context()).Err())
		assert.Equal(t, []string{"stop b", "stop a"}, log.all()[2:], "what was left behind goes on in its order")
	})
}

func TestABackgroundActionThatHangsIsNamedAtShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := core.New()
		release := make(chan struct{})
		c.Action("deaf", func(context.Context, core.Options) core.Result { <-release; return core.Ok(nil) })
		c.Action("slow", func(ctx context.Context, _ core.Options) core.Result {
			<-ctx.Done()
			time.Sleep(time.Second / 4) // of the fake clock: how long its end takes
			return core.Ok(nil)
		})
		id, err := core.Value[string](c.PerformAsync(t.Context(), "deaf", core.Options{}))
		require.NoError(t, err)
		require.True(t, c.PerformAsync(t.Context(), "slow", core.Options{}).OK)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = c.ServiceShutdown(ctx).Err()
		assert.ErrorContains(t, err, `background action "deaf", task `+id+` still runs`)
		assert.NotContains(t, err.Error(), "slow")
		close(release)
		assert.NoError(t, c.ServiceShutdown(t.Context()).Err())
	})
}

func TestAShutdownDuringStartupWaitsForIt(t *testing.T) {
	t.Parallel()
	var log journal
	entered, release := make(chan struct{}), make(chan struct{})
	c := withProbes(&log, &probe{name: "a", onStart: func(context.Context) core.Result {
		close(entered)
		<-release
		return core.Ok(nil)
	}})
	var wg sync.WaitGroup
	wg.Go(func() { assert.NoError(t, c.ServiceStartup(context.Background()).Err()) })
	<-entered
	wg.Go(func() { assert.NoError(t, c.ServiceShutdown(context.Background()).Err()) })
	close(release)
	wg.Wait()
	assert.Equal(t, []string{"start a", "stop a"}, log.all())
}

func TestAHookThatCallsTheLifecycleIsRefusedWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log journal
		var c *core.Core
		c = withProbes(&log, &probe{name: "a", onStart: func(ctx context.Context) core.Result { return c.ServiceShutdown(ctx) }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.ErrorContains(t, c.ServiceStartup(ctx).Err(), `OnStartup of service "a" is still under way`)
	})
}

func TestStartupRefusesWhileAnOptionHasFailed(t *testing.T) {
	t.Parallel()
	var log journal
	broken := errors.New("broken")
	c := core.New(
		func(*core.Core) core.Result { return core.Fail(broken) },
		func(*core.Core) core.Result { panic(io.ErrNoProgress) },
		nil,
		core.WithService(nil),
		core.WithService(func(*core.Core) core.Result { panic("factory") }),
		core.WithName("fine", func(*core.Core) core.Result { return core.Ok(&probe{name: "fine", log: &log}) }),
	)
	assert.ErrorIs(t, c.Err(), broken)
	assert.ErrorIs(t, c.Err(), io.ErrNoProgress)
	assert.ErrorContains(t, c.Err(), "the factory is nil")
	assert.ErrorContains(t, c.Err(), "panicked: factory")
	assert.Equal(t, []string{"fine"}, c.Services(), "the others are applied")

	assert.ErrorIs(t, c.ServiceStartup(t.Context()).Err(), broken)
	assert.Empty(t, log.all())
	assert.NoError(t, c.ServiceShutdown(t.Context()).Err())
}
