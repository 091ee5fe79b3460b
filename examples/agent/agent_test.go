package main

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Processes are the Core's to run, files the Fs's to write, and nothing is signalled
// by a number.
func TestTheAgentGoesAroundNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	forbidden := map[string]bool{"os/exec": true, "syscall": true, "unsafe": true, "golang.org/x/sys/unix": true}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, i := range file.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			assert.False(t, forbidden[path], "%s imports %s", name, path)
			assert.False(t, path == "os" && name != "main.go", "%s imports os: only main has a terminal and a file system of its own", name)
		}
	}
}

// rig is an Agent that serves until the test ends, over a directory of its own.
type rig struct {
	*Agent
	t    *testing.T
	stop func()
}

func serve(t *testing.T, root string, backend func(*core.Core) core.Result, tools map[string]Tool, most int) *rig {
	t.Helper()
	c := core.New(core.WithFs(root), core.WithService(backend))
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	a := New(c, tools, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root}, most, slog.NewTextHandler(io.Discard, nil))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx) }()
	r := &rig{Agent: a, t: t}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, c.ServiceShutdown(context.Background()).Err())
	}
	t.Cleanup(r.stop)
	return r
}

// await is for a workspace to be in a state.
func (r *rig) await(name string, want State) Status {
	r.t.Helper()
	var s Status
	require.Eventually(r.t, func() bool {
		s, _ = r.status(name)
		return s.Status == want
	}, time.Minute, time.Millisecond, "%s does not become %s", name, want)
	return s
}

func (r *rig) atWork(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.works[name] != nil
}

func fake(f processtest.Fake) func(*core.Core) core.Result {
	return func(c *core.Core) core.Result { return process.Register(c, f) }
}

var tools = map[string]Tool{"coder": {Command: "code"}}

var job = Job{Agent: "coder", Task: "mend it"}

func TestAJobIsOnDiskAtEveryStep(t *testing.T) {
	t.Parallel()
	var seen Status
	var r *rig
	ready := make(chan struct{})
	r = serve(t, t.TempDir(), fake(processtest.Fake{"code": func(p *processtest.Process) int {
		<-ready
		seen, _ = r.status("w")
		task, _ := io.ReadAll(p.Stdin)
		r.files().Write("w/pr_url", []byte("https://example.org/pr/1\n"))
		return len(task) - len("mend it")
	}}), tools, 1)
	close(ready)
	require.NoError(t, r.Dispatch("w", job))
	got := r.await("w", Completed)
	assert.Equal(t, Running, seen.Status, "before the tool could do anything")
	assert.NotEmpty(t, seen.ProcessID)
	assert.False(t, seen.StartedAt.IsZero())
	assert.Equal(t, 1, got.Runs)
	assert.Equal(t, "https://example.org/pr/1", got.PRURL)
	assert.Empty(t, got.ProcessID)
	assert.Error(t, r.Dispatch("w", job), "it is there already")
	assert.Error(t, r.Dispatch("../w", job))
	assert.Error(t, r.Dispatch("v", Job{Agent: "nobody"}))
}

func TestAQuestionIsAnsweredAndTheWorkGoesOn(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	var r *rig
	r = serve(t, t.TempDir(), fake(processtest.Fake{"code": func(p *processtest.Process) int {
		<-ready
		if answer, err := r.files().Read("w/answer.md"); err == nil && string(answer) == "left" {
			return 0
		}
		r.files().Write("w/question.md", []byte("left or right?"))
		return 0
	}}), tools, 1)
	close(ready)
	require.NoError(t, r.Dispatch("w", job))
	assert.Equal(t, "left or right?", r.await("w", Asking).Question)
	require.NoError(t, r.Resume("w", "left"))
	got := r.await("w", Completed)
	assert.Empty(t, got.Question)
	assert.Equal(t, 2, got.Runs)
}

func TestAFailureSaysWhy(t *testing.T) {
	t.Parallel()
	r := serve(t, t.TempDir(), fake(processtest.Fake{"code": func(p *processtest.Process) int { return 3 }}),
		map[string]Tool{"coder": tools["coder"], "absent": {Command: "absent"}}, 2)
	require.NoError(t, r.Dispatch("fails", job))
	require.NoError(t, r.Dispatch("cannot", Job{Agent: "absent"}))
	assert.Contains(t, r.await("fails", Failed).Reason, "exit code 3")
	assert.Contains(t, r.await("cannot", Failed).Reason, "program not found")
}

func hang(p *processtest.Process) int {
	<-p.Context.Done()
	return 137
}

func TestAKillReachesTheFileBeforeItReturns(t *testing.T) {
	t.Parallel()
	r := serve(t, t.TempDir(), fake(processtest.Fake{"code": func(p *processtest.Process) int {
		select {
		case <-p.Signals:
			return 0
		case <-p.Context.Done():
			return 137
		}
	}}), tools, 1)
	require.NoError(t, r.Dispatch("runs", job))
	r.await("runs", Running)
	require.NoError(t, r.Dispatch("waits", job))
	for _, name := range []string{"runs", "waits"} {
		require.NoError(t, r.Kill(t.Context(), name))
		s, err := r.status(name)
		require.NoError(t, err)
		assert.Equal(t, Killed, s.Status, name)
		assert.NoError(t, r.Kill(t.Context(), name), "a second time")
	}
	assert.ErrorIs(t, r.Kill(t.Context(), "nobody"), ErrWorkspace)
}

func TestAnotherProgramsKillIsCarriedOut(t *testing.T) {
	t.Parallel()
	r := serve(t, t.TempDir(), fake(processtest.Fake{"code": hang}), tools, 1)
	require.NoError(t, r.Dispatch("w", job))
	s := r.await("w", Running)
	_, err := r.update("w", s.Runs, become(Killing)) // as by another program
	require.NoError(t, err)
	h, ok := process.For(r.core).Get(s.ProcessID)
	require.True(t, ok)
	require.NoError(t, h.Signal(process.SIGKILL)) // sooner than after its grace period
	r.await("w", Killed)
}

func TestTheQueueIsWorkedOffInOrderAndNotAllAtOnce(t *testing.T) {
	t.Parallel()
	order, release := make(chan string, 10), make(chan struct{})
	r := serve(t, t.TempDir(), fake(processtest.Fake{"code": func(p *processtest.Process) int {
		order <- strings.TrimSuffix(p.Dir, "/src")
		<-release
		return 0
	}}), tools, 2)
	want := []string{"d", "c", "b", "a", "e"}
	for i, name := range want {
		require.NoError(t, r.Dispatch(name, job))
		if i < 2 { // who is taken first of these is chance otherwise
			assert.Equal(t, name, <-order)
		}
	}
	for _, name := range want[2:] {
		select {
		case name := <-order:
			t.Errorf("%s is a third", name)
		default:
		}
		release <- struct{}{}
		assert.Equal(t, name, <-order)
	}
	close(release)
	for _, name := range want {
		r.await(name, Completed)
	}
}

func TestWhatIsStaleOrNoStepIsRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	c := core.New(core.WithFs(root))
	a := New(c, tools, nil, 1, slog.DiscardHandler)
	require.NoError(t, a.Dispatch("w", job))
	s, err := a.update("w", 0, func(s *Status) error { s.Runs++; return become(Preparing)(s) })
	require.NoError(t, err)
	_, err = a.update("w", 0, become(Failed))
	assert.ErrorIs(t, err, ErrStale)
	_, err = a.update("w", s.Runs, become(Completed))
	var step *TransitionError
	require.ErrorAs(t, err, &step)
	assert.Equal(t, TransitionError{Preparing, Completed}, *step)
	now, err := a.status("w")
	require.NoError(t, err)
	assert.Equal(t, s, now, "nothing was written")
}

func TestOneAgentServes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := serve(t, root, fake(processtest.Fake{}), tools, 1)
	require.Eventually(t, func() bool { return r.files().Exists(pidFile) }, time.Minute, time.Millisecond)
	c := core.New(core.WithFs(root), core.WithService(fake(processtest.Fake{})))
	second := New(c, tools, nil, 1, slog.DiscardHandler)
	require.Eventually(t, func() bool { // the first may not have begun
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, held := errors.AsType[*fs.HeldError](second.Serve(ctx))
		return held
	}, time.Minute, time.Millisecond)
}

// The same agent, and the same tool, on both backends: cat writes the task into the log.
func TestToolsRunNativelyOrInTheSandbox(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []bool{false, true} {
		t.Run(fmt.Sprintf("sandbox %v", sandbox), func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			r := serve(t, root, backend(sandbox), map[string]Tool{
				"reader": {Command: "cat"}, "failing": {Command: "cat", Args: []string{"absent"}},
				"sleeper": {Command: "sleep", Args: []string{"1000"}},
			}, 4)
			require.NoError(t, r.Dispatch("reads", Job{Agent: "reader", Task: "mend it\n"}))
			require.NoError(t, r.Dispatch("fails", Job{Agent: "failing"}))
			require.NoError(t, r.Dispatch("sleeps", Job{Agent: "sleeper"}))
			assert.Equal(t, 1, r.await("reads", Completed).Runs)
			text, err := r.files().Read("reads/log")
			require.NoError(t, err)
			assert.Equal(t, "mend it\n", string(text))
			assert.Contains(t, r.await("fails", Failed).Reason, "exit code 1")
			assert.Equal(t, !sandbox, r.await("sleeps", Running).PID > 0, "a guest has none")
			require.NoError(t, r.Kill(t.Context(), "sleeps"))

			// At its end, the agent leaves what can be found again, and queues what cannot.
			require.NoError(t, r.Resume("sleeps", ""))
			before := r.await("sleeps", Running)
			r.stop()
			after, err := New(core.New(core.WithFs(root)), nil, nil, 0, slog.DiscardHandler).status("sleeps")
			require.NoError(t, err)
			if sandbox {
				assert.Equal(t, Queued, after.Status)
				return
			}
			assert.Equal(t, before, after)
			r = serve(t, root, backend(sandbox), map[string]Tool{"sleeper": {Command: "sleep"}}, 4)
			require.Eventually(t, func() bool { return r.atWork("sleeps") }, time.Minute, time.Millisecond)
			require.NoError(t, r.Kill(t.Context(), "sleeps"))
			assert.Equal(t, before.Runs, r.await("sleeps", Killed).Runs, "the same run")
		})
	}
}
