package native

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// grouped is an executor that has control groups.
func grouped(t testing.TB) *Executor {
	t.Helper()
	e := New(newFs(t))
	g := e.trees.make()
	if g == nil {
		t.Skip("no control groups can be made here")
	}
	g.vanish()
	return e
}

// daemon leaves its session, its group and its parent, and tells its number.
const daemon = `setsid sh -c 'trap "" TERM HUP INT; sleep 1000 </dev/null >/dev/null 2>&1 & echo "child $!"; exit' & wait; `

func inShell(text string) process.Spec {
	return process.Spec{Command: "sh", Args: []string{"-c", text}, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

func TestADaemonEndsWithTheProcessThatItDescendsFrom(t *testing.T) {
	t.Parallel()
	e := grouped(t)
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
			group := r.Instance.(*instance).group.tree.path
			end.stop(r)
			_, err := r.Wait()
			require.NoError(t, err)
			assert.False(t, alive(t, child))
			assert.NoDirExists(t, group)
		})
	}
}

// While it is killed it goes on forking, as fast as it can and into sessions of
// their own.
func TestAForkBombEndsAsAWhole(t *testing.T) {
	t.Parallel()
	r := begin(t, grouped(t), inShell(`
		bomb() { n=$1; while [ $n -gt 0 ]; do setsid sleep 1000 & n=$((n-1)); done; }
		bomb 100 & bomb 100 & echo ready; bomb 100; wait`))
	r.await(t, "ready")
	group := r.Instance.(*instance).group.tree.path
	r.cancel(process.ErrKilled)
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assert.NoDirExists(t, group, "it can only be removed when nobody is left in it")
}

func TestGroupsThatAProcessMakesInItsOwnGoWithIt(t *testing.T) {
	t.Parallel()
	r := begin(t, grouped(t), inShell(`
		own=$(sed -n 's|^0::|`+mountOf(t)+`|p' /proc/self/cgroup)
		mkdir $own/below && echo 0 >$own/below/cgroup.procs || exit
		setsid sleep 1000 &
		echo "child $!"`))
	child := r.await(t, `child (\d+)\n`)
	group := r.Instance.(*instance).Identity().Tree
	_, err := r.Wait()
	require.NoError(t, err)
	assert.NotEmpty(t, group)
	assert.False(t, alive(t, child))
	assert.NoDirExists(t, group)
}

// mountOf is where control groups are mounted, if this program is in the first.
func mountOf(t *testing.T) string {
	t.Helper()
	own, err := ownCgroup("/proc/self/cgroup", "/proc/self/mountinfo")
	require.NoError(t, err)
	text, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(t, err)
	_, path, _ := strings.Cut(string(text), "0::")
	path, _, _ = strings.Cut(path, "\n")
	return strings.TrimSuffix(own, strings.TrimSuffix(path, "/"))
}

func TestWithoutControlGroupsAProcessStartsAllTheSame(t *testing.T) {
	t.Parallel()
	folder := t.TempDir() // no filesystem of control groups
	for name, prefix := range map[string]string{
		"none": "", "not to be made": folder + "/no/such/", "not what they should be": folder + "/group-",
	} {
		e := New(newFs(t))
		e.trees = &trees{prefix: func() string { return prefix }}
		r := begin(t, e, inShell("exit 3"))
		exit, err := r.Wait()
		require.NoError(t, err, name)
		assert.Equal(t, 3, exit.Code, name)
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)

	// And where the kernel does not take it.
	odd, err := os.Open(folder)
	require.NoError(t, err)
	p, err := openStreams(nil, spec(process.Spec{}))
	require.NoError(t, err)
	defer p.closeOurs()
	defer p.closeTheirs()
	e, g := New(newFs(t)), &tree{folder, odd}
	_, _, err = e.begin(spec(inShell("exit")), "/bin/sh", folder, p, g, new(process.Identity))
	require.Error(t, err)
	assert.True(t, g.refused(err, "/bin/sh", folder), "%v", err)
	g.dir.Close()
}

// Its errno may be one that clone3(2) has for a group that it does not take.
func TestAStartingThatFailsIsNotTriedAgainWithoutAGroup(t *testing.T) {
	t.Parallel()
	calls := 0
	s := inShell("exit")
	s.Starting = func(process.Identity) error {
		calls++
		return &os.PathError{Op: "open", Path: "record", Err: os.ErrPermission}
	}
	_, err := New(newFs(t)).Start(t.Context(), spec(s))
	assert.ErrorIs(t, err, os.ErrPermission)
	s.Starting = func(process.Identity) error {
		calls++
		return syscall.EACCES
	}
	_, err = New(newFs(t)).Start(t.Context(), spec(s))
	assert.ErrorIs(t, err, syscall.EACCES)
	assert.Equal(t, 2, calls)
}

// Tried again without a group, it would fail for a limit that needs one, and hide why.
func TestAGroupIsNotToBlameForWhatTheProgramOrItsDirIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/plain", "#!/bin/sh\n", 0o644)
	assert.True(t, (&tree{}).refused(syscall.EACCES, "/bin/sh", dir))
	assert.False(t, (&tree{}).refused(syscall.EACCES, dir+"/plain", dir))
	assert.False(t, (&tree{}).refused(syscall.EACCES, "/bin/sh", dir+"/plain"))
}

func TestGroupsOfProgramsThatAreGoneAreRemoved(t *testing.T) {
	t.Parallel()
	grouped(t)
	own, err := ownCgroup("/proc/self/cgroup", "/proc/self/mountinfo")
	require.NoError(t, err)
	started, err := startTime(os.Getpid())
	require.NoError(t, err)
	gone := filepath.Join(own, fmt.Sprintf("cloche-%d-%d-1000001", os.Getpid(), started+1)) // the number is another's now
	mine := filepath.Join(own, fmt.Sprintf("cloche-%d-%d-1000001", os.Getpid(), started))
	for _, path := range []string{gone, mine} {
		require.NoError(t, os.Mkdir(path, 0o755))
	}
	defer removeGroup(mine)
	removeLeft(own)
	assert.NoDirExists(t, gone)
	assert.DirExists(t, mine)
}

func TestTheOwnControlGroupIsFoundWhereverItIsMounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ memberships, mounts, want string }{
		{"0::/\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup"},
		{"9:name=systemd:/\n0::/user.slice/a b\n", "30 23 0:26 / /sys/fs/cgroup/unified rw shared:1 - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/unified/user.slice/a b"},
		{"0::/docker/x\n", "30 23 0:26 /docker /cg rw - cgroup2 none rw\n", "/cg/x"},
		{"0::/elsewhere\n", "30 23 0:26 /docker /cg rw - cgroup2 none rw\n", ""},
		{"4:memory:/x\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 none rw\n", ""},
		{"0::/\n", "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", ""},
	} {
		dir := t.TempDir()
		write(t, dir+"/cgroup", c.memberships, 0o644)
		write(t, dir+"/mountinfo", c.mounts, 0o644)
		got, err := ownCgroup(dir+"/cgroup", dir+"/mountinfo")
		assert.Equal(t, c.want, got)
		assert.Equal(t, c.want == "", err != nil)
	}
}

// BenchmarkTree is what a control group adds to a start.
func BenchmarkTree(b *testing.B) {
	with := grouped(b)
	without := New(with.fsys)
	without.trees = nil
	for name, e := range map[string]*Executor{"cgroup": with, "group": without} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				i, err := e.Start(context.Background(), spec(process.Spec{Command: "true"}))
				require.NoError(b, err)
				_, err = i.Wait()
				require.NoError(b, err)
			}
		})
	}
}
