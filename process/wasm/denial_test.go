package wasm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newTestprog is an executor for testprog.
func newTestprog(t *testing.T) *Executor {
	_, program := processtest.Build(t)
	return newExecutor(t, WithModulePath(os.DirFS(filepath.Dir(program))))
}

// watch runs testprog's files through a Service and returns what it printed and
// every refusal and outward link, which must be the same by callback and by event.
func watch(t *testing.T, e *Executor, spec process.Spec, ops ...string) (lines []string, denials []*process.DeniedError, links []process.OutwardLink) {
	t.Helper()
	var mu sync.Mutex
	var denialEvents []*process.DeniedError
	var linkEvents []process.OutwardLink
	s := process.New(stayingOpen{e}, process.WithEvents(func(e process.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case process.DeniedEvent:
			denialEvents = append(denialEvents, e.Denial)
		case process.OutwardLinkEvent:
			linkEvents = append(linkEvents, e.Link)
		}
	}))
	spec.Command, spec.Args = "testprog", append([]string{"files"}, ops...)
	spec.Denied = func(d *process.DeniedError) { denials = append(denials, d) }
	spec.OutwardLink = func(l process.OutwardLink) { links = append(links, l) }
	out, err := s.Run(t.Context(), spec)
	require.NoError(t, err)
	require.NoError(t, s.Shutdown(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, denials, denialEvents)
	assert.Equal(t, links, linkEvents)
	return strings.Split(strings.TrimSpace(string(out.Stdout)), "\n"), denials, links
}

// stayingOpen is not closed with its Service, so that its programs stay compiled.
type stayingOpen struct{ process.Executor }

func TestARefusalReachesTheCallerAsTheGuestNamedIt(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "f", []byte("kept"))
	e := newTestprog(t)
	mounts := []process.Mount{
		{Fs: fsys, Target: "/src", ReadOnly: true},
		{Fs: fsys, Target: "/src/inner"},
	}
	for _, c := range []struct{ step, told, rule string }{
		{"write:f:x => read-only", "open /src/f", fs.RuleReadOnly},
		{"write:/src/f:x => read-only", "open /src/f", fs.RuleReadOnly},
		{"write:absent:x => read-only", "open /src/absent", fs.RuleReadOnly},
		{"write:../x:y => read-only", "open /x", fs.RuleMountsOnly},
		{"symlink:inner/s:/etc/passwd => not permitted", "symlink /src/inner/s", fs.RuleAbsoluteLink},
		{"read:absent => does not exist", "", ""},
		{"read:../../../etc/passwd => does not exist", "", ""},
		{"remove:absent => does not exist", "", ""},
	} {
		op, want, _ := strings.Cut(c.step, " => ")
		lines, denials, _ := watch(t, e, process.Spec{Mounts: mounts, Dir: "/src"}, op)
		_, got, _ := strings.Cut(lines[0], ": ")
		assert.Equal(t, want, got, c.step)
		var told []string
		for _, d := range denials {
			told = append(told, d.Op+" "+d.Path)
			assert.Equal(t, c.rule, d.Rule, c.step)
			assert.NotContains(t, d.Error(), dir, "a host path")
		}
		if c.told == "" {
			assert.Empty(t, told, c.step)
		} else {
			assert.Equal(t, []string{c.told}, told, c.step)
		}
	}
}

func TestAnOutwardSymlinkReachesTheCaller(t *testing.T) {
	t.Parallel()
	fsys, _ := hostFs(t)
	spec := process.Spec{Mounts: []process.Mount{{Fs: fsys, Target: "/a/src"}}, Dir: "/a/src"}
	lines, denials, links := watch(t, newTestprog(t), spec,
		"mkdir:d", "symlink:d/in:../x", "symlink:out:../../x", "symlink:d/up:../../x", "rename:d/in:moved")
	for _, line := range lines {
		assert.Contains(t, line, ": done")
	}
	assert.Empty(t, denials)
	assert.Equal(t, []process.OutwardLink{
		{Path: "/a/src/out", Target: "../../x"},
		{Path: "/a/src/d/up", Target: "../../x"},
		{Path: "/a/src/moved", Target: "../x"},
	}, links)
}

func TestEveryLimitOfTheKernelHasItsWords(t *testing.T) {
	t.Parallel()
	for l := kernel.LimitDescriptors; l <= kernel.LimitPathLength; l++ {
		limit, fix := limitOf(&kernel.LimitError{Limit: l, Max: 7})
		assert.NotEmpty(t, limit.Limit)
		assert.Contains(t, fix, "raise Limits.")
		assert.NotZero(t, limit.Errno)
	}
	_, fix := limitOf(&kernel.LimitError{Limit: kernel.LimitDescriptors, Max: kernel.MaxDescriptors})
	assert.NotContains(t, fix, "raise", "it would not help")
}

func TestAMountThatIsTooDeepIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "d/e/f", nil)
	e := newExecutorOn(t, fsys)
	for field, s := range map[string]process.Spec{
		"mounts": {Mounts: []process.Mount{{Target: "/a/b"}, {Target: "/c"}}, Dir: "/c"},
		"dir":    {Dir: "d/e"},
	} {
		s.Command, s.Limits.Depth = "hello", 1
		err := refused(t, e, s)
		wrong, ok := errors.AsType[*process.SpecError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, field, wrong.Field)
		assert.Contains(t, wrong.Fix, "Limits.Depth")
		limit, ok := errors.AsType[*process.LimitError](err)
		require.True(t, ok)
		assert.Equal(t, process.LimitDepth, limit.Limit)
	}
}
