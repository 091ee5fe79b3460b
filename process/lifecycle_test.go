package process_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// programs are what the tests run.
var programs = processtest.Fake{
	"true":  func(*processtest.Process) int { return 0 },
	"false": func(*processtest.Process) int { return 1 },
	// cat copies its input to its output.
	"cat": func(p *processtest.Process) int {
		if _, err := io.Copy(p.Stdout, p.Stdin); err != nil {
			return 1
		}
		return 0
	},
	// say writes its arguments, to stderr those that begin with "!".
	"say": func(p *processtest.Process) int {
		for _, arg := range p.Args {
			to := p.Stdout
			if rest, found := strings.CutPrefix(arg, "!"); found {
				to, arg = p.Stderr, rest
			}
			if _, err := io.WriteString(to, arg); err != nil {
				return 1
			}
		}
		return 3
	},
	// stubborn counts the signals it ignores, and tells when killed.
	"stubborn": func(p *processtest.Process) int {
		<-p.Context.Done()
		for len(p.Signals) > 0 {
			io.WriteString(p.Stdout, string(<-p.Signals)+" ")
		}
		return 1
	},
	// polite ends a second after it is asked, and says by what.
	"polite": func(p *processtest.Process) int {
		select {
		case sig := <-p.Signals:
			io.WriteString(p.Stdout, string(sig))
			select {
			case <-time.After(time.Second):
			case <-p.Context.Done():
				io.WriteString(p.Stdout, " killed")
			}
		case <-p.Context.Done():
			io.WriteString(p.Stdout, "killed")
		}
		return 0
	},
	// flood writes until it cannot.
	"flood": func(p *processtest.Process) int {
		for p.Context.Err() == nil {
			if _, err := p.Stdout.Write(make([]byte, 1000)); err != nil {
				return 1
			}
		}
		return 1
	},
}

// start runs a program that the test goes on to do something to.
func start(t *testing.T, s *process.Service, spec process.Spec) *process.Handle {
	t.Helper()
	h, err := s.Start(t.Context(), spec)
	require.NoError(t, err)
	return h
}

// exitOf waits for the end, and checks that nothing of the backend failed.
func exitOf(t *testing.T, h *process.Handle) process.Exit {
	t.Helper()
	exit, err := h.Wait(t.Context())
	require.NoError(t, err)
	return exit
}

func stdoutOf(h *process.Handle) string { return string(h.Output().Stdout) }

func TestRunReturnsBothStreamsAndTheCode(t *testing.T) {
	t.Parallel()
	out, err := process.New(programs).Run(t.Context(), process.Spec{
		Command: "say", Args: []string{"to out", "!to err\n"},
	})
	var exit *process.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.Exit.Code)
	require.NoError(t, exit.Exit.Reason)
	require.Equal(t, "to out", string(exit.Stdout))
	require.Equal(t, "to err\n", string(exit.Stderr))
	require.Zero(t, exit.Truncated)
	require.Equal(t, `say: exit code 3: "to err"`, err.Error())
	require.Equal(t, 3, process.ExitCode(err))
	require.Equal(t, "to out", string(out.Stdout))
	require.Equal(t, "to err\n", string(out.Stderr))
	require.Equal(t, 3, out.Exit.Code)
	require.Equal(t, int64(13), out.Exit.Usage.Output)
}

func TestRunOfASuccessIsNoError(t *testing.T) {
	t.Parallel()
	out, err := process.New(programs).Run(t.Context(), process.Spec{Command: "true"})
	require.NoError(t, err)
	require.Empty(t, out.Stdout)
	require.Equal(t, process.Exit{}, out.Exit)
}

func TestMergeKeepsTheOrderOfBothStreams(t *testing.T) {
	t.Parallel()
	var live bytes.Buffer
	out, err := process.New(programs).Run(t.Context(), process.Spec{
		Command: "say", Args: []string{"a", "!b", "c", "!d"}, Merge: true, Stdout: &live,
	})
	require.Error(t, err)
	require.Equal(t, "abcd", string(out.Stdout))
	require.Empty(t, out.Stderr)
	require.Equal(t, "abcd", live.String())
	require.Contains(t, err.Error(), `"abcd"`)
}

// A 64 KiB line limit, output rebuilt line by line, a lost last line.
func TestOutputIsByteExactWhateverItsLines(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]byte{
		"a line of 1 MB":   bytes.Repeat([]byte("x"), 1<<20),
		"carriage returns": []byte("10%\r50%\r100%\r\nno newline"),
		"binary":           {0, 0xff, '\n', 0xc3, 0x28, 0, '\r', '\n', 0},
		"empty lines":      []byte("\n\n\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var live bytes.Buffer
			out, err := process.New(programs).Run(t.Context(), process.Spec{
				Command: "cat", Stdin: bytes.NewReader(want), Stdout: &live,
			})
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, out.Stdout))
			require.True(t, bytes.Equal(want, live.Bytes()))
		})
	}
}

func TestDroppedOutputIsCounted(t *testing.T) {
	t.Parallel()
	out, err := process.New(programs).Run(t.Context(), process.Spec{
		Command: "say", Args: []string{"0123456789", "!abcdefghij"}, Capture: 5,
	})
	require.Equal(t, "01789", string(out.Stdout))
	require.Equal(t, int64(5), out.StdoutDropped)
	require.Equal(t, "abhij", string(out.Stderr))
	require.Equal(t, int64(5), out.StderrDropped)
	var exit *process.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, int64(10), exit.Truncated)
}

// stdin never closed, so that cat hangs.
func TestInputEnds(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]process.Spec{
		"none given":     {Command: "cat"},
		"a reader's end": {Command: "cat", Stdin: strings.NewReader("all of it")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := process.New(programs).Run(t.Context(), spec)
			require.NoError(t, err)
			if spec.Stdin != nil {
				require.Equal(t, "all of it", string(out.Stdout))
			}
		})
	}
}

func TestOpenStdinGoesThroughTheHandle(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{Command: "cat", OpenStdin: true})
	for _, word := range []string{"one ", "two"} {
		n, err := io.WriteString(h.Stdin(), word)
		require.NoError(t, err)
		require.Equal(t, len(word), n)
	}
	require.NoError(t, h.Stdin().Close())
	require.Zero(t, exitOf(t, h).Code)
	require.Equal(t, "one two", stdoutOf(h))
	_, err := io.WriteString(h.Stdin(), "late")
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestStdinThatWasNotOpenedSaysSo(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{Command: "cat"})
	_, err := io.WriteString(h.Stdin(), "x")
	var wrong *process.SpecError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "stdin", wrong.Field)
	exitOf(t, h)
}

// A write to stdin that holds the lock which kill needs.
func TestKillDuringABlockedWriteToStdin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "stubborn", OpenStdin: true})
		written := make(chan error)
		go func() {
			_, err := h.Stdin().Write(make([]byte, 1<<20))
			written <- err
		}()
		synctest.Wait()
		require.NoError(t, h.Kill(t.Context()))
		require.ErrorIs(t, <-written, io.ErrClosedPipe)
	})
}

func TestAFailingReaderEndsTheProcess(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, from := range map[string]io.Reader{
		"error": io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) { return 0, broken })),
		"panic": readerFunc(func([]byte) (int, error) { panic(broken) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := process.New(programs).Run(t.Context(), process.Spec{Command: "cat", Stdin: from})
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "stdin")
			require.Equal(t, 137, process.ExitCode(err))
		})
	}
}

func TestAReaderThatNeverReturnsHoldsUpNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from, to := io.Pipe()
		defer to.Close()
		began := time.Now()
		_, err := process.New(programs).Run(t.Context(), process.Spec{
			Command: "cat", Stdin: from, Timeout: time.Minute, GracePeriod: -1,
		})
		require.ErrorIs(t, err, process.ErrTimeout)
		require.Equal(t, time.Minute, time.Since(began))
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestAFailingWriterEndsTheProcess(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		to   io.Writer
		want error
	}{
		"error": {writerFunc(func([]byte) (int, error) { return 0, broken }), broken},
		"panic": {writerFunc(func([]byte) (int, error) { panic(broken) }), broken},
		"short": {writerFunc(func([]byte) (int, error) { return 0, nil }), io.ErrShortWrite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, process.New(programs), process.Spec{Command: "flood", Stdout: c.to})
			exit := exitOf(t, h)
			require.ErrorIs(t, exit.Reason, c.want)
			require.ErrorContains(t, exit.Reason, "stdout")
			require.Equal(t, 137, exit.Code)
			require.Equal(t, process.Killed, h.Info().Status)
		})
	}
}

func TestOneWriterForBothStreamsIsCalledOnceAtATime(t *testing.T) {
	t.Parallel()
	both := &exclusive{t: t}
	s := process.New(processtest.Fake{"talk": func(p *processtest.Process) int {
		var streams sync.WaitGroup
		for _, to := range []io.Writer{p.Stdout, p.Stderr} {
			streams.Go(func() {
				for range 100 {
					io.WriteString(to, "x")
				}
			})
		}
		streams.Wait()
		return 0
	}})
	_, err := s.Run(t.Context(), process.Spec{Command: "talk", Stdout: both, Stderr: both})
	require.NoError(t, err)
	require.Equal(t, 200, both.Len())
}

// exclusive is a buffer that tells when two goroutines write to it at once.
type exclusive struct {
	bytes.Buffer
	t    *testing.T
	busy atomic.Bool
}

func (e *exclusive) Write(p []byte) (int, error) {
	if e.busy.Swap(true) {
		e.t.Error("called while it was being called")
	}
	defer e.busy.Store(false)
	runtime.Gosched()
	return e.Buffer.Write(p)
}

// blocked is a writer that takes nothing until the test is over.
func blocked(t *testing.T) (to io.Writer, release func()) {
	stuck := make(chan struct{})
	return writerFunc(func(p []byte) (int, error) {
		<-stuck
		return len(p), nil
	}), func() { close(stuck) }
}

func TestABlockedWriterHoldsUpNeitherKillNorDeadline(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]process.Spec{
		"deadline":        {Timeout: time.Second, GracePeriod: -1},
		"kill":            {GracePeriod: -1},
		"kill with grace": {GracePeriod: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				to, release := blocked(t)
				defer release()
				spec.Command, spec.Stdout = "flood", to
				h := start(t, process.New(programs), spec)
				synctest.Wait()
				began := time.Now()
				if spec.Timeout == 0 {
					require.NoError(t, h.Kill(t.Context()))
				} else {
					require.ErrorIs(t, exitOf(t, h).Reason, process.ErrTimeout)
				}
				// To the time when it was killed, a tenth of a second is added.
				require.Equal(t, max(spec.Timeout, spec.GracePeriod, 0)+100*time.Millisecond, time.Since(began))
				require.NotEmpty(t, h.Output().Stdout, "captured though nobody took it")
			})
		})
	}
}

func TestASlowWriterGetsEverythingInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		want := bytes.Repeat([]byte("0123456789"), 20_000)
		var got bytes.Buffer
		_, err := process.New(programs).Run(t.Context(), process.Spec{
			Command: "cat",
			Stdin:   bytes.NewReader(want),
			Stdout: writerFunc(func(p []byte) (int, error) {
				time.Sleep(time.Second)
				return got.Write(p)
			}),
		})
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got.Bytes()))
	})
}

// Deadlines dropped on helper paths: every way to a deadline, the same end.
func TestDeadline(t *testing.T) {
	t.Parallel()
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 3*time.Second)
	}
	for name, c := range map[string]struct {
		timeout time.Duration
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		also    error
	}{
		"from Timeout":            {3 * time.Second, nil, process.ErrTimeout},
		"from ctx":                {0, deadline, context.DeadlineExceeded},
		"from ctx before Timeout": {time.Hour, deadline, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = c.ctx(ctx)
					defer cancel()
				}
				began := time.Now()
				out, err := process.New(programs).Run(ctx, process.Spec{
					Command: "stubborn", Timeout: c.timeout, GracePeriod: 2 * time.Second,
				})
				require.Equal(t, 5*time.Second, time.Since(began), "deadline and grace")
				require.ErrorIs(t, err, process.ErrTimeout)
				require.ErrorIs(t, err, c.also)
				require.NotErrorIs(t, err, process.ErrKilled)
				require.Equal(t, 124, out.Exit.Code)
				require.Equal(t, 124, process.ExitCode(err))
				require.Equal(t, "SIGTERM ", string(out.Stdout), "asked exactly once")
			})
		})
	}
}

func TestCancelEndsTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		changed := errors.New("the user changed his mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		s := process.New(programs)
		time.AfterFunc(time.Second, func() { cancel(changed) })
		out, err := s.Run(ctx, process.Spec{Command: "polite"})
		require.ErrorIs(t, err, process.ErrKilled)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, changed)
		require.Equal(t, 137, out.Exit.Code)
		require.Equal(t, "SIGTERM", string(out.Stdout), "it was asked, and left by itself")
		require.Equal(t, process.Killed, s.List()[0].Status)
	})
}

func TestAnEndedContextStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := process.New(programs)
	_, err := s.Start(ctx, process.Spec{Command: "true", Detach: true})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.List())
}

// TERM without escalation, KILL without TERM, a signal sent twice.
func TestKillAsksOnceAndThenKills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec process.Spec
		exec process.Executor
		took time.Duration
		out  string
	}{
		"one that ignores it":   {process.Spec{Command: "stubborn", GracePeriod: 7 * time.Second}, programs, 7 * time.Second, "SIGTERM "},
		"the default grace":     {process.Spec{Command: "stubborn"}, programs, process.DefaultGracePeriod, "SIGTERM "},
		"one that leaves":       {process.Spec{Command: "polite"}, programs, time.Second, "SIGTERM"},
		"without asking":        {process.Spec{Command: "polite", GracePeriod: -1}, programs, 0, "killed"},
		"one that cannot hear":  {process.Spec{Command: "polite"}, processtest.Deaf(programs), 0, "killed"},
		"a grace that is short": {process.Spec{Command: "polite", GracePeriod: 100}, programs, 100, "SIGTERM killed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := start(t, process.New(c.exec), c.spec)
				began := time.Now()
				var callers sync.WaitGroup
				for range 5 { // however many ask for it
					callers.Go(func() { require.NoError(t, h.Kill(t.Context())) })
				}
				callers.Wait()
				require.Equal(t, c.took, time.Since(began))
				require.Equal(t, c.out, stdoutOf(h))
				exit := exitOf(t, h)
				require.Equal(t, 137, exit.Code)
				require.Equal(t, process.ErrKilled, exit.Reason)
				require.NoError(t, h.Kill(t.Context()), "killing the dead")
			})
		})
	}
}

func TestKillReturnsWithItsContextAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "stubborn"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, h.Kill(ctx), context.DeadlineExceeded)
		require.Equal(t, process.Running, h.Info().Status)
		require.Equal(t, 137, exitOf(t, h).Code)
	})
}

func TestTheFirstReasonIsTheOneReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "stubborn", Timeout: time.Second})
		time.Sleep(2 * time.Second) // in the grace period
		require.NoError(t, h.Signal(process.SIGKILL))
		exit := exitOf(t, h)
		require.Equal(t, process.ErrTimeout, exit.Reason)
		require.Equal(t, 2*time.Second, h.Info().Duration, "the second brought the kill forward")
	})
}

func TestKillAgainstExit(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	for range 300 {
		h := start(t, s, process.Spec{Command: "cat", OpenStdin: true})
		var both sync.WaitGroup
		both.Go(func() { h.Stdin().Close() })
		both.Go(func() { require.NoError(t, h.Kill(t.Context())) })
		both.Wait()
		switch exit := exitOf(t, h); exit.Code {
		case 0:
			require.NoError(t, exit.Reason)
			require.Equal(t, process.Exited, h.Info().Status)
		default:
			require.Equal(t, process.Exit{Code: 137, Reason: process.ErrKilled}, exit)
			require.Equal(t, process.Killed, h.Info().Status)
		}
	}
}

func TestSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "polite"})
		require.NoError(t, h.Signal(process.SIGUSR1))
		exit := exitOf(t, h)
		require.Equal(t, process.Exit{Usage: process.Usage{Output: 7}}, exit, "a signal alone is no kill")
		require.Equal(t, "SIGUSR1", stdoutOf(h))
		require.ErrorIs(t, h.Signal(process.SIGUSR1), os.ErrProcessDone)
		require.ErrorIs(t, h.Signal(process.SIGKILL), os.ErrProcessDone)
	})
}

func TestSignalOnABackendThatHasNone(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(processtest.Deaf(programs)), process.Spec{Command: "stubborn"})
	require.ErrorIs(t, h.Signal(process.SIGUSR1), errors.ErrUnsupported)
	require.NoError(t, h.Signal(process.SIGKILL))
	require.Equal(t, 137, exitOf(t, h).Code)
}

func TestOutputLimitCountsBothStreams(t *testing.T) {
	t.Parallel()
	var live bytes.Buffer
	h := start(t, process.New(programs), process.Spec{
		Command: "say", Args: []string{"12345", "!678", "90!"}, Stdout: &live,
		Limits: process.Limits{Output: 10},
	})
	exit := exitOf(t, h)
	var limit *process.LimitError
	require.ErrorAs(t, exit.Reason, &limit)
	require.Equal(t, process.LimitError{Limit: "output", Max: 10}, *limit)
	require.Equal(t, 137, exit.Code)
	require.Equal(t, "1234590", stdoutOf(h))
	require.Equal(t, "1234590", live.String(), "what is allowed arrives")
	require.Equal(t, int64(10), exit.Usage.Output)
	require.Equal(t, process.Killed, h.Info().Status)
}

func TestOutputUpToTheLimitIsFine(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{
		Command: "say", Args: []string{"12345", "!67890"}, Limits: process.Limits{Output: 10},
	})
	require.Equal(t, 3, exitOf(t, h).Code)
	require.Equal(t, process.Exited, h.Info().Status)
}

func TestEveryWaiterGetsTheExitAlsoALateOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "polite"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := h.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "only this waiter gives up")
		var waiters sync.WaitGroup
		for range 10 {
			waiters.Go(func() { require.Equal(t, process.ErrKilled, exitOf(t, h).Reason) })
		}
		require.NoError(t, h.Kill(t.Context()))
		waiters.Wait()
		exit, err := h.Wait(ctx)
		require.NoError(t, err, "an ended context does not hide an end that is there")
		require.Equal(t, 137, exit.Code)
	})
}

// A context never cancelled after exit.
func TestTheBackendsContextEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	var given context.Context
	s := process.New(processtest.Fake{"true": func(p *processtest.Process) int {
		given = p.Context
		return 0
	}})
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	defer cancel()
	_, err := s.Run(ctx, process.Spec{Command: "true", Timeout: time.Hour})
	require.NoError(t, err)
	require.Error(t, given.Err())
	require.Equal(t, "value", given.Value(key{}))
	require.NoError(t, ctx.Err())
}

type key struct{}

func TestTheBackendsContextTellsWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		s := process.New(processtest.Fake{"wait": func(p *processtest.Process) int {
			<-p.Context.Done()
			cause = context.Cause(p.Context)
			return 0
		}})
		_, err := s.Run(t.Context(), process.Spec{Command: "wait", Timeout: time.Second})
		require.ErrorIs(t, err, process.ErrTimeout)
		require.Equal(t, process.ErrTimeout, cause)
	})
}

func TestDetachOutlivesItsContextButNotItsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := process.New(programs)
		h, err := s.Start(ctx, process.Spec{
			Command: "stubborn", Detach: true, Timeout: time.Hour, GracePeriod: time.Minute,
		})
		require.NoError(t, err)
		cancel()
		require.NoError(t, s.Shutdown(t.Context()))
		time.Sleep(time.Minute)
		require.Equal(t, process.Running, h.Info().Status)
		require.Equal(t, process.ErrTimeout, exitOf(t, h).Reason)
		require.Equal(t, time.Hour+time.Minute, h.Info().Duration)
	})
}

func TestRunOfADetachedProcessReturnsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := process.New(programs)
		_, err := s.Run(ctx, process.Spec{Command: "stubborn", Detach: true})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		h, ok := s.Get(s.List()[0].ID)
		require.True(t, ok)
		require.Equal(t, process.Running, h.Info().Status)
		require.NoError(t, h.Kill(t.Context()))
	})
}
