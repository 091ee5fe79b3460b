//go:build unix

package native

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spec completes s as the lifecycle does.
func spec(s process.Spec) process.Spec {
	if s.Stdin == nil {
		s.Stdin = io.NopCloser(strings.NewReader(""))
	}
	if s.Stdout == nil {
		s.Stdout = io.Discard
	}
	if s.Stderr == nil {
		s.Stderr = s.Stdout
	}
	return s
}

// running is a process whose stdout is read by the test.
type running struct {
	process.Instance
	cancel context.CancelCauseFunc

	mu   sync.Mutex
	said strings.Builder
	news chan struct{}
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said.Write(p)
	select {
	case r.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// await returns the submatch of what was said, as soon as it was.
func (r *running) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		if m := re.FindStringSubmatch(r.text()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-r.news:
		case <-time.After(30 * time.Second):
			t.Fatalf("%q was not said, but %q", pattern, r.text())
		}
	}
}

func begin(t *testing.T, e *Executor, s process.Spec) *running {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	t.Cleanup(func() { cancel(nil) })
	r := &running{cancel: cancel, news: make(chan struct{}, 1)}
	s.Stdout, s.Stderr = r, r
	var err error
	r.Instance, err = e.Start(ctx, spec(s))
	require.NoError(t, err)
	return r
}

// shell runs a script with the host's PATH.
func shell(t *testing.T, script string) *running {
	t.Helper()
	return begin(t, New(newFs(t)), process.Spec{
		Command: "sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")},
	})
}

// alive says whether pid runs; a zombie does not.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	if syscall.Kill(n, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	return !strings.Contains(string(stat), ") Z ")
}

func TestAGrandchildThatHoldsStdoutDelaysNothingAndDies(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	r := begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"spawn"}})
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason)
	assert.False(t, alive(t, r.await(t, `child (\d+)\n`)))
}

func TestTheEndOfTheContextKillsGrandchildren(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	r := begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"spawn", "stay"}})
	child := r.await(t, `child (\d+)\n`)
	r.await(t, "ready\n")
	assert.True(t, alive(t, child))
	r.cancel(process.ErrKilled)
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assert.Equal(t, process.SIGKILL, exit.Signal)
	assert.ErrorIs(t, exit.Reason, process.ErrKilled)
	assert.False(t, alive(t, child))
}

func TestASignalReachesGrandchildren(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	r := begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"spawn", "stay"}})
	child := r.await(t, `child (\d+)\n`)
	r.await(t, "ready\n")
	require.NoError(t, r.Signal(process.SIGTERM))
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, process.Exit{Code: 143, Signal: process.SIGTERM, Usage: exit.Usage}, exit)
	assert.False(t, alive(t, child))
}

func TestADescendantThatLeftTheGroupDelaysNothing(t *testing.T) {
	t.Parallel()
	e := New(newFs(t))
	e.trees = nil
	r := begin(t, e, process.Spec{
		Command: "sh", Args: []string{"-c", `setsid sh -c 'echo "child $$"; exec sleep 1000' & sleep 1000`},
		Env: []string{"PATH=" + os.Getenv("PATH")},
	})
	child := r.await(t, `child (\d+)\n`)
	n, err := strconv.Atoi(child)
	require.NoError(t, err)
	defer syscall.Kill(n, syscall.SIGKILL)
	r.cancel(process.ErrKilled)
	_, err = r.Wait()
	require.NoError(t, err)
	assert.True(t, alive(t, child), "the documentation says that it lives on where there are no control groups")
}

func TestNothingThatTheProcessWroteIsLostToAGrandchild(t *testing.T) {
	t.Parallel()
	const size = 60_000 // all of it may stand in the pipe when the process exits
	for range 20 {
		r := shell(t, `setsid sleep 2 & head -c 60000 /dev/zero; exit 4`)
		exit, err := r.Wait()
		require.NoError(t, err)
		assert.Equal(t, 4, exit.Code)
		require.Len(t, r.text(), size)
	}
}

// slow takes its time, so that much stands in the pipe at the end.
type slow struct{ n int }

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	s.n += len(p)
	return len(p), nil
}

func TestASlowWriterGetsEveryByte(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	out := &slow{}
	i, err := b.Executor.Start(t.Context(), spec(process.Spec{Command: b.Command, Args: []string{"pattern", "1000000"}, Stdout: out, Stderr: io.Discard}))
	require.NoError(t, err)
	_, err = i.Wait()
	require.NoError(t, err)
	assert.Equal(t, 1_000_000, out.n)
}

func TestDeathBySignalIsToldAsShellsDo(t *testing.T) {
	t.Parallel()
	for sig, code := range map[process.Signal]int{"SIGKILL": 137, "SIGSEGV": 139, "SIGHUP": 129, "SIGPIPE": 141} {
		r := shell(t, "kill -"+strings.TrimPrefix(string(sig), "SIG")+" $$")
		exit, err := r.Wait()
		require.NoError(t, err)
		assert.Equal(t, code, exit.Code)
		assert.Equal(t, sig, exit.Signal)
		assert.NoError(t, exit.Reason)
	}
}

func TestAStoppedProcessIsKilledToo(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	r := begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"sleep"}})
	r.await(t, "ready\n")
	require.NoError(t, r.Signal("SIGSTOP"))
	r.cancel(process.ErrTimeout)
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assert.ErrorIs(t, exit.Reason, process.ErrTimeout)
}

// Signals are sent from many goroutines while the process ends; under the race
// detector this also checks the lock around the reaping.
func TestSignalsDuringTheEndAreSentOrRefused(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	r := begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"nothing"}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				if err := r.Signal("SIGURG"); err != nil { // which is ignored by default
					assert.ErrorIs(t, err, os.ErrProcessDone)
					return
				}
			}
		})
	}
	exit, err := r.Wait()
	require.NoError(t, err)
	all.Wait()
	assert.Equal(t, 0, exit.Code)
}

func TestPIDIsTheProcesssOwnAndItsGroups(t *testing.T) {
	t.Parallel()
	r := shell(t, `echo $$; ps -o pgid= -p $$`)
	_, err := r.Wait()
	require.NoError(t, err)
	pid := strconv.Itoa(r.Instance.(interface{ PID() int }).PID())
	assert.Equal(t, []string{pid, pid}, strings.Fields(r.text()))
}

func TestUsageIsTheProcesssOwn(t *testing.T) {
	t.Parallel()
	r := shell(t, `i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done`)
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Positive(t, exit.Usage.CPU)

	b := newBackend(t)
	r = begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"alloc", "600"}})
	exit, err = r.Wait()
	require.NoError(t, err)
	assert.Greater(t, exit.Usage.Memory, int64(600<<20))

	r = begin(t, b.Executor.(*Executor), process.Spec{Command: b.Command, Args: []string{"nothing"}})
	exit, err = r.Wait()
	require.NoError(t, err)
	assert.Zero(t, exit.Usage.Memory, "that is the test's own")
}

func TestWithoutAnFsEveryStartIsDenied(t *testing.T) {
	t.Parallel()
	program, _ := processtest.Build(t)
	e := New(nil, WithPath([]string{filepath.Dir(program)}))
	for _, s := range []process.Spec{{Command: "testprog"}, {Command: "testprog", Dir: "x"}, {Command: program}} {
		err := startFails(t, e, s)
		denied, ok := errors.AsType[*process.DeniedError](err)
		require.True(t, ok, "%v", err)
		assert.Contains(t, denied.Fix, "core.WithFs")
	}
	assert.Error(t, startFails(t, &Executor{}, process.Spec{Command: "testprog"}))
}

func TestAnFsThatIsNotOnTheHostIsRefused(t *testing.T) {
	t.Parallel()
	fsys, err := fs.Mounts([]fs.Mount{{Target: "/m", Fs: newFs(t)}})
	require.NoError(t, err)
	err = startFails(t, New(fsys), process.Spec{Command: "sh"})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestAMemoryLimitIsRefused(t *testing.T) {
	t.Parallel()
	err := startFails(t, New(newFs(t)), process.Spec{Command: "sh", Limits: process.Limits{Memory: 1 << 30}})
	unsupported, ok := errors.AsType[*process.UnsupportedError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "limits.memory", unsupported.Field)
	assert.NotEmpty(t, unsupported.Fix)
}

func TestADirThatVanishesBeforeTheStartIsNamed(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := (&Executor{}).launch(t.Context(), spec(process.Spec{Command: "sh", Dir: "d"}), "/bin/sh", gone)
	require.ErrorIs(t, err, os.ErrNotExist)
	bad, ok := errors.AsType[*process.SpecError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "dir", bad.Field)
	assert.Equal(t, "d", bad.Value)
	assert.NotContains(t, err.Error(), gone)
}

func TestTheEnvironmentIsPassedToTheLetter(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{nil, {"A=1", "A=2", "B"}} {
		r := begin(t, New(newFs(t)), process.Spec{Command: "env", Env: env})
		_, err := r.Wait()
		require.NoError(t, err)
		assert.Equal(t, strings.Join(append(env, ""), "\n"), r.text())
	}
}
