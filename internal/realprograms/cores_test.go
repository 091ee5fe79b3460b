package realprograms

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/wasm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// builds is the cache that lasts from one test run to the next.
var builds = sync.OnceValues(func() (*cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	return newCache(filepath.Join(dir, "cloche-test")), nil
})

// built returns the folder of a build.
func built(t *testing.T, key string, build func(dir string) error) string {
	t.Helper()
	c, err := builds()
	require.NoError(t, err)
	dir, err := c.get(key, build)
	require.NoError(t, err)
	return dir
}

// runTimeout ends what hangs, and no more: it is far above what any run takes.
const runTimeout = 3 * time.Minute

// newSandbox makes a Core that knows one program, name, and no files but those
// in dir.
func newSandbox(t *testing.T, dir, name, module string) *core.Core {
	t.Helper()
	program := wasm.Program{Name: name, Module: func() ([]byte, error) { return os.ReadFile(module) }}
	return newCore(t, core.WithFs(dir), core.WithService(wasm.RegisterWith(wasm.WithPrograms(program))))
}

// newHost makes a Core that runs the host's programs in dir: those in folder, or
// in PATH where folder is empty.
func newHost(t *testing.T, dir, folder string) *core.Core {
	t.Helper()
	var opts []native.Option
	if folder != "" {
		opts = append(opts, native.WithPath([]string{folder}))
	}
	return newCore(t, core.WithFs(dir), core.WithService(func(c *core.Core) core.Result {
		return process.Register(c, native.New(c.Fs().Plain(), opts...))
	}))
}

func newCore(t *testing.T, opts ...core.CoreOption) *core.Core {
	t.Helper()
	c := core.New(opts...)
	require.NoError(t, c.Err())
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	t.Cleanup(func() { assert.NoError(t, c.ServiceShutdown(context.Background()).Err()) })
	return c
}

// answer is all that a caller learns from a run.
type answer struct {
	Code           int
	Stdout, Stderr string
}

// run runs spec and expects it to start and to end by itself.
func run(t *testing.T, c *core.Core, spec process.Spec) answer {
	t.Helper()
	out, err := runError(t, c, spec)
	require.NotNil(t, out, "not started: %v", err)
	require.NoError(t, out.Exit.Reason)
	return answer{Code: out.Exit.Code, Stdout: string(out.Stdout), Stderr: string(out.Stderr)}
}

func runError(t *testing.T, c *core.Core, spec process.Spec) (*process.Output, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	return process.For(c).Run(ctx, spec)
}

// text runs a program through c.Process() and expects success.
func text(t *testing.T, r core.Result) string {
	t.Helper()
	out, err := core.Value[string](r)
	require.NoError(t, err)
	return out
}

// failure returns the ExitError in a failed Result.
func failure(t *testing.T, r core.Result) *process.ExitError {
	t.Helper()
	var exit *process.ExitError
	require.ErrorAs(t, r.Err(), &exit)
	return exit
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}
