package wasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"go.uber.org/goleak"
)

func TestExitCodesAreTheGuestsOwn(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for arg, want := range map[string]int{
		"0": 0, "1": 1, "124": 124, "125": 125, "126": 126, "127": 127, "134": 134, "137": 137,
		"255": 255, "256": 256, "65536": 65536,
		"4294967295": -1,         // exit(-1), and wazero's code for a cancelled context
		"4026531839": -268435457, // wazero's code for a deadline
		"2147483648": -2147483648,
	} {
		t.Run(arg, func(t *testing.T) {
			t.Parallel()
			exit := finish(t, e, spec("exit", arg))
			assert.Equal(t, want, exit.Code)
			assert.NoError(t, exit.Reason)
			assert.Empty(t, exit.Signal)
			assert.EqualValues(t, pageSize, exit.Usage.Memory)
		})
	}
}

func TestReturningFromStartIsExitZero(t *testing.T) {
	t.Parallel()
	var out output
	s := spec("hello")
	s.Stdout = &out
	assert.Equal(t, process.Exit{Usage: process.Usage{Memory: pageSize}}, finish(t, newExecutor(t), s))
	assert.Equal(t, "hello\n", out.String())
}

func TestTrapsAreToldAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for command, want := range map[string]string{
		"unreachable": "unreachable",
		"recurse":     "stack overflow",
		"bounds":      "out of bounds memory access",
		"segment":     "out of bounds memory access",
		"divide":      "integer divide by zero",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			exit := finish(t, e, spec(command))
			assert.Equal(t, 134, exit.Code)
			trap, ok := errors.AsType[*process.TrapError](exit.Reason)
			require.True(t, ok, "reason is %v", exit.Reason)
			assert.Equal(t, want, trap.Trap)
		})
	}
}

func TestATrapsStackNamesTheGuestsFunctionsInnermostFirst(t *testing.T) {
	t.Parallel()
	exit := finish(t, newExecutor(t), spec("unreachable"))
	trap, ok := errors.AsType[*process.TrapError](exit.Reason)
	require.True(t, ok)
	assert.Equal(t, ".doom()\n.start()", trap.Stack)
}

// busy are endless computations, most of them without a loop.
var busy = []string{"loop", "startloop", "calls", "indirect", "fills", "tables"}

// endless are these, an hour-long sleep, and an input that never comes.
var endless = append([]string{"cat", "sleep", "poll"}, busy...)

func startEndless(t testing.TB, ctx context.Context, e *Executor, command string) process.Instance {
	t.Helper()
	s := spec(command)
	s.Stdin, _ = pipe(t)
	i, err := e.Start(ctx, s)
	require.NoError(t, err)
	return i
}

func TestAGuestEndsWithItsContextAndTellsTheCause(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for _, command := range endless {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			i := startEndless(t, ctx, e, command)
			cancel(cause)
			exit, err := i.Wait()
			require.NoError(t, err)
			assert.Equal(t, 137, exit.Code)
			assert.ErrorIs(t, exit.Reason, cause)
		})
	}
}

// The collector stops all goroutines, and so would wait for a guest's machine code
// for ever if that did not come back by itself.
func TestABusyGuestDoesNotHoldUpTheHostsCollector(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for _, command := range busy {
		t.Run(command, func(t *testing.T) {
			var guests []process.Instance
			ctx, cancel := context.WithCancel(t.Context())
			for range 2 * runtime.GOMAXPROCS(0) {
				guests = append(guests, startEndless(t, ctx, e, command))
			}
			for range 3 {
				runtime.GC()
			}
			cancel()
			for _, g := range guests {
				exit, err := g.Wait()
				require.NoError(t, err)
				assert.Equal(t, 137, exit.Code)
			}
		})
	}
}

func TestAGuestEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for _, command := range endless {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			finish(t, e, spec("hello")) // so that compiling does not count below
			_ = startAndKill(t, e, command)
			deadline := time.Now().Add(100 * time.Millisecond)
			ctx, cancel := context.WithDeadlineCause(t.Context(), deadline, process.ErrTimeout)
			defer cancel()
			exit, err := startEndless(t, ctx, e, command).Wait()
			late := time.Since(deadline)
			require.NoError(t, err)
			assert.Equal(t, 137, exit.Code)
			assert.ErrorIs(t, exit.Reason, process.ErrTimeout)
			assert.Less(t, late, 5*time.Second) // hung would be for ever; the true figure is benchmarked
		})
	}
}

func startAndKill(t testing.TB, e *Executor, command string) process.Exit {
	t.Helper()
	i := startEndless(t, t.Context(), e, command)
	require.NoError(t, i.Signal(process.SIGKILL))
	exit, err := i.Wait()
	require.NoError(t, err)
	return exit
}

func TestSigkillKillsAndOtherSignalsAreUnsupported(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	i := startEndless(t, t.Context(), e, "loop")
	for _, s := range []process.Signal{process.SIGTERM, process.SIGINT, process.SIGHUP, process.SIGUSR1, "SIGSTOP", ""} {
		require.ErrorIs(t, i.Signal(s), errors.ErrUnsupported)
	}
	require.NoError(t, i.Signal(process.SIGKILL))
	exit, err := i.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assert.ErrorIs(t, exit.Reason, process.ErrKilled)
	assert.NoError(t, i.Signal(process.SIGKILL), "after the end it does nothing")
}

func TestAGuestThatReadsEOFBecauseOfAKillIsKilledAndNotDone(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for range 50 {
		exit := startAndKill(t, e, "cat")
		require.Equal(t, 137, exit.Code)
		require.ErrorIs(t, exit.Reason, process.ErrKilled)
	}
}

func TestStartRefusesAnEndedContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := newExecutor(t).Start(ctx, spec("hello"))
	assert.ErrorIs(t, err, cause)
}

func TestMemoryStopsGrowingAtTheLimit(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, WithMemoryLimit(32<<20))
	limited := func(limit int64, mode string) process.Exit {
		s := spec("grow", mode)
		s.Limits.Memory = limit
		return finish(t, e, s)
	}
	const mib = 1 << 20
	peak := int64(7*mib + pageSize) // it starts with a page and grows by a MiB

	exit := limited(8*mib, "t")
	assert.Equal(t, 134, exit.Code)
	assert.Equal(t, peak, exit.Usage.Memory)
	limit, ok := errors.AsType[*process.LimitError](exit.Reason)
	require.True(t, ok, "reason is %v", exit.Reason)
	assert.Equal(t, process.LimitError{Limit: "memory", Max: 8 * mib}, *limit)
	_, ok = errors.AsType[*process.TrapError](exit.Reason)
	assert.True(t, ok, "the trap is told as well")

	exit = limited(8*mib, "e")
	assert.Equal(t, 3, exit.Code)
	_, ok = errors.AsType[*process.LimitError](exit.Reason)
	assert.True(t, ok, "reason is %v", exit.Reason)

	exit = limited(8*mib, "0")
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason, "a guest that copes is not at fault")

	for _, ask := range []int64{0, 1 << 40} {
		exit = limited(ask, "t")
		assert.Equal(t, 31*mib+pageSize, int(exit.Usage.Memory), "the executor's limit holds for a Spec that asks for %d", ask)
	}
}

func TestTablesStopGrowingAtAMillionEntries(t *testing.T) {
	t.Parallel()
	exit := finish(t, newExecutor(t), spec("tablegrow"))
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason)
}

func TestAModuleThatNeedsMoreThanTheLimitIsNotStarted(t *testing.T) {
	t.Parallel()
	s := spec("cat")
	s.Limits.Memory = pageSize
	err := refused(t, newExecutor(t), s)
	assert.ErrorIs(t, err, process.ErrNotExecutable)
	limit, ok := errors.AsType[*process.LimitError](err)
	require.True(t, ok)
	assert.EqualValues(t, pageSize, limit.Max)
	assert.Contains(t, err.Error(), "needs 131072 bytes")
}

func TestTenMegabytesOfArgumentsArrive(t *testing.T) {
	t.Parallel()
	exit := finish(t, newExecutor(t), spec("args", strings.Repeat("a", 10<<20), "x"))
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason)
}

func TestInputAndOutputStreamIntact(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	r, w := pipe(t)
	var out output
	s := spec("cat")
	s.Stdin, s.Stdout = r, &out
	i, err := e.Start(t.Context(), s)
	require.NoError(t, err)
	want := strings.Repeat("line\r\n\x00\xff\xfe", 50_000)
	_, err = io.WriteString(w, want)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	exit, err := i.Wait()
	require.NoError(t, err)
	assert.Equal(t, 0, exit.Code)
	assert.Equal(t, want, out.String())
}

func TestAHostPanicIsAnErrorAndNotTheEndOfTheHost(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"an error": errors.New("lost count"), "a word": "lost count"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newExecutor(t)
			e.modules = newModuleSet(newCompiler(config{cacheOff: true}, func(ctx context.Context, r wazero.Runtime) error {
				_, err := r.NewHostModuleBuilder(wasiModule).
					NewFunctionBuilder().WithFunc(func(int32) { panic(value) }).Export("proc_exit").
					NewFunctionBuilder().WithFunc(func(int32, int32) int32 { return 0 }).Export("args_get").
					Instantiate(ctx)
				return err
			}).compile)
			i, err := e.Start(t.Context(), spec("exit", "0"))
			require.NoError(t, err)
			_, err = i.Wait()
			assert.ErrorContains(t, err, "lost count")
		})
	}
}

func TestTwoHundredGuestsAtOnceLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 200 guests; run without -short")
	}
	e := newExecutor(t)
	for _, command := range endless {
		startAndKill(t, e, command)
	}
	before := descriptors(t)
	present := goleak.IgnoreCurrent()

	ctx, cancel := context.WithCancelCause(t.Context())
	var wg sync.WaitGroup
	for n := range 200 {
		switch n % 4 {
		case 0:
			wg.Go(func() { assert.Equal(t, n, finish(t, e, spec("exit", fmt.Sprint(n))).Code) })
		case 1:
			wg.Go(func() { assert.Equal(t, 134, finish(t, e, spec("unreachable")).Code) })
		default:
			i := startEndless(t, ctx, e, endless[2+n%3])
			wg.Go(func() {
				exit, err := i.Wait()
				assert.NoError(t, err)
				assert.ErrorIs(t, exit.Reason, process.ErrKilled)
			})
		}
	}
	cancel(process.ErrKilled)
	wg.Wait()
	assert.LessOrEqual(t, descriptors(t), before)
	goleak.VerifyNone(t, present)
}

// descriptors counts the descriptors that this process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc: run on Linux")
	}
	return len(open)
}

func TestCloseKillsTheGuestsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	i := startEndless(t, t.Context(), e, "loop")
	require.NoError(t, e.Close())
	exit, err := i.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assert.ErrorIs(t, exit.Reason, process.ErrShutdown)
	assert.ErrorIs(t, refused(t, e, spec("hello")), process.ErrShutdown)
	assert.NoError(t, e.Close())
}

func TestTheCallersContextValuesDoNotReachTheEngine(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "secret")
	i, err := e.Start(ctx, spec("hello"))
	require.NoError(t, err)
	assert.Nil(t, i.(*instance).ctx.Value(key{}))
	_, err = i.Wait()
	require.NoError(t, err)
}
