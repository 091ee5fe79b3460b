package process_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// coreWith makes a started Core whose processes are played by exec.
func coreWith(t *testing.T, exec process.Executor, opts ...process.Option) *core.Core {
	t.Helper()
	c := core.New(core.WithService(func(c *core.Core) core.Result {
		return process.Register(c, exec, opts...)
	}))
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	t.Cleanup(func() { require.NoError(t, c.ServiceShutdown(context.Background()).Err()) })
	return c
}

func do(t *testing.T, c *core.Core, action string, options ...core.Option) core.Result {
	t.Helper()
	return c.Action(action).Run(t.Context(), core.NewOptions(options...))
}

func opt(key string, value any) core.Option { return core.Option{Key: key, Value: value} }

func value[T any](t *testing.T, r core.Result) T {
	t.Helper()
	v, err := core.Value[T](r)
	require.NoError(t, err)
	return v
}

func TestRegisterAnswersTheServiceUnderItsName(t *testing.T) {
	t.Parallel()
	c := coreWith(t, programs)
	s, ok := core.ServiceFor[*process.Service](c, "process")
	require.True(t, ok)
	require.Same(t, s, process.For(c))
	require.Subset(t, c.Actions(), []string{
		"process.run", "process.start", "process.kill", "process.list", "process.get",
		"process.wait", "process.signal", "process.output", "process.input", "process.resize",
	})
	require.Error(t, process.Register(c, programs).Err(), "there is one already")
}

func TestACoreWithoutAProcessServiceRefusesEverything(t *testing.T) {
	t.Parallel()
	s := process.For(core.New())
	_, startErr := s.Start(t.Context(), process.Spec{Command: "true"})
	_, runErr := s.Run(t.Context(), process.Spec{Command: "true"})
	for _, err := range []error{startErr, runErr, s.Shutdown(t.Context())} {
		var missing *core.NotRegisteredError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, "process", missing.Name)
		require.NotEmpty(t, missing.Fix)
	}
	require.Empty(t, s.List())
	_, ok := s.Get("x")
	require.False(t, ok)
}

func TestTheZeroServiceStartsNothing(t *testing.T) {
	t.Parallel()
	for _, s := range []*process.Service{{}, process.New(nil)} {
		_, err := s.Start(t.Context(), process.Spec{Command: "true"})
		require.ErrorContains(t, err, "no executor")
	}
}

func TestRunAnswersTheMergedOutput(t *testing.T) {
	t.Parallel()
	c := coreWith(t, processtest.Fake{"talk": func(p *processtest.Process) int {
		io.WriteString(p.Stdout, "a\r")
		io.WriteString(p.Stderr, "b\x00")
		io.WriteString(p.Stdout, "c\xff")
		return 0
	}})
	require.Equal(t, "a\rb\x00c\xff", value[string](t, c.Process().Run(t.Context(), "talk")))
}

// stderr and exit code dropped on failure.
func TestRunThatFailsTellsAll(t *testing.T) {
	t.Parallel()
	r := coreWith(t, programs).Process().Run(t.Context(), "say", "out ", "!err")
	var exit *process.ExitError
	require.ErrorAs(t, core.E("agent.Work", "could not", r.Err()), &exit)
	require.Equal(t, 3, exit.Exit.Code)
	require.Equal(t, "out err", string(exit.Stdout))
}

// Silent truncation.
func TestRunFailsRatherThanLeaveOutTheMiddle(t *testing.T) {
	t.Parallel()
	c := coreWith(t, processtest.Fake{"big": func(p *processtest.Process) int {
		p.Stdout.Write(make([]byte, process.DefaultCapture+1))
		return 0
	}})
	r := c.Process().Run(t.Context(), "big")
	var exit *process.ExitError
	require.ErrorAs(t, r.Err(), &exit)
	require.Equal(t, int64(1), exit.Truncated)
	var limit *process.LimitError
	require.ErrorAs(t, r.Err(), &limit)
}

func TestRunTakesEveryKindOfInput(t *testing.T) {
	t.Parallel()
	c := coreWith(t, programs)
	for _, in := range []any{"text", []byte("text"), strings.NewReader("text")} {
		r := do(t, c, "process.run", opt("command", "cat"), opt("stdin", in))
		require.Equal(t, "text", value[string](t, r))
	}
	require.Empty(t, value[string](t, do(t, c, "process.run", opt("command", "cat"), opt("stdin", false))))
}

func TestOptionsReachTheBackend(t *testing.T) {
	t.Parallel()
	var seen process.Spec
	c := coreWith(t, processtest.Fake{"look": func(p *processtest.Process) int {
		seen = p.Spec
		return 0
	}})
	mounts := []process.Mount{{Source: "a", Target: "/b", ReadOnly: true}}
	limits := process.Limits{Memory: 1, Output: 2, Descriptors: 3, Written: 4, Created: 5, FileSize: 6, Depth: 7, PathLength: 8, Processes: 9, Fuel: 10}
	value[string](t, do(t, c, "process.run",
		opt("command", "look"), opt("args", []string{"x"}), opt("dir", "d"), opt("env", []string{"K=V"}),
		opt("timeout", "30s"), opt("gracePeriod", time.Second), opt("limits", limits), opt("mounts", mounts)))
	require.Equal(t, []string{"x"}, seen.Args)
	require.Equal(t, "d", seen.Dir)
	require.Equal(t, []string{"K=V"}, seen.Env)
	require.Equal(t, 30*time.Second, seen.Timeout)
	require.Equal(t, time.Second, seen.GracePeriod)
	require.Equal(t, limits, seen.Limits)
	require.Equal(t, mounts, seen.Mounts)
	require.True(t, seen.Merge)
}

// An integer timeout meaning nanoseconds, and its like.
func TestOptionsOfTheWrongKindAreRefusedWithTheFix(t *testing.T) {
	t.Parallel()
	c := coreWith(t, programs)
	for _, k := range []struct {
		action  string
		culprit string
		options []core.Option
	}{
		{"process.run", "command", nil},
		{"process.run", "command", []core.Option{opt("command", 1)}},
		{"process.run", "timeout", []core.Option{opt("command", "true"), opt("timeout", 30)}},
		{"process.run", "timeout", []core.Option{opt("command", "true"), opt("timeout", "30")}},
		{"process.run", "gracePeriod", []core.Option{opt("command", "true"), opt("gracePeriod", 5)}},
		{"process.run", "args", []core.Option{opt("command", "true"), opt("args", "-l")}},
		{"process.run", "env", []core.Option{opt("command", "true"), opt("env", map[string]string{})}},
		{"process.run", "stdin", []core.Option{opt("command", "true"), opt("stdin", true)}},
		{"process.run", "stdin", []core.Option{opt("command", "true"), opt("stdin", 7)}},
		{"process.run", "limits", []core.Option{opt("command", "true"), opt("limits", 7)}},
		{"process.run", "mounts", []core.Option{opt("command", "true"), opt("mounts", process.Mount{})}},
		{"process.run", "detach", []core.Option{opt("command", "true"), opt("detach", true)}},
		{"process.run", "tmeout", []core.Option{opt("command", "true"), opt("tmeout", "1s")}},
		{"process.start", "detach", []core.Option{opt("command", "true"), opt("detach", "yes")}},
		{"process.kill", "id", nil},
		{"process.kill", "id", []core.Option{opt("id", "x"), opt("pid", 1)}},
		{"process.kill", "pid", []core.Option{opt("pid", "1")}},
		{"process.kill", "signal", []core.Option{opt("id", "x"), opt("signal", "SIGFOO")}},
		{"process.list", "runningOnly", []core.Option{opt("runningOnly", 1)}},
		{"process.get", "id", nil},
		{"process.input", "data", []core.Option{opt("id", "x"), opt("data", 1)}},
		{"process.resize", "cols", []core.Option{opt("id", "x"), opt("rows", 1)}},
		{"process.resize", "rows", []core.Option{opt("id", "x"), opt("rows", "1"), opt("cols", 1)}},
	} {
		r := do(t, c, k.action, k.options...)
		var wrong *core.SchemaError
		require.ErrorAs(t, r.Err(), &wrong, "%s %v", k.action, k.options)
		require.Equal(t, k.culprit, wrong.Key)
		require.NotEmpty(t, wrong.Fix)
	}
	require.Empty(t, process.For(c).List())
}

func TestUnknownProcessesAreTypedErrors(t *testing.T) {
	t.Parallel()
	c := coreWith(t, programs)
	for _, action := range []string{"get", "wait", "output", "input", "kill"} {
		var unknown *process.UnknownError
		require.ErrorAs(t, do(t, c, "process."+action, opt("id", "nosuch")).Err(), &unknown, action)
		require.Equal(t, "nosuch", unknown.ID)
	}
	var unknown *process.UnknownError
	require.ErrorAs(t, do(t, c, "process.signal", opt("id", "nosuch"), opt("signal", "SIGHUP")).Err(), &unknown)
}

// Signalling a raw pid.
func TestKillByPIDOnlyKnowsWhatRunsHere(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	ends := starts(nil, nil)
	ends.start = func(ctx context.Context, _ process.Spec) (process.Instance, error) {
		return instance{
			pid:    4242,
			wait:   func() (process.Exit, error) { close(started); <-ctx.Done(); return process.Exit{}, nil },
			signal: func(process.Signal) error { return nil },
		}, nil
	}
	c := coreWith(t, ends)
	id := value[string](t, do(t, c, "process.start", opt("command", "x")))
	<-started
	for _, pid := range []int{os.Getpid(), 0, -1, 1} {
		var unknown *process.UnknownError
		require.ErrorAs(t, do(t, c, "process.kill", opt("pid", pid)).Err(), &unknown)
		require.Equal(t, pid, unknown.PID)
	}
	require.NoError(t, do(t, c, "process.kill", opt("pid", 4242), opt("gracePeriod", "0s")).Err())
	require.Equal(t, process.Killed, value[process.Info](t, do(t, c, "process.get", opt("id", id))).Status)
	require.Error(t, do(t, c, "process.kill", opt("pid", 4242)).Err(), "the number may be another's by now")
}

func TestAProcessFromStartToEndByActions(t *testing.T) {
	t.Parallel()
	c := coreWith(t, programs)
	id := value[string](t, do(t, c, "process.start", opt("command", "cat"), opt("stdin", true)))
	require.Equal(t, []string{id}, value[[]string](t, do(t, c, "process.list", opt("runningOnly", true))))
	require.NoError(t, do(t, c, "process.input", opt("id", id), opt("data", "one ")).Err())
	require.NoError(t, do(t, c, "process.input", opt("id", id), opt("data", []byte("two")), opt("close", true)).Err())
	require.Equal(t, process.Exit{Usage: process.Usage{Output: 7}}, value[process.Exit](t, do(t, c, "process.wait", opt("id", id))))
	require.Equal(t, "one two", string(value[process.Output](t, do(t, c, "process.output", opt("id", id))).Stdout))
	require.Equal(t, []string{}, value[[]string](t, do(t, c, "process.list", opt("runningOnly", true))))
	require.Equal(t, []string{id}, value[[]string](t, do(t, c, "process.list")))
	require.Equal(t, process.Exited, value[process.Info](t, do(t, c, "process.get", opt("id", id))).Status)
	require.ErrorIs(t, do(t, c, "process.input", opt("id", id), opt("data", "late")).Err(), io.ErrClosedPipe)
	require.ErrorIs(t, do(t, c, "process.signal", opt("id", id), opt("signal", "SIGHUP")).Err(), os.ErrProcessDone)
	require.NoError(t, do(t, c, "process.kill", opt("id", id)).Err(), "killing the dead")
}

func TestInputOfAProcessThatDidNotOpenItSaysSo(t *testing.T) {
	t.Parallel()
	c := coreWith(t, programs)
	id := value[string](t, do(t, c, "process.start", opt("command", "true")))
	require.ErrorIs(t, do(t, c, "process.input", opt("id", id), opt("data", "x")).Err(), process.ErrInvalid)
}

func TestKillAsksWithTheSignalAndGraceItIsGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := coreWith(t, programs)
		id := value[string](t, do(t, c, "process.start", opt("command", "stubborn")))
		began := time.Now()
		require.NoError(t, do(t, c, "process.kill", opt("id", id), opt("signal", "SIGINT"), opt("gracePeriod", "2s")).Err())
		require.Equal(t, 2*time.Second, time.Since(began))
		require.Equal(t, "SIGINT ", string(value[process.Output](t, do(t, c, "process.output", opt("id", id))).Stdout))
	})
}

func TestALaterKillCanShortenTheGraceAndNotExtendIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := coreWith(t, programs)
		id := value[string](t, do(t, c, "process.start", opt("command", "stubborn")))
		began := time.Now()
		var kills sync.WaitGroup
		for _, grace := range []string{"1m", "3s", "1h"} {
			kills.Go(func() {
				require.NoError(t, do(t, c, "process.kill", opt("id", id), opt("gracePeriod", grace)).Err())
			})
			synctest.Wait()
		}
		kills.Wait()
		require.Equal(t, 3*time.Second, time.Since(began))
		require.Equal(t, "SIGTERM ", string(value[process.Output](t, do(t, c, "process.output", opt("id", id))).Stdout))
	})
}

func TestEventsAreBroadcastOnTheCore(t *testing.T) {
	t.Parallel()
	var own recorder
	c := core.New(core.WithService(func(c *core.Core) core.Result {
		return process.Register(c, programs, process.WithEvents(own.take))
	}))
	var mu sync.Mutex
	var heard []process.Event
	c.RegisterAction(func(_ *core.Core, m core.Message) core.Result {
		if e, ok := m.(process.Event); ok {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, e)
		}
		return core.Ok(nil)
	})
	require.NoError(t, c.Process().Run(t.Context(), "true").Err())
	require.NoError(t, c.ServiceShutdown(t.Context()).Err(), "which delivers the last ones")
	require.Len(t, heard, 2)
	require.IsType(t, process.ExitedEvent{}, heard[1])
	require.Equal(t, own.events, heard)
}

func TestACoresShutdownStopsItsProcessesThoughItNeverStarted(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(func(c *core.Core) core.Result { return process.Register(c, programs) }))
	h := start(t, process.For(c), process.Spec{Command: "stubborn", GracePeriod: -1})
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	require.Equal(t, process.Killed, h.Info().Status)
	require.ErrorIs(t, c.Process().Run(t.Context(), "true").Err(), process.ErrShutdown)
}

func TestALongInputStaysExact(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789\n"), 100_000)
	r := do(t, coreWith(t, programs), "process.run", opt("command", "cat"), opt("stdin", want))
	require.Equal(t, string(want), value[string](t, r))
}
