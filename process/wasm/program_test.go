package wasm

import (
	"bytes"
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program runs the guest argv0 under names.
func program(t testing.TB, name string, commands ...string) Program {
	b := guest(t, "argv0")
	return Program{Name: name, Commands: commands, Module: func() ([]byte, error) { return b, nil }}
}

func says(t testing.TB, e *Executor, s process.Spec) string {
	t.Helper()
	var out output
	s.Stdout = &out
	exit := finish(t, e, s)
	require.Equal(t, 0, exit.Code)
	require.NoError(t, exit.Reason)
	return out.String()
}

func failing(name string, err error) Program {
	return Program{Name: name, Module: func() ([]byte, error) { return nil, err }}
}

func TestProgramsAreLookedUpInCodeThenInThePathThenInTheFallback(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong one")
	module := &fstest.MapFile{Data: guest(t, "argv0")}
	e := newExecutor(t,
		WithFallback(program(t, "c"), failing("b", wrong), failing("a", wrong)),
		WithModulePath(fstest.MapFS{"b.wasm": module, "a.wasm": {}}, fstest.MapFS{"b.wasm": {}}),
		WithPrograms(program(t, "a")),
	)
	for command, from := range map[string]Source{"a": Registered, "b": ModulePath, "c": Fallback} {
		assert.Equal(t, command, says(t, e, spec(command)))
		found, source, err := e.Find(command)
		require.NoError(t, err)
		assert.Equal(t, from, source)
		b, err := found.Module()
		require.NoError(t, err)
		assert.Equal(t, module.Data, b)
	}
	for _, command := range []string{"d", "", "./a", "a.wasm"} {
		_, _, err := e.Find(command)
		assert.ErrorIs(t, err, process.ErrNotFound)
	}
}

func TestProgramsListsWhatWouldBeRun(t *testing.T) {
	t.Parallel()
	e, err := New(nil, WithoutCache(),
		WithPrograms(program(t, "z")),
		WithModulePath(fstest.MapFS{"z.wasm": {}, "y.wasm": {}, "notes.txt": {}, ".wasm": {}}, fstest.MapFS{"y.wasm": {}, "x.wasm": {}}),
		WithFallback(program(t, "box", "y", "w", "v")))
	require.NoError(t, err)
	defer e.Close()
	assert.Equal(t, []ProgramInfo{
		{"v", "box", Fallback},
		{"w", "box", Fallback},
		{"x", "x.wasm", ModulePath},
		{"y", "y.wasm", ModulePath},
		{"z", "z", Registered},
	}, e.Programs())
}

func TestAModuleOfManyProgramsSeesWhichOneIsMeant(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int32
	b := guest(t, "argv0")
	box := Program{Name: "box", Commands: []string{"ls", "cat"}, Module: func() ([]byte, error) {
		fetched.Add(1)
		return b, nil
	}}
	var r recorder
	e := newExecutor(t, WithPrograms(box), WithProgress(r.record))
	assert.Equal(t, "ls", says(t, e, spec("ls")))
	assert.Equal(t, "cat", says(t, e, spec("cat")))
	assert.ErrorIs(t, refused(t, e, spec("box")), process.ErrNotFound)
	assert.EqualValues(t, 1, fetched.Load(), "the module is fetched once")
	assert.Len(t, r.finished(), 1, "and compiled once")
}

func TestUnknownCommandsAreNotFound(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "planted", guest(t, "hello"))
	write(t, dir, "planted.wasm", guest(t, "hello"))
	e := newExecutorOn(t, fsys)
	for _, command := range []string{
		"nope", "planted", "", ".", "..", "a\x00b", "hello\x00", "\xff", "HELLO",
		"nope.wasm", "./nope.wasm", "/nope", "no/such/dir/x.wasm", "../../etc/nope.wasm",
	} {
		err := refused(t, e, spec(command))
		require.ErrorIs(t, err, process.ErrNotFound, "%q", command)
		at, ok := errors.AsType[*process.SpecError](err)
		require.True(t, ok)
		assert.Equal(t, "command", at.Field)
		assert.Equal(t, command, at.Value)
		assert.NotEmpty(t, at.Fix)
	}
}

func TestWrongProgramsAreRefusedWhenTheExecutorIsMade(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]Option{
		"no name":           WithPrograms(program(t, "")),
		"a slash":           WithPrograms(program(t, "bin/x")),
		"a path":            WithPrograms(program(t, "x.wasm")),
		"a NUL":             WithPrograms(program(t, "x\x00")),
		"dots":              WithFallback(program(t, "..")),
		"twice":             WithPrograms(program(t, "x"), program(t, "x")),
		"twice in one":      WithFallback(program(t, "x", "y", "y")),
		"no module":         WithPrograms(Program{Name: "x"}),
		"too little memory": WithMemoryLimit(pageSize - 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(nil, opt)
			require.ErrorIs(t, err, process.ErrInvalid)
			at, ok := errors.AsType[*process.SpecError](err)
			require.True(t, ok)
			assert.NotEmpty(t, at.Fix)
		})
	}
}

func TestAModuleThatCannotBeFetchedIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	var works atomic.Bool
	b := guest(t, "argv0")
	e := newExecutor(t, WithPrograms(Program{Name: "p", Module: func() ([]byte, error) {
		if works.Load() {
			return b, nil
		}
		return nil, broken
	}}, Program{Name: "panics", Module: func() ([]byte, error) { panic("oh") }}))
	assert.ErrorIs(t, refused(t, e, spec("p")), broken)
	assert.ErrorContains(t, refused(t, e, spec("panics")), "oh")
	works.Store(true)
	assert.Equal(t, "p", says(t, e, spec("p")))
}

func TestANewBuildInTheModulePathIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := newExecutor(t, WithModulePath(os.DirFS(dir)))
	write(t, dir, "tool.wasm", guest(t, "argv0"))
	assert.Equal(t, "tool", says(t, e, spec("tool")))
	write(t, dir, "tool.wasm", guest(t, "hello"))
	assert.Equal(t, "hello\n", says(t, e, spec("tool")))
}

// brokenFS fails for one name.
type brokenFS struct{ err error }

func (f brokenFS) Open(name string) (iofs.File, error) {
	return nil, &iofs.PathError{Op: "open", Path: name, Err: f.err}
}

func TestAProgramThatCannotBeReadIsNotReplacedByAnotherOfItsName(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, WithModulePath(brokenFS{iofs.ErrPermission}), WithFallback(program(t, "tool")))
	err := refused(t, e, spec("tool"))
	assert.ErrorIs(t, err, iofs.ErrPermission)
	assert.NotErrorIs(t, err, process.ErrNotFound)
}

func TestAPathRunsAModuleOfTheFs(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "bin/tool.wasm", guest(t, "argv0"))
	write(t, dir, "bin/plain", guest(t, "argv0"))
	require.NoError(t, os.Symlink("bin/tool.wasm", filepath.Join(dir, "link.wasm")))
	e := newExecutorOn(t, fsys)
	in := func(dir, command string) process.Spec {
		s := spec(command)
		s.Dir = dir
		return s
	}
	for _, s := range []process.Spec{
		spec("/bin/tool.wasm"), spec("bin/tool.wasm"), spec("./bin/plain"), spec("link.wasm"), spec("../bin/tool.wasm"),
		in("bin", "tool.wasm"), in("/bin", "./plain"), in("bin", "../link.wasm"), in("bin", "/link.wasm"),
	} {
		assert.Equal(t, s.Command, says(t, e, s))
	}
}

func TestAPathThatIsNoModuleIsRefused(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	outside := t.TempDir()
	write(t, outside, "secret.wasm", guest(t, "hello"))
	write(t, dir, "notes.wasm", []byte("just words\n"))
	write(t, dir, "sub.wasm/x", nil)
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret.wasm"), filepath.Join(dir, "out.wasm")))
	e := newExecutorOn(t, fsys)

	err := refused(t, e, spec("notes.wasm"))
	assertNotExecutable(t, err, "notes.wasm")
	assert.Contains(t, err.Error(), "it is text")

	err = refused(t, e, spec("./sub.wasm"))
	assertNotExecutable(t, err, "./sub.wasm")
	assert.Contains(t, err.Error(), "it is a directory")

	err = refused(t, e, spec("out.wasm"))
	_, denied := errors.AsType[*process.DeniedError](err)
	assert.True(t, denied, "%v", err)
	assert.NotContains(t, err.Error(), outside)
}

func TestWithoutAnFsEveryPathIsDenied(t *testing.T) {
	t.Parallel()
	for _, fsys := range []*fs.Fs{nil, {}} {
		_, denied := errors.AsType[*process.DeniedError](refused(t, newExecutorOn(t, fsys), spec("./tool.wasm")))
		assert.True(t, denied)
	}
}

func TestOneCompilationServesAllWhoWait(t *testing.T) {
	t.Parallel()
	var r recorder
	e := newExecutor(t, WithProgress(r.record))
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			i, err := e.Start(t.Context(), spec("hello"))
			if assert.NoError(t, err) {
				_, err = i.Wait()
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	assert.Len(t, r.finished(), 1)
}

func TestOnlySoManyUnusedModulesAreKept(t *testing.T) {
	t.Parallel()
	files := make(fstest.MapFS)
	b := guest(t, "argv0")
	names := make([]string, maxIdleModules+1)
	for n := range names {
		names[n] = string(rune('a'+n%26)) + string(rune('a'+n/26))
		// A custom section makes it another module.
		other := append(bytes.Clone(b), 0, 4, 2, byte('a'+n%26), byte('a'+n/26), 0)
		files[names[n]+".wasm"] = &fstest.MapFile{Data: other}
	}
	var r recorder
	e := newExecutor(t, WithModulePath(files), WithProgress(r.record))
	for _, name := range names {
		assert.Equal(t, name, says(t, e, spec(name)))
	}
	assert.Len(t, r.finished(), len(names))
	says(t, e, spec(names[len(names)-1]))
	assert.Len(t, r.finished(), len(names), "the last one is still there")
	says(t, e, spec(names[0]))
	assert.Len(t, r.finished(), len(names)+1, "the first one had to go")
}
