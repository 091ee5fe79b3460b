package native

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// alone is whether the test has a program to itself, which may become a subreaper.
// Otherwise it has run the test in one.
func alone(t *testing.T) bool {
	t.Helper()
	const isAlone = "CLOCHE_TEST_ALONE"
	if os.Getenv(isAlone) != "" {
		return true
	}
	t.Parallel()
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), isAlone+"=1")
	said, err := again.CombinedOutput()
	require.NoError(t, err, "%s", said)
	if strings.Contains(string(said), "--- SKIP") {
		t.Skipf("%s", said)
	}
	require.Contains(t, string(said), "--- PASS", "%s", said)
	return false
}

// marking is an executor that has no control groups, and needs none.
func marking(t testing.TB) *Executor {
	t.Helper()
	e := New(newFs(t), WithSubreaper())
	e.trees = nil
	return e
}

// assertChildless also says that nobody is left to be reaped.
func assertChildless(t *testing.T) {
	t.Helper()
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil)
	assert.ErrorIs(t, err, unix.ECHILD)
}

func TestADaemonEndsWithItsLineageWhereThereAreNoControlGroups(t *testing.T) {
	if !alone(t) {
		return
	}
	e := marking(t)
	t.Run("all at once", func(t *testing.T) {
		for name, end := range map[string]struct {
			then string
			stop func(*running)
		}{
			"when it exits":     {"exit 3", func(*running) {}},
			"when it is killed": {"echo ready; sleep 1000", func(r *running) { r.await(t, "ready"); r.cancel(process.ErrKilled) }},
			"when it crashes":   {"kill -SEGV $$", func(*running) {}},
			"when it hangs":     {"echo ready; kill -STOP $$", func(r *running) { r.await(t, "ready"); r.cancel(process.ErrTimeout) }},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := begin(t, e, inShell(daemon+end.then))
				child := r.await(t, `child (\d+)\n`)
				end.stop(r)
				_, err := r.Wait()
				require.NoError(t, err)
				assert.False(t, alive(t, child))
			})
		}
	})
	assertChildless(t)
}

// While it is killed it goes on forking, as fast as it can, into sessions of their own
// and away from its parents.
func TestAForkBombEndsWithItsLineage(t *testing.T) {
	if !alone(t) {
		return
	}
	r := begin(t, marking(t), inShell(`
		bomb() { n=$1; while [ $n -gt 0 ]; do (setsid sleep 1000 &); n=$((n-1)); done; }
		comet() { [ $1 -gt 0 ] || exit; (comet $(($1-1)) &); }
		bomb 100 & comet 300 & (setsid sh -c 'while :; do sleep 0.001 & done' &)
		echo ready; bomb 100; wait`))
	r.await(t, "ready")
	r.cancel(process.ErrKilled)
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assertChildless(t)
}

func TestADaemonOfAConfinedProcessEndsWithIt(t *testing.T) {
	if !alone(t) {
		return
	}
	e, fsys := confined(t)
	e = New(fsys, WithSubreaper(), Confine(e.confined.read...))
	e.trees = nil
	r := begin(t, e, inShell(daemon+"exit 3"))
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 3, exit.Code)
	assert.False(t, alive(t, r.await(t, `child (\d+)\n`)))
	assertChildless(t)
}

func TestNobodyElseEndsWithALineage(t *testing.T) {
	if !alone(t) {
		return
	}
	e := marking(t)
	const orphan = "sleep 1000 >/dev/null 2>&1 & echo $!"
	said, err := exec.Command("setsid", "sh", "-c", orphan).Output() // of whom init takes care
	require.NoError(t, err)
	stranger := strings.TrimSpace(string(said))

	mine := exec.Command("sh", "-c", "read line; exit 7")
	end, err := mine.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, mine.Start())
	other := begin(t, e, inShell("setsid sh -c 'sleep 1000 & echo \"child $!\"'; echo ready; sleep 1000"))
	other.await(t, "ready")
	said, err = exec.Command("setsid", "sh", "-c", orphan).Output() // who is this program's now
	require.NoError(t, err)
	adopted := strings.TrimSpace(string(said))

	r := begin(t, e, inShell("sleep 1000"))
	mark := unix.Rlimit{Cur: r.Instance.(*instance).group.lineage.mark}
	mark.Max = mark.Cur
	n, err := strconv.Atoi(stranger)
	require.NoError(t, err)
	require.NoError(t, unix.Prlimit(n, unix.RLIMIT_LOCKS, &mark, nil)) // as another program's might be, by chance
	short := exec.Command("true")
	require.NoError(t, short.Start())
	r.cancel(process.ErrKilled)
	_, err = r.Wait()
	require.NoError(t, err)

	for what, pid := range map[string]string{
		"one that does not descend from this program": stranger, "an orphan that this program's own child left": adopted,
		"another process's": other.await(t, `child (\d+)\n`),
	} {
		assert.True(t, alive(t, pid), what)
	}
	assert.NoError(t, short.Wait(), "nobody reaped it")
	io.WriteString(end, "\n")
	mine.Wait()
	assert.Equal(t, 7, mine.ProcessState.ExitCode())
	other.cancel(nil)
	_, err = other.Wait()
	require.NoError(t, err)
	for _, pid := range []string{stranger, adopted} {
		n, err := strconv.Atoi(pid)
		require.NoError(t, err)
		require.NoError(t, unix.Kill(n, unix.SIGKILL))
		unix.Wait4(n, nil, 0, nil)
	}
	assertChildless(t)
}

func TestOrphansAreReapedWhileTheirProcessRuns(t *testing.T) {
	if !alone(t) {
		return
	}
	r := begin(t, marking(t), inShell(`setsid sh -c 'read line & echo "child $!"' <&0; cat; sleep 1000`))
	child := r.await(t, `child (\d+)\n`)
	assert.Eventually(t, func() bool {
		_, err := os.Stat("/proc/" + child)
		return os.IsNotExist(err)
	}, 30*time.Second, time.Millisecond)
	r.cancel(nil)
	_, err := r.Wait()
	require.NoError(t, err)
	assertChildless(t)
}

// Whoever waits for the first process gets its exit code, however late.
func TestTheFirstOfALineageIsReapedByWhoeverWaitsForIt(t *testing.T) {
	if !alone(t) {
		return
	}
	first := exec.Command("sh", "-c", "read line; exit 7")
	end, err := first.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, first.Start())
	k, _ := newLineage(nil)
	require.NoError(t, k.imprint(first.Process.Pid))
	end.Close()
	require.True(t, awaitEnd(first.Process))
	alive, err := k.sweep()
	require.NoError(t, err)
	assert.Empty(t, alive)
	first.Wait()
	assert.Equal(t, 7, first.ProcessState.ExitCode())
}

func TestAFailedStartLeavesNoLineage(t *testing.T) {
	if !alone(t) {
		return
	}
	e := marking(t)
	s := inShell("sleep 1000")
	s.Starting = func(process.Identity) error { return process.ErrShutdown }
	require.ErrorIs(t, startFails(t, e, s), process.ErrShutdown)
	assert.Empty(t, e.lineages.live)
	assertChildless(t)
}

// What a program below this one marks keeps the mark of this one.
func TestALineageHoldsThoseOfTheProgramsInIt(t *testing.T) {
	if !alone(t) {
		return
	}
	outer, ok := newLineage(nil)
	require.True(t, ok)
	other, _ := newLineage(nil)
	assert.False(t, outer.has(other.mark))
	assert.False(t, outer.has(unix.RLIM_INFINITY))
	require.NoError(t, outer.imprint(os.Getpid()))
	inner, ok := newLineage(nil)
	require.True(t, ok)
	next, _ := newLineage(nil)
	assert.True(t, outer.has(inner.mark))
	assert.False(t, inner.has(outer.mark))
	assert.False(t, inner.has(next.mark))
	require.NoError(t, inner.imprint(os.Getpid()))
	_, err := marking(t).lineages.make("/bin/sh")
	var refusal *process.UnsupportedError
	require.ErrorAs(t, err, &refusal)
	assert.Contains(t, refusal.Fix, "RLIMIT_LOCKS")
}

func TestAPrivilegedExecutableIsNotMarked(t *testing.T) {
	if !alone(t) {
		return
	}
	e := marking(t)
	program := e.fsys.Root() + "/tool"
	write(t, program, "#!/bin/sh\n", 0o755)
	require.NoError(t, os.Chmod(program, 0o755|os.ModeSetuid))
	var refusal *process.UnsupportedError
	require.ErrorAs(t, startFails(t, e, process.Spec{Command: "./tool"}), &refusal)
	assert.Contains(t, refusal.Fix, "setuid")
}

// Other users' limits are told by /proc alone.
func TestTheMarkOfAnotherUsersProcessIsSeen(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("takes root, to be another user")
	}
	if !alone(t) {
		return
	}
	k, _ := newLineage(nil)
	require.NoError(t, k.imprint(os.Getpid()))
	var seen uint64
	onThreadOfItsOwn(func() {
		// unix.Setuid is about all threads.
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534)
		assert.Zero(t, errno)
		seen = locksOf(os.Getpid())
	})
	assert.Equal(t, k.mark, seen)
}

func TestWithControlGroupsNobodyIsMarked(t *testing.T) {
	if !alone(t) {
		return
	}
	e := New(grouped(t).fsys, WithSubreaper())
	r := begin(t, e, inShell("sleep 1000"))
	assert.Nil(t, r.Instance.(*instance).group.lineage)
	var is int32
	require.NoError(t, unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&is)), 0, 0, 0))
	assert.Zero(t, is)
	r.cancel(nil)
	_, err := r.Wait()
	require.NoError(t, err)
}

// BenchmarkLook is what it takes to look at all processes, and at a thousand more.
func BenchmarkLook(b *testing.B) {
	k, _ := newLineage(nil)
	b.Run("as it is", func(b *testing.B) {
		for b.Loop() {
			k.sweep()
		}
	})
	crowd := exec.Command("sh", "-c", "n=1000; while [ $n -gt 0 ]; do sleep 1000 & n=$((n-1)); done; echo ready; wait")
	crowd.SysProcAttr = newGroup()
	out, err := crowd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, crowd.Start())
	defer crowd.Wait()
	defer unix.Kill(-crowd.Process.Pid, unix.SIGKILL)
	bufio.NewReader(out).ReadString('\n')
	b.Run("a thousand more", func(b *testing.B) {
		for b.Loop() {
			k.sweep()
		}
	})
}

// BenchmarkLineage is what a mark adds to a run.
func BenchmarkLineage(b *testing.B) {
	fsys, err := fs.New(b.TempDir())
	require.NoError(b, err)
	defer fsys.Close()
	held := func(process.Identity) error { return nil }
	for name, c := range map[string]struct {
		e        *Executor
		starting func(process.Identity) error
	}{"group": {New(fsys), nil}, "group, held": {New(fsys), held}, "marked": {New(fsys, WithSubreaper()), nil}} {
		c.e.trees = nil
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				i, err := c.e.Start(context.Background(), spec(process.Spec{Command: "true", Stdout: io.Discard, Starting: c.starting}))
				require.NoError(b, err)
				_, err = i.Wait()
				require.NoError(b, err)
			}
		})
	}
}
