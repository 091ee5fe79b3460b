package realprograms

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

// Sets of strings come in the order of a random seed where PYTHONHASHSEED is not set.
const chance = `
import os, random, sys, tempfile, time, uuid
print({str(i) for i in range(50)}, random.random(), uuid.uuid4(), time.time(), time.monotonic(), id(object()))
with tempfile.NamedTemporaryFile(dir='.', delete=False) as f: f.write(os.urandom(9))
for name in os.listdir('.'): print(name, os.stat(name))
print(len(sys.stdin.read()))
`

func TestHermeticRunsOfRealProgramsAreTheSame(t *testing.T) {
	t.Parallel()
	lite, jq := buildSqlite(t), gojq.build(t)
	for _, c := range []struct {
		name, module, stdin string
		args                []string
	}{
		{"python", buildPython(t), strings.Repeat("x", 100_000), []string{"-c", chance}},
		{"sqlite3", lite.module, "create table t(a, b); insert into t select random(), datetime('now'); select *, hex(randomblob(9)) from t;", []string{"t.db"}},
		{"gojq", jq.module, `{"b":1,"a":[2]}`, []string{"[., now, $ENV]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			program := wasm.Program{Name: c.name, Module: func() ([]byte, error) { return os.ReadFile(c.module) }}
			sandbox := newCore(t, core.WithService(wasm.RegisterWith(wasm.WithPrograms(program), wasm.WithHermetic(7, time.Unix(1e9, 0)))))
			var answers [4]answer
			var trees [len(answers)]map[string]string
			var all sync.WaitGroup
			for n := range answers {
				dir := t.TempDir()
				all.Go(func() {
					answers[n] = run(t, sandbox, process.Spec{
						Command: c.name, Args: c.args, Env: atHome, Stdin: strings.NewReader(c.stdin),
						Mounts: []process.Mount{{Fs: hostDir(t, dir), Target: "/"}},
					})
					trees[n] = readTree(t, dir)
				})
			}
			all.Wait()
			require.Zero(t, answers[0].Code, answers[0].Stderr)
			assert.NotEmpty(t, answers[0].Stdout)
			for n := range answers {
				assert.Equal(t, answers[0], answers[n])
				assert.Equal(t, trees[0], trees[n])
			}
		})
	}
}

func hostDir(t *testing.T, dir string) *fs.Fs {
	f, err := fs.New(dir)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// toil is a tour of the userland that leaves files behind, asks for time and chance,
// lists directories and is refused something.
var toil = [][]string{
	{"mkdir", "-p", "/w/a/b"},
	{"touch", "/w/a/f", "/w/z"},
	{"date"},
	{"seq", "3000"},
	{"ls", "-laiR", "/w"},
	{"find", "/w"},
	{"tee", "/w/a/b/t"},
	{"cp", "-r", "/w/a", "/w/c"},
	{"stat", "/w/c"},
	{"ln", "-s", "/etc/passwd", "/w/out"},
	{"sha256sum", "/w/absent"},
	{"sleep", "2"},
}

// happened is what a service tells of one process, but for its id and for when it was.
func happened(all []process.Event) (lines []string) {
	for _, e := range all {
		switch e := e.(type) {
		case process.OutputEvent:
			lines = append(lines, fmt.Sprintf("%s at %d: %q", e.Stream, e.Offset, e.Data))
		case process.DeniedEvent:
			lines = append(lines, e.Denial.Error())
		case process.ExitedEvent:
			lines = append(lines, fmt.Sprintf("%d %v, fuel %d, memory %d", e.Exit.Code, e.Exit.Reason, e.Exit.Usage.Fuel, e.Exit.Usage.Memory))
		default:
			lines = append(lines, fmt.Sprintf("%T", e))
		}
	}
	return lines
}

// While others keep the machine busy, too.
func TestHermeticRunsOfTheUserlandTellTheSameEventsAndLeaveTheSameTree(t *testing.T) {
	t.Parallel()
	type life struct {
		events []string
		tree   reapi.Digest
	}
	live := func(t *testing.T) life {
		var mu sync.Mutex
		told := make(map[string][]process.Event) // there is no order among processes
		e, err := wasm.New(nil, wasm.WithFallback(userland.Programs()...), wasm.WithHermetic(7, time.Unix(1e9, 0)))
		require.NoError(t, err)
		s := process.New(e, process.WithEvents(func(e process.Event) {
			mu.Lock()
			defer mu.Unlock()
			told[e.ProcessID()] = append(told[e.ProcessID()], e)
		}))
		files := hostDir(t, t.TempDir())
		var ids []string
		for _, command := range toil {
			h, err := s.Start(t.Context(), process.Spec{
				Command: command[0], Args: command[1:], Mounts: []process.Mount{{Fs: files, Target: "/w"}},
			})
			require.NoError(t, err)
			h.Wait(t.Context())
			ids = append(ids, h.ID())
		}
		require.NoError(t, s.Shutdown(t.Context())) // which awaits the last events
		tree, err := reapi.Read(files)
		require.NoError(t, err)
		l := life{tree: tree.Digest()}
		for _, id := range ids {
			l.events = append(l.events, happened(told[id])...)
		}
		return l
	}
	want := live(t)
	busy, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for busy.Err() == nil {
				runtime.Gosched()
			}
		})
	}
	var lives [3]life
	var runs sync.WaitGroup
	for n := range lives {
		runs.Go(func() { lives[n] = live(t) })
	}
	runs.Wait()
	cancel()
	all.Wait()
	for _, l := range lives {
		assert.Equal(t, want, l)
	}
	assert.Contains(t, strings.Join(want.events, "\n"), fs.RuleAbsoluteLink, "a refusal is among them")
}
