package native

import (
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newFolder is a group without a kernel behind it: what it is told, it says.
func newFolder(t *testing.T, files ...string) *tree {
	t.Helper()
	parent := t.TempDir()
	write(t, filepath.Join(parent, "cgroup.subtree_control"), "", 0o644)
	for _, f := range files {
		write(t, filepath.Join(parent, "group", f), "", 0o644)
	}
	return &tree{path: filepath.Join(parent, "group")}
}

func assertSays(t *testing.T, g *tree, file, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(g.path, file))
	require.NoError(t, err)
	assert.Equal(t, want, string(got), file)
}

var memoryFiles = []string{"memory.max", "memory.swap.max", "memory.oom.group", "memory.events"}

func boundIn(t *testing.T, tree *tree, l process.Limits) *bounds {
	t.Helper()
	b, err := bound(process.Spec{Limits: l}, "/bin/sh", tree)
	require.NoError(t, err)
	return b
}

func TestATreeIsBoundedByItsCgroup(t *testing.T) {
	t.Parallel()
	tree := newFolder(t, append(memoryFiles, "pids.max")...)
	b := boundIn(t, tree, process.Limits{Memory: 64 << 20, Processes: 12})
	assert.Empty(t, b.unmet)
	assert.Empty(t, b.rlimits, "of no process by itself")
	assertSays(t, tree, "memory.max", "67108864")
	assertSays(t, tree, "memory.swap.max", "0")
	assertSays(t, tree, "memory.oom.group", "1")
	assertSays(t, tree, "pids.max", "12")
}

func TestAKernelWithoutSwapBoundsMemoryToo(t *testing.T) {
	t.Parallel()
	tree := newFolder(t, "memory.max", "memory.oom.group")
	assert.Empty(t, boundIn(t, tree, process.Limits{Memory: 64 << 20}).unmet)
}

func TestWithoutTheControllerALimitOfTheTreeIsRefusedUnlessByBestEffort(t *testing.T) {
	t.Parallel()
	for name, tree := range map[string]*tree{
		"no cgroup":           nil,
		"no controllers":      newFolder(t, "cgroup.procs"),
		"no memory.oom.group": newFolder(t, "memory.max", "memory.swap.max"),
		"files that refuse":   newFolder(t, "memory.max/in-use", "memory.swap.max", "memory.oom.group", "pids.max/in-use"),
	} {
		for field, l := range map[string]process.Limits{"memory": {Memory: 64 << 20}, "processes": {Processes: 12}} {
			_, err := bound(process.Spec{Limits: l}, "/bin/sh", tree)
			var refusal *process.UnsupportedError
			require.ErrorAs(t, err, &refusal, "%s: %s", name, field)
			assert.Equal(t, "limits."+field, refusal.Field)
			assert.Contains(t, refusal.Fix, "native.WithCgroup")

			l.BestEffort = true
			assert.Equal(t, []string{field}, boundIn(t, tree, l).unmet)
		}
	}
}

func TestAControllerIsAskedForAbove(t *testing.T) {
	t.Parallel()
	tree := newFolder(t, "cgroup.procs")
	boundIn(t, tree, process.Limits{Processes: 12, BestEffort: true})
	assertSays(t, tree, "../cgroup.subtree_control", "+pids")
}

func TestAKillForWantOfMemoryIsToldFromOthers(t *testing.T) {
	t.Parallel()
	tree := newFolder(t, memoryFiles...)
	b := boundIn(t, tree, process.Limits{Memory: 64 << 20})
	over := &process.LimitError{Limit: process.LimitMemory, Max: 64 << 20}
	for _, c := range []struct {
		events string
		sig    process.Signal
		want   error
	}{
		{"low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 1\n", process.SIGKILL, over},
		{"low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n", process.SIGTERM, nil},
		{"low 0\nhigh 0\nmax 9\noom 0\noom_kill 0\n", process.SIGKILL, nil},
		{"low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\n", process.SIGKILL, nil}, // the host's memory
		{"", process.SIGKILL, nil},
	} {
		write(t, tree.path+"/memory.events", c.events, 0o644)
		assert.Equal(t, c.want, b.exceeded(c.sig), c.events)
	}
	assert.NoError(t, boundIn(t, tree, process.Limits{}).exceeded(process.SIGKILL))
}

// controlled is an executor whose processes get groups with a controller, in a place
// that has nobody in it.
func controlled(t *testing.T, controller string) *Executor {
	t.Helper()
	own, err := ownCgroup("/proc/self/cgroup", "/proc/self/mountinfo")
	if err != nil {
		t.Skip("no control groups can be made here")
	}
	place, err := os.MkdirTemp(own, "cloche-test-")
	if err != nil {
		t.Skip("no control groups can be made here")
	}
	t.Cleanup(func() { removeGroup(place) })
	e := New(newFs(t), WithCgroup(place))
	g := e.trees.make()
	require.NotNil(t, g)
	defer g.remove()
	writeTo(filepath.Join(own, "cgroup.subtree_control"), "+"+controller)
	if !g.has(controller + ".max") {
		t.Skipf("there is no %s controller of version 2 here", controller)
	}
	return e
}

func TestATreeThatTakesMoreMemoryThanItsLimitIsEndedAsAWhole(t *testing.T) {
	t.Parallel()
	e := controlled(t, "memory")
	s := inShell(`sleep 1000 & echo "child $!"; head -c 40000000 /dev/zero | tail -n 1 | wc -c`)
	s.Limits.Memory = 16 << 20
	r := begin(t, e, s)
	assert.Empty(t, r.Instance.(*instance).Unmet())
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, &process.LimitError{Limit: process.LimitMemory, Max: 16 << 20}, exit.Reason)
	assert.Equal(t, process.SIGKILL, exit.Signal)
	assert.False(t, alive(t, r.await(t, `child (\d+)\n`)))

	s.Limits.Memory = 256 << 20
	exit, err = begin(t, e, s).Wait()
	require.NoError(t, err)
	assert.Equal(t, process.Exit{Usage: exit.Usage}, exit)
}

func TestATreeCannotForkBeyondItsLimit(t *testing.T) {
	t.Parallel()
	e := controlled(t, "pids")
	s := inShell(`sleep 1000 & (sleep 1000 & sleep 1000; echo three) || exit 9`)
	s.Limits.Processes = 3 // the shell, the first sleep and the subshell
	r := begin(t, e, s)
	assert.Empty(t, r.Instance.(*instance).Unmet())
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.NotEqual(t, 0, exit.Code)
	assert.Contains(t, r.text(), "ork")
	assert.NotContains(t, r.text(), "three")
}
