package process_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// executor is an Executor made of functions.
type executor struct {
	start func(context.Context, process.Spec) (process.Instance, error)
	close func() error
}

func (e executor) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	return e.start(ctx, s)
}

func (e executor) Close() error {
	if e.close == nil {
		return nil
	}
	return e.close()
}

type instance struct {
	wait   func() (process.Exit, error)
	signal func(process.Signal) error
	pid    int
}

func (i instance) Wait() (process.Exit, error)     { return i.wait() }
func (i instance) Signal(sig process.Signal) error { return i.signal(sig) }
func (i instance) PID() int                        { return i.pid }
func starts(i process.Instance, err error) executor {
	return executor{start: func(context.Context, process.Spec) (process.Instance, error) { return i, err }}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := process.New(programs)
		h := start(t, s, process.Spec{Command: "polite", Args: []string{"a"}, Dir: "d"})
		time.Sleep(time.Second)
		want := process.Info{
			ID: h.ID(), Command: "polite", Args: []string{"a"}, Dir: "d", Status: process.Running,
			ExitCode: -1, StartedAt: began, Duration: time.Second, Backend: "fake",
		}
		require.Equal(t, want, h.Info())
		require.NoError(t, h.Kill(t.Context()))
		time.Sleep(time.Hour)
		want.Status, want.ExitCode, want.Duration = process.Killed, 137, 2*time.Second
		want.Usage.Output = int64(len("SIGTERM"))
		require.Equal(t, want, h.Info())
		require.Equal(t, []process.Info{want}, s.List())
	})
}

func TestInfoTellsTheBackendsPID(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(starts(instance{
		wait: func() (process.Exit, error) { return process.Exit{}, nil }, pid: 42,
	}, nil)), process.Spec{Command: "x"})
	require.Equal(t, 42, h.Info().PID)
	exitOf(t, h)
}

func TestStateFollowsTheExit(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		exit  process.Exit
		err   error
		state process.State
		code  int
	}{
		"success":         {process.Exit{}, nil, process.Exited, 0},
		"failure":         {process.Exit{Code: -1}, nil, process.Exited, -1},
		"a signal":        {process.Exit{Code: 139, Signal: "SIGSEGV"}, nil, process.Killed, 139},
		"a trap":          {process.Exit{Code: 134, Reason: &process.TrapError{Trap: "unreachable"}}, nil, process.Failed, 134},
		"a memory limit":  {process.Exit{Code: 137, Reason: &process.LimitError{Limit: "memory"}}, nil, process.Killed, 137},
		"backend failure": {process.Exit{}, broken, process.Failed, 125},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.New(starts(instance{wait: func() (process.Exit, error) { return c.exit, c.err }}, nil))
			h := start(t, s, process.Spec{Command: "x"})
			exit, err := h.Wait(t.Context())
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.code, exit.Code)
			require.Equal(t, c.state, h.Info().Status)
			_, err = s.Run(t.Context(), process.Spec{Command: "x"})
			require.Equal(t, c.code, process.ExitCode(err))
			if c.exit.Reason != nil {
				require.ErrorIs(t, err, c.exit.Reason)
			}
		})
	}
}

func TestAStartThatFailsIsRememberedAsFailed(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	_, err := s.Run(t.Context(), process.Spec{Command: "nosuch"})
	require.ErrorIs(t, err, process.ErrNotFound)
	require.Equal(t, 127, process.ExitCode(err))
	info := s.List()[0]
	require.Equal(t, process.Failed, info.Status)
	require.Equal(t, 127, info.ExitCode)
	h, ok := s.Get(info.ID)
	require.True(t, ok)
	exit, waitErr := h.Wait(t.Context())
	require.Equal(t, err, waitErr)
	require.Equal(t, 127, exit.Code)
}

func TestExitCodeOfAnError(t *testing.T) {
	t.Parallel()
	for want, err := range map[int]error{
		0:   nil,
		7:   fmt.Errorf("wrapped: %w", &process.ExitError{Exit: process.Exit{Code: 7}}),
		124: &process.ExitError{Exit: process.Exit{Code: 124, Reason: process.ErrTimeout}},
		125: errors.New("anything"),
		126: &process.DeniedError{Op: "open"},
		127: &process.SpecError{Err: process.ErrNotFound},
	} {
		require.Equal(t, want, process.ExitCode(err))
	}
	require.Equal(t, 126, process.ExitCode(&process.SpecError{Err: process.ErrNotExecutable}))
}

func TestPanicsOfAnExecutorBecomeErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	panics := func() { panic(broken) }
	for name, exec := range map[string]executor{
		"in Start": {start: func(context.Context, process.Spec) (process.Instance, error) { panics(); return nil, nil }},
		"in Wait":  starts(instance{wait: func() (process.Exit, error) { panics(); return process.Exit{}, nil }}, nil),
		"in Signal": {start: func(ctx context.Context, _ process.Spec) (process.Instance, error) {
			return instance{
				wait:   func() (process.Exit, error) { <-ctx.Done(); return process.Exit{}, broken },
				signal: func(process.Signal) error { panics(); return nil },
			}, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.New(exec)
			h, err := s.Start(t.Context(), process.Spec{Command: "x"})
			if err == nil && name == "in Signal" {
				require.ErrorIs(t, h.Signal(process.SIGHUP), broken)
				require.NoError(t, h.Kill(t.Context()), "it cannot be asked, so it is killed")
			}
			if err == nil {
				_, err = h.Wait(t.Context())
			}
			require.ErrorIs(t, err, broken)
			require.NoError(t, s.Shutdown(t.Context()))
		})
	}
}

func TestNoInstanceIsAnError(t *testing.T) {
	t.Parallel()
	_, err := process.New(starts(nil, nil)).Start(t.Context(), process.Spec{Command: "x"})
	require.ErrorContains(t, err, "no instance")
}

// A buffer per process kept for ever.
func TestHistoryIsBoundedAndNeverDropsWhatRuns(t *testing.T) {
	t.Parallel()
	s := process.New(programs, process.WithHistory(3))
	running := start(t, s, process.Spec{Command: "cat", OpenStdin: true})
	for range 10 {
		_, err := s.Run(t.Context(), process.Spec{Command: "true"})
		require.NoError(t, err)
	}
	require.Len(t, s.List(), 4)
	require.Equal(t, running.ID(), s.List()[0].ID)
	require.NoError(t, running.Stdin().Close())
	exitOf(t, running)
	require.Len(t, s.List(), 3)
}

func TestAHistoryOfNoneForgetsAtOnce(t *testing.T) {
	t.Parallel()
	s := process.New(programs, process.WithHistory(0))
	h := start(t, s, process.Spec{Command: "say", Args: []string{"x"}})
	exitOf(t, h)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Empty(t, s.List())
	require.Equal(t, "x", stdoutOf(h), "whoever holds the handle still has it")
}

// Shutdown that awaits nothing, kills detached processes, accepts new starts.
func TestShutdownStopsEverythingAtOnceAndAwaitsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Int32
		s := process.New(executor{start: programs.Start, close: func() error { closed.Add(1); return nil }})
		var all []*process.Handle
		for range 5 {
			all = append(all, start(t, s, process.Spec{Command: "polite"}))
		}
		stubborn := start(t, s, process.Spec{Command: "stubborn", GracePeriod: 3 * time.Second})
		detached := start(t, s, process.Spec{Command: "stubborn", Detach: true})

		began := time.Now()
		time.AfterFunc(time.Second/2, func() {
			_, err := s.Start(context.Background(), process.Spec{Command: "true"})
			require.ErrorIs(t, err, process.ErrShutdown)
		})
		require.NoError(t, s.Shutdown(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(began), "the longest, not the sum")
		for _, h := range append(all, stubborn) {
			require.Equal(t, process.Killed, h.Info().Status)
			exit := exitOf(t, h)
			require.ErrorIs(t, exit.Reason, process.ErrKilled)
			require.ErrorIs(t, exit.Reason, process.ErrShutdown)
		}
		require.Equal(t, "SIGTERM", stdoutOf(all[0]))
		require.Equal(t, process.Running, detached.Info().Status)
		require.Zero(t, closed.Load(), "the detached one still needs it")

		require.NoError(t, detached.Kill(t.Context()))
		synctest.Wait()
		require.Equal(t, int32(1), closed.Load())
		require.NoError(t, s.Shutdown(t.Context()), "again")
		require.Equal(t, int32(1), closed.Load())
	})
}

func TestShutdownKillsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := process.New(programs)
		h := start(t, s, process.Spec{Command: "stubborn", GracePeriod: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.NoError(t, s.Shutdown(ctx))
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, 137, exitOf(t, h).Code)
	})
}

func TestShutdownNamesWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		s := process.New(starts(instance{
			wait:   func() (process.Exit, error) { <-stuck; return process.Exit{}, nil },
			signal: func(process.Signal) error { return nil },
		}, nil))
		one := start(t, s, process.Spec{Command: "first"})
		two := start(t, s, process.Spec{Command: "second"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.Shutdown(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, one.ID())
		require.ErrorContains(t, err, two.ID())
		close(stuck)
		exitOf(t, one)
		exitOf(t, two)
	})
}

func TestShutdownReportsBackendFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost, broken := errors.New("lost it"), errors.New("broken")
		s := process.New(executor{
			start: func(ctx context.Context, _ process.Spec) (process.Instance, error) {
				return instance{
					wait:   func() (process.Exit, error) { <-ctx.Done(); return process.Exit{}, lost },
					signal: func(process.Signal) error { return errors.ErrUnsupported },
				}, nil
			},
			close: func() error { return broken },
		})
		start(t, s, process.Spec{Command: "x"})
		err := s.Shutdown(t.Context())
		require.ErrorIs(t, err, lost)
		require.ErrorIs(t, err, broken)
	})
}

func TestShutdownEndsAStartThatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := process.New(executor{start: func(ctx context.Context, _ process.Spec) (process.Instance, error) {
			<-ctx.Done() // a long compilation
			return nil, ctx.Err()
		}})
		result := make(chan error)
		go func() {
			_, err := s.Start(context.Background(), process.Spec{Command: "x"})
			result <- err
		}()
		synctest.Wait()
		require.Equal(t, process.Pending, s.List()[0].Status)
		h, _ := s.Get(s.List()[0].ID)
		require.ErrorIs(t, h.Signal(process.SIGHUP), process.ErrInvalid)
		require.NoError(t, s.Shutdown(t.Context()), "a process that was stopped is no error")
		require.ErrorIs(t, <-result, process.ErrShutdown)
		require.Equal(t, process.Failed, h.Info().Status)
	})
}

func TestLogsTellWhatHappenedAndNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := process.New(processtest.Fake{"story": func(p *processtest.Process) int {
			time.Sleep(time.Millisecond) // so that Start has returned
			p.Denied(&process.DeniedError{Op: "open", Path: "/etc/passwd", Rule: "outside"})
			p.OutwardLink(process.OutwardLink{Path: "/l", Target: "../x"})
			io.Copy(p.Stderr, p.Stdin)
			<-p.Signals
			p.Stdout.Write(make([]byte, 100))
			return 0
		}, "true": programs["true"]}, process.WithLogger(slog.NewTextHandler(&log, &slog.HandlerOptions{
			Level: slog.LevelDebug,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		})))
		story := start(t, s, process.Spec{
			Command: "story", Args: []string{"secret"}, Env: []string{"K=secret"}, Stdin: strings.NewReader("secret"),
			Timeout: time.Second, Limits: process.Limits{Output: 10},
		})
		exitOf(t, story)
		quiet := start(t, s, process.Spec{Command: "true"})
		exitOf(t, quiet)
		_, err := s.Start(t.Context(), process.Spec{Command: "nosuch", Args: []string{"secret"}})
		require.Error(t, err)
		failed := s.List()[2].ID
		require.NoError(t, s.Shutdown(t.Context()))
		require.NotContains(t, log.String(), "secret")
		require.Equal(t, []string{
			`level=DEBUG msg="process started" id=` + story.ID() + ` command=story backend=fake pid=0`,
			`level=DEBUG msg="process denied" id=` + story.ID() + ` command=story op=open path=/etc/passwd rule=outside`,
			`level=DEBUG msg="process made a symlink that leads outside" id=` + story.ID() + ` command=story path=/l target=../x`,
			`level=DEBUG msg="process asked to end" id=` + story.ID() + ` command=story signal=SIGTERM reason="timed out"`,
			`level=DEBUG msg="process over its limit" id=` + story.ID() + ` command=story limit=output max=10`,
			`level=INFO msg="process ended" id=` + story.ID() + ` command=story state=killed code=124 reason="timed out" duration=1s cpu=0s memory=0 output=10`,
			`level=DEBUG msg="process started" id=` + quiet.ID() + ` command=true backend=fake pid=0`,
			`level=DEBUG msg="process ended" id=` + quiet.ID() + ` command=true state=exited code=0 reason=<nil> duration=0s cpu=0s memory=0 output=0`,
			`level=WARN msg="process did not start" id=` + failed + ` command=nosuch reason="command \"nosuch\": program not found; put a Program of that name into the Fake"`,
		}, strings.Split(strings.TrimSpace(log.String()), "\n"))
	})
}

func TestRouteGoesByTheTableAlone(t *testing.T) {
	t.Parallel()
	var closed []string
	named := func(name string, exec process.Executor) process.Executor { return &namedExecutor{exec, name, &closed} }
	native := named("native", processtest.Fake{"git": programs["true"], "sh": programs["true"]})
	sandbox := named("sandbox", processtest.Fake{"grep": programs["true"], "git": programs["true"]})
	table := map[string]process.Executor{"git": native, "hg": native}
	s := process.New(process.Route(table, process.Route(nil, sandbox)))
	table["sh"] = native // too late: the table was taken as it was

	for command, backend := range map[string]string{"git": "native", "grep": "sandbox"} {
		h := start(t, s, process.Spec{Command: command})
		require.Equal(t, backend, h.Info().Backend)
		exitOf(t, h)
	}
	for _, command := range []string{"sh", "hg", "./git", "/usr/bin/git"} {
		_, err := s.Run(t.Context(), process.Spec{Command: command})
		require.ErrorIs(t, err, process.ErrNotFound, command)
	}
	require.NoError(t, s.Shutdown(t.Context()))
	require.ElementsMatch(t, []string{"native", "sandbox"}, closed)
}

func TestRouteWithNothingElseNamesTheTable(t *testing.T) {
	t.Parallel()
	_, err := process.New(process.Route(nil, nil)).Run(t.Context(), process.Spec{Command: "x"})
	require.ErrorIs(t, err, process.ErrNotFound)
	require.ErrorContains(t, err, "process.Route")
}

type namedExecutor struct {
	process.Executor
	name   string
	closed *[]string
}

func (n *namedExecutor) Name() string { return n.name }
func (n *namedExecutor) Close() error { *n.closed = append(*n.closed, n.name); return nil }

// waiting is an Executor whose Start returns only when the process has ended.
type waiting struct{ process.Executor }

func (w waiting) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	i, err := w.Executor.Start(ctx, s)
	if err != nil {
		return nil, err
	}
	exit, err := i.Wait()
	return instance{wait: func() (process.Exit, error) { return exit, err }}, nil
}
