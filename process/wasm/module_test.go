package wasm

import (
	"bytes"
	"errors"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestModulesThatCannotRunAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for command, want := range map[string]string{
		"nostart":      "exports no function _start",
		"reactor":      "is a reactor (it exports _initialize)",
		"startglobal":  "_start is a global, not a function",
		"startparam":   "_start takes or returns values",
		"signature":    "with another signature than theirs: wasi_snapshot_preview1.proc_exit",
		"importmemory": "imports what a guest does not have: env.memory (a memory)",
		"imports": "imports what a guest does not have: env.base (a global), env.system, env.table (a table), " +
			"wasi_snapshot_preview1.proc_spawn",
		"bigmemory": "needs 4294967296 bytes of memory to start, and the limit is 1073741824",
		"bigtable":  "wants tables of 100000000 entries",
		"invalid":   "is not a valid module",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			err := refused(t, e, spec(command))
			assertNotExecutable(t, err, command)
			assert.Contains(t, err.Error(), want)
		})
	}
}

func assertNotExecutable(t testing.TB, err error, command string) {
	t.Helper()
	assert.ErrorIs(t, err, process.ErrNotExecutable)
	at, ok := errors.AsType[*process.SpecError](err)
	require.True(t, ok)
	assert.Equal(t, "command", at.Field)
	assert.Equal(t, command, at.Value)
	assert.NotEmpty(t, at.Fix)
	_, ok = errors.AsType[*ModuleError](err)
	assert.True(t, ok)
}

func TestUnknownImportsAreAListForPrograms(t *testing.T) {
	t.Parallel()
	m, ok := errors.AsType[*ModuleError](refused(t, newExecutor(t), spec("imports")))
	require.True(t, ok)
	assert.Equal(t, []string{"env.base (a global)", "env.system", "env.table (a table)", "wasi_snapshot_preview1.proc_spawn"}, m.Imports)
}

func TestFilesThatAreNoModulesAreRefusedAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	hello := guest(t, "hello")
	files := map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "it is empty"},
		"text":      {[]byte("just words\n"), "it is text"},
		"letter":    {[]byte("x"), "it is text"},
		"script":    {[]byte("#!/bin/sh\nexit 0\n"), "it is a script"},
		"elf":       {[]byte("\x7fELF\x02\x01\x01\x00"), "it is a native executable"},
		"gzip":      {[]byte("\x1f\x8b\x08\x00\x00\x00\x00"), "it is a gzip archive"},
		"other":     {[]byte("\x89PNG\r\n\x1a\n\x00"), "it is some other file"},
		"magic":     {hello[:4], "truncated"},
		"half":      {hello[:2], "truncated"},
		"component": {[]byte("\x00asm\x0d\x00\x01\x00"), "is a WebAssembly component"},
		"version2":  {[]byte("\x00asm\x02\x00\x00\x00"), "unknown WebAssembly version 02 00 00 00"},
		"cut":       {hello[:len(hello)/2], "truncated"},
		"onlyhead":  {hello[:8], "exports no function _start"},
		"garbage":   {append(bytes.Clone(hello[:8]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "malformed"},
	}
	path := make(fstest.MapFS)
	for name, f := range files {
		path[name+".wasm"] = &fstest.MapFile{Data: f.data}
	}
	path["folder.wasm"] = &fstest.MapFile{Mode: iofs.ModeDir | 0o755}
	files["folder"] = struct {
		data []byte
		want string
	}{nil, "it is a directory"}
	e := newExecutor(t, WithModulePath(path))
	for name, f := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := refused(t, e, spec(name))
			assertNotExecutable(t, err, name)
			assert.Contains(t, err.Error(), f.want)
		})
	}
}

func TestAModuleCutAnywhereIsRefusedOrRuns(t *testing.T) {
	t.Parallel()
	hello := guest(t, "hello")
	for n := range hello {
		path := fstest.MapFS{"cut.wasm": {Data: hello[:n]}}
		e, err := New(nil, WithModulePath(path), WithoutCache())
		require.NoError(t, err)
		i, err := e.Start(t.Context(), spec("cut"))
		if err == nil { // only the names at its end are missing
			_, err = i.Wait()
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, process.ErrNotExecutable, "cut at %d", n)
		}
		require.NoError(t, e.Close())
	}
}

func TestADamagedModuleNeverHarmsTheHost(t *testing.T) {
	t.Parallel()
	whole := guest(t, "cat")
	rapid.Check(t, func(r *rapid.T) {
		b := bytes.Clone(whole)
		for range rapid.IntRange(1, 8).Draw(r, "flips") {
			at := rapid.IntRange(8, len(b)-1).Draw(r, "at")
			b[at] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		}
		e, err := New(nil, WithPrograms(Program{Name: "p", Module: func() ([]byte, error) { return b, nil }}), WithoutCache())
		require.NoError(r, err)
		defer e.Close()
		i, err := e.Start(t.Context(), spec("p"))
		if err != nil {
			require.ErrorIs(r, err, process.ErrNotExecutable)
			return
		}
		_ = i.Signal(process.SIGKILL)
		_, _ = i.Wait()
	})
}

func TestTheSurveyReadsAnythingWithoutHarm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		b := append([]byte("\x00asm\x01\x00\x00\x00"), rapid.SliceOf(rapid.Byte()).Draw(r, "sections")...)
		if o, err := survey(b); err == nil {
			_ = o.check(nil)
		} else {
			require.ErrorIs(r, err, process.ErrNotExecutable)
		}
	})
}

func TestReadingAModuleStopsAtTheLargestSize(t *testing.T) {
	t.Parallel()
	path := hugeFS{}
	err := refused(t, newExecutor(t, WithModulePath(path)), spec("huge"))
	assertNotExecutable(t, err, "huge")
	assert.Contains(t, err.Error(), "larger than 536870912 bytes")
}

// hugeFS holds one sparse file of a byte too much.
type hugeFS struct{}

func (hugeFS) Open(name string) (iofs.File, error) {
	if name != "huge.wasm" {
		return nil, &iofs.PathError{Op: "open", Path: name, Err: iofs.ErrNotExist}
	}
	f, err := os.CreateTemp("", "huge")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(f.Name()), f.Truncate(MaxModuleSize+1)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func TestTheGuestsAreBuiltFromTheirSource(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wat2wasm"); err != nil {
		t.Skip("needs wat2wasm: install the Debian package wabt")
	}
	built := t.TempDir()
	out, err := exec.Command("testdata/build", built).CombinedOutput()
	require.NoError(t, err, "%s", out)
	sources, err := filepath.Glob("testdata/*.wat")
	require.NoError(t, err)
	require.NotEmpty(t, sources)
	for _, source := range sources {
		name := strings.TrimSuffix(filepath.Base(source), ".wat")
		want, err := os.ReadFile(filepath.Join(built, name+".wasm"))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, guest(t, name)), "%s.wasm is not that of its source: run testdata/build", name)
	}
}
