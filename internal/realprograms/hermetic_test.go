package realprograms

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
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
