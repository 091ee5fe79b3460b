package wasm

import (
	"bytes"
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The test binary plays the other process in tests that need one.
const roleVariable = "CLOCHE_WASM_TEST_ROLE"

var roles = map[string]func() error{
	"compile": compileAndRun,
}

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleVariable)]; ok {
		if err := role(); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// guests is the module path of the guests in testdata.
var guests = os.DirFS("testdata")

func guest(t testing.TB, name string) []byte {
	t.Helper()
	b, err := iofs.ReadFile(guests, name+".wasm")
	require.NoError(t, err)
	return b
}

// newExecutor returns an executor for the guests, without files and cache
// unless the options say otherwise.
func newExecutor(t testing.TB, opts ...Option) *Executor {
	t.Helper()
	return newExecutorOn(t, nil, opts...)
}

func newExecutorOn(t testing.TB, fsys *fs.Fs, opts ...Option) *Executor {
	t.Helper()
	e, err := New(fsys, append([]Option{WithModulePath(guests), WithoutCache()}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// output is what a guest wrote. Its streams may be written at the same time.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// spec is complete, as the seam promises.
func spec(command string, args ...string) process.Spec {
	return process.Spec{
		Command: command,
		Args:    args,
		Stdin:   io.NopCloser(bytes.NewReader(nil)),
		Stdout:  io.Discard,
		Stderr:  io.Discard,
	}
}

// finish runs s to its end.
func finish(t testing.TB, e *Executor, s process.Spec) process.Exit {
	t.Helper()
	i, err := e.Start(t.Context(), s)
	require.NoError(t, err)
	exit, err := i.Wait()
	require.NoError(t, err)
	return exit
}

// refused returns the error of a start that must fail.
func refused(t testing.TB, e *Executor, s process.Spec) error {
	t.Helper()
	i, err := e.Start(t.Context(), s)
	if err == nil {
		_, _ = i.Wait()
	}
	require.Error(t, err)
	return err
}

// pipe is an input whose Close makes a blocked Read return, as the seam promises.
func pipe(t testing.TB) (io.ReadCloser, *io.PipeWriter) {
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r, w
}

// recorder keeps what WithProgress tells.
type recorder struct {
	mu     sync.Mutex
	events []Progress
}

func (r *recorder) record(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, p)
}

func (r *recorder) all() []Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// finished returns the ends only.
func (r *recorder) finished() []Progress {
	return slices.DeleteFunc(r.all(), func(p Progress) bool { return !p.Finished })
}

// compileAndRun runs hello with the cache folder of CLOCHE_WASM_TEST_CACHE, and
// prints whether it was compiled.
func compileAndRun() error {
	var r recorder
	e, err := New(nil, WithModulePath(guests), WithCacheDir(os.Getenv("CLOCHE_WASM_TEST_CACHE")), WithProgress(r.record))
	if err != nil {
		return err
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out output
	s := spec("hello")
	s.Stdout = &out
	i, err := e.Start(ctx, s)
	if err != nil {
		return err
	}
	exit, err := i.Wait()
	if err != nil {
		return err
	}
	if exit.Code != 0 || exit.Reason != nil || out.String() != "hello\n" {
		return errors.New("hello did not run: " + out.String())
	}
	for _, p := range r.finished() {
		if p.Uncached != nil {
			return p.Uncached
		}
	}
	return nil
}

// hostFs returns an Fs on a new directory, and that directory.
func hostFs(t testing.TB) (*fs.Fs, string) {
	t.Helper()
	dir := t.TempDir()
	fsys, err := fs.New(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys, dir
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	file := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, data, 0o644))
}
