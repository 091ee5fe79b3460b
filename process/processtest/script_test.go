package processtest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scripts are parameters for the scripts in dir.
func scripts(t *testing.T, dir string) testscript.Params {
	t.Helper()
	e, err := wasm.New(nil, wasm.WithClock(wasm.NewClock(noon)), wasm.WithFallback(userland.Programs()...))
	require.NoError(t, err)
	s := process.New(e)
	t.Cleanup(func() { assert.NoError(t, s.Shutdown(context.Background())) })
	return testscript.Params{
		Dir:  dir,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"cloche": processtest.Script(s)},
	}
}

func TestScriptsRunPrograms(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scripts(t, "testdata/script"))
}

// quiet is a testscript.T that keeps to itself how a script fails.
type quiet struct{ said string }

type stopped struct{}

func (q *quiet) Skip(...any)                           { panic(stopped{}) }
func (q *quiet) Fatal(args ...any)                     { q.FailNow() }
func (q *quiet) Parallel()                             {}
func (q *quiet) Log(args ...any)                       { q.said += args[0].(string) }
func (q *quiet) FailNow()                              { panic(stopped{}) }
func (q *quiet) Run(_ string, test func(testscript.T)) { test(q) }
func (q *quiet) Verbose() bool                         { return false }

func TestAScriptFailsReadably(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"cloche grep moss file\n-- file --\nfern\n":   `grep: exit code 1`,
		"! cloche grep fern file\n-- file --\nfern\n": `grep succeeded unexpectedly`,
		"! cloche gerp fern file\n-- file --\nfern\n": `command "gerp": program not found`,
		"cloche cat absent\n":                         `cat: absent: No such file or directory`,
		"cloche -stdin\n":                             `program not found`,
		"cloche\n":                                    `usage: cloche [-stdin file] program [args...]`,
		"cloche cat ../../../../../../etc/hostname\n": `No such file or directory`,
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "test.txtar"), []byte(script), 0o644))
			q := new(quiet)
			assert.PanicsWithValue(t, stopped{}, func() { testscript.RunT(q, scripts(t, dir)) })
			assert.Contains(t, q.said, want)
		})
	}
}
