package processtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/wasm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testprogs are the native and the wasm backend for the program of this package.
func testprogs(t testing.TB) (onHost, inSandbox func(*core.Core) core.Result) {
	program, module := processtest.Build(t)
	return native.RegisterWith(native.WithPath([]string{filepath.Dir(program)})),
		wasm.RegisterWith(wasm.WithModulePath(os.DirFS(filepath.Dir(module))))
}

func TestBothBackendsDoTheSame(t *testing.T) {
	t.Parallel()
	onHost, inSandbox := testprogs(t)
	outputs := processtest.Both(t, "-- dir/file --\ntext\n", onHost, inSandbox,
		process.Spec{Command: "testprog", Args: []string{"cat"}, Stdin: strings.NewReader("input\xff")},
		process.Spec{Command: "testprog", Args: []string{"files", "read:dir/file", "write:new:1", "remove:dir/file"}},
		process.Spec{Command: "testprog", Args: []string{"exit", "7"}},
		process.Spec{Command: "no-such-program"},
	)
	require.Len(t, outputs, 4)
	assert.Equal(t, "input\xff", string(outputs[0].Stdout))
	assert.Equal(t, 7, outputs[2].Exit.Code)
	assert.Equal(t, 127, outputs[3].Exit.Code)
}

func TestBothTellsHowBackendsDiffer(t *testing.T) {
	t.Parallel()
	tool := func(stdout, file string, code int) func(*core.Core) core.Result {
		return func(c *core.Core) core.Result {
			return process.Register(c, processtest.Fake{"tool": func(p *processtest.Process) int {
				_, _ = p.Stdout.Write([]byte("begin\n" + stdout))
				_ = c.Fs().Plain().Write("made", []byte(file))
				return code
			}})
		}
	}
	one := tool("same\n", "same\n", 0)
	for name, test := range map[string]struct {
		other func(*core.Core) core.Result
		want  string
	}{
		"stdout": {tool("other\n", "same\n", 0), " begin\n-same\n+other\n stderr:\n"},
		"exit":   {tool("same\n", "same\n", 2), "-exit code 0\n+exit code 2\n"},
		"files":  {tool("same\n", "other\n", 0), " files:\n -- made --\n-same\n+other\n"},
		"end":    {tool("same", "same\n", 0), "+stdout (quoted):\n+\"begin\\n\"\n+\"same\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := failing(t, func(tb testing.TB) {
				processtest.Both(tb, "", one, test.other, process.Spec{Command: "tool", Args: []string{"x y"}})
			})
			assert.True(t, strings.HasPrefix(said, "the backends differ\n"), said)
			assert.Contains(t, said, test.want)
		})
	}
}
