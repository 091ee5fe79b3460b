package supervise_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/supervise"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// diary is what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
	began time.Time
	times []time.Duration
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines, d.times = append(d.lines, line), append(d.times, time.Since(d.began))
}

func (d *diary) index(line string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Index(d.lines, line)
}

// when tells how long after the beginning each line like this was noted.
func (d *diary) when(line string) (at []time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, l := range d.lines {
		if l == line {
			at = append(at, d.times[i])
		}
	}
	return at
}

// play is a service of programs that note their beginning and end: "serve" ends
// when it is asked to, "fail" after a second and with 1, "finish" after a second.
func play(t *testing.T) (*process.Service, *diary) {
	d := &diary{began: time.Now()}
	noted := func(program processtest.Program) processtest.Program {
		return func(p *processtest.Process) int {
			d.note("start " + p.Args[0])
			defer d.note("end " + p.Args[0])
			return program(p)
		}
	}
	after := func(wait time.Duration, code int) processtest.Program {
		return func(p *processtest.Process) int {
			select {
			case <-time.After(wait):
				return code
			case <-p.Signals:
				return 0
			case <-p.Context.Done():
				return 137
			}
		}
	}
	s := process.New(processtest.Strict(t, processtest.Fake{
		"serve":  noted(after(1000*time.Hour, 0)),
		"fail":   noted(after(time.Second, 1)),
		"finish": noted(after(time.Second, 0)),
	}))
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) })
	return s, d
}

func unit(name, command string, after ...string) supervise.Unit {
	return supervise.Unit{Name: name, After: after, Spec: process.Spec{Command: command, Args: []string{name}}}
}

// run runs the units until stop is called, which returns what Run did.
func run(t *testing.T, s *process.Service, units supervise.Group, opts ...supervise.Option) (v *supervise.Supervisor, stop func() error) {
	t.Helper()
	v, err := supervise.New(s, units, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	return v, func() error {
		cancel()
		return <-ended
	}
}

func states(v *supervise.Supervisor) (all []supervise.State) {
	for _, s := range v.Status() {
		all = append(all, s.State)
	}
	return all
}

func TestUnitsStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		noted := func(name string) supervise.Unit {
			u := unit(name, "serve")
			u.Ready.Probe = func(context.Context) error { time.Sleep(time.Millisecond); return nil }
			return u
		}
		v, stop := run(t, s, supervise.Sequential(noted("a"), supervise.Parallel(noted("b"), noted("c")), noted("d")))
		require.NoError(t, v.Await(t.Context()))
		synctest.Wait()
		assert.Equal(t, []supervise.State{"up", "up", "up", "up"}, states(v))
		require.NoError(t, stop())
		assert.Equal(t, []supervise.State{"stopped", "stopped", "stopped", "stopped"}, states(v))
		for _, pair := range [][2]string{
			{"start a", "start b"}, {"start a", "start c"}, {"start b", "start d"}, {"start c", "start d"},
			{"end d", "end b"}, {"end d", "end c"}, {"end b", "end a"}, {"end c", "end a"},
		} {
			assert.Less(t, d.index(pair[0]), d.index(pair[1]), pair)
		}
	})
}

func TestWhatComesAfterWaitsUntilAUnitIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		slow := unit("slow", "serve")
		slow.Ready = supervise.Readiness{Every: time.Second, Probe: func(context.Context) error {
			if time.Since(d.began) < 10*time.Second {
				return errors.New("not yet")
			}
			return nil
		}}
		v, stop := run(t, s, supervise.Sequential(slow, unit("next", "serve")))
		require.NoError(t, v.Await(t.Context()))
		synctest.Wait()
		assert.Equal(t, []time.Duration{10 * time.Second}, d.when("start next"))
		require.NoError(t, stop())
	})
}

func TestAUnitThatIsNotReadyInTimeIsKilledAndHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		mute := unit("mute", "serve")
		mute.Ready = supervise.Readiness{
			Patience: 3 * time.Second, Each: time.Second,
			Probe: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		}
		v, stop := run(t, s, supervise.Sequential(mute, unit("next", "serve")))
		err := v.Await(t.Context())
		require.ErrorIs(t, err, supervise.ErrNotReady)
		assert.ErrorIs(t, err, context.DeadlineExceeded, "what the probe said")
		synctest.Wait()
		err = stop()
		assert.ErrorIs(t, err, supervise.ErrNotReady)
		assert.ErrorIs(t, err, supervise.ErrNeeds, "of the other")
		assert.Equal(t, []supervise.State{"failed", "failed"}, states(v))
		assert.Empty(t, d.when("start next"))
		assert.Len(t, d.when("end mute"), 1)
	})
}

func TestAUnitThatEndsBeforeItIsReadyHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := play(t)
		u := unit("brief", "finish")
		u.Ready.Probe = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		v, _ := run(t, s, supervise.Group{u})
		assert.ErrorIs(t, v.Await(t.Context()), supervise.ErrNotReady)
	})
}

func TestAOneshotIsUpWhenItIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		migrate := unit("migrate", "finish")
		migrate.Oneshot, migrate.Restart.When = true, supervise.Always
		v, stop := run(t, s, supervise.Sequential(migrate, unit("api", "serve")))
		require.NoError(t, v.Await(t.Context()))
		synctest.Wait()
		assert.Equal(t, []time.Duration{time.Second}, d.when("start api"))
		assert.Equal(t, []supervise.State{"done", "up"}, states(v))
		require.NoError(t, stop())
		assert.Len(t, d.when("start migrate"), 1)
	})
}

func TestRestartsArePausedForTwiceAsLongUpToACeilingAndAreNotEndless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		u := unit("u", "fail")
		u.Restart = supervise.Restart{When: supervise.OnFailure, Delay: 10 * time.Second, MaxDelay: 35 * time.Second, Attempts: 4}
		v, err := supervise.New(s, supervise.Group{u})
		require.NoError(t, err)
		err = v.Run(t.Context())
		exit, ok := errors.AsType[*process.ExitError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 1, exit.Exit.Code)
		assert.ErrorContains(t, err, "gave up after 4 restarts")
		var pauses []time.Duration
		starts := d.when("start u")
		for i := range starts[1:] {
			pauses = append(pauses, starts[i+1]-starts[i]-time.Second)
		}
		assert.Equal(t, []time.Duration{10 * time.Second, 20 * time.Second, 35 * time.Second, 35 * time.Second}, pauses)
		assert.Equal(t, 4, v.Status()[0].Restarts)
	})
}

func TestALongRunBeginsANewRowOfRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		u := unit("u", "fail") // which takes a second
		u.Restart = supervise.Restart{When: supervise.Always, Delay: time.Second / 4, MaxDelay: time.Second, Attempts: 1}
		_, stop := run(t, s, supervise.Group{u})
		time.Sleep(99 * time.Second)
		require.NoError(t, stop())
		assert.Len(t, d.when("start u"), 80, "always the first of its row")
	})
}

func TestPoliciesSayWhichEndsAreFollowedByARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			command string
			when    supervise.When
			starts  int
			state   supervise.State
		}{
			{"finish", supervise.Never, 1, supervise.Done},
			{"finish", supervise.OnFailure, 1, supervise.Done},
			{"finish", supervise.Always, 3, supervise.Failed},
			{"fail", supervise.Never, 1, supervise.Failed},
			{"fail", supervise.OnFailure, 3, supervise.Failed},
			{"absent", supervise.OnFailure, 0, supervise.Failed},
		} {
			s, d := play(t)
			u := unit("u", test.command)
			u.Restart = supervise.Restart{When: test.when, Attempts: 2}
			v, err := supervise.New(s, supervise.Group{u})
			require.NoError(t, err)
			v.Run(t.Context())
			assert.Len(t, d.when("start u"), test.starts, "%+v", test)
			assert.Equal(t, test.state, v.Status()[0].State, "%+v", test)
		}
	})
}

func TestAUnitThatIsNotHealthyIsKilledAndRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		ill := func(at time.Duration) bool {
			return at == 2*time.Second || at >= 5*time.Second && at <= 7*time.Second
		}
		u := unit("u", "serve")
		u.Restart.When = supervise.OnFailure
		u.Health = supervise.Health{Every: time.Second, Failures: 3, Probe: func(context.Context) error {
			if ill(time.Since(d.began)) {
				return errors.New("ill")
			}
			return nil
		}}
		v, stop := run(t, s, supervise.Group{u})
		time.Sleep(20 * time.Second)
		assert.Equal(t, []time.Duration{7 * time.Second}, d.when("end u"), "one failure is none")
		assert.Equal(t, []time.Duration{0, 7*time.Second + 100*time.Millisecond}, d.when("start u"))
		assert.Equal(t, 1, v.Status()[0].Restarts)
		require.NoError(t, stop())
	})
}

func TestStoppingDuringThePauseBeforeARestartTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		u := unit("u", "fail")
		u.Restart = supervise.Restart{When: supervise.Always, Delay: time.Hour, MaxDelay: time.Hour}
		v, stop := run(t, s, supervise.Sequential(u, unit("next", "serve")))
		time.Sleep(2 * time.Second)
		assert.Equal(t, supervise.Backoff, v.Status()[0].State)
		require.NoError(t, stop())
		assert.Equal(t, 2*time.Second, time.Since(d.began))
	})
}

func TestAUnitThatCanNeverStartIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := play(t)
		u := unit("u", "serve")
		u.Spec.Env, u.Restart.When = []string{"nonsense"}, supervise.Always
		v, err := supervise.New(s, supervise.Group{u})
		require.NoError(t, err)
		assert.ErrorIs(t, v.Run(t.Context()), process.ErrInvalid)
		assert.Zero(t, v.Status()[0].Restarts)
		assert.Error(t, v.Run(t.Context()), "a second time")
	})
}

func TestLeaveRunningStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		v, stop := run(t, s, supervise.Sequential(unit("a", "serve"), unit("b", "serve")), supervise.LeaveRunning())
		require.NoError(t, v.Await(t.Context()))
		require.NoError(t, stop())
		assert.Equal(t, []supervise.State{"left", "left"}, states(v))
		require.NoError(t, s.Shutdown(t.Context()))
		assert.Empty(t, d.when("end a"))
		for _, info := range s.List() {
			h, _ := s.Get(info.ID)
			require.NoError(t, h.Kill(t.Context()))
		}
	})
}

// In whatever order failures, restarts and the stop come, Run ends and nothing runs
// on.
func TestWheneverItIsStoppedNothingRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for at := range 60 {
			s, _ := play(t)
			migrate, flaky := unit("migrate", "finish"), unit("flaky", "fail", "migrate")
			migrate.Oneshot = true
			flaky.Restart = supervise.Restart{When: supervise.Always, Attempts: 3}
			flaky.Ready.Probe = func(ctx context.Context) error { return nil }
			_, stop := run(t, s, supervise.Sequential(
				supervise.Parallel(migrate, unit("serve", "serve")), flaky, unit("last", "serve"),
			))
			time.Sleep(time.Duration(at) * 100 * time.Millisecond)
			stop()
			for _, info := range s.List() {
				assert.True(t, info.Status.Ended(), "stopped after %d00 ms: %+v", at, info)
			}
		}
	})
}

func TestACoreStartsAndStopsItsUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := play(t)
		start := func(units supervise.Group) (*core.Core, error) {
			c := core.New(
				core.WithService(func(c *core.Core) core.Result { return c.Service(process.ServiceName, s) }),
				core.WithService(supervise.Register(units)),
			)
			return c, c.ServiceStartup(t.Context()).Err()
		}
		c, err := start(supervise.Sequential(unit("a", "serve"), unit("b", "serve")))
		require.NoError(t, err)
		v, ok := core.ServiceFor[*supervise.Supervisor](c, supervise.ServiceName)
		require.True(t, ok)
		assert.Equal(t, []supervise.State{"up", "up"}, states(v))
		_, err = start(supervise.Sequential(unit("c", "serve"), unit("d", "absent"), unit("e", "serve")))
		require.ErrorIs(t, err, process.ErrNotFound)
		assert.Len(t, d.when("end c"), 1, "what had started was stopped")
		require.NoError(t, c.ServiceShutdown(t.Context()).Err())
		assert.Less(t, d.index("end b"), d.index("end a"))
	})
}
