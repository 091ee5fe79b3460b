package wasm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process/wasm/internal/wasi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
)

// cacheDir returns a folder that does not exist yet.
func cacheDir(t testing.TB) string { return filepath.Join(t.TempDir(), "cache") }

// startWith runs command once on an executor of its own, with the cache in dir,
// and returns how it was made ready.
func startWith(t testing.TB, dir, command string) []Progress {
	t.Helper()
	var r recorder
	e, err := New(nil, WithModulePath(guests), WithCacheDir(dir), WithProgress(r.record))
	require.NoError(t, err)
	assert.Equal(t, 0, finish(t, e, spec(command)).Code)
	require.NoError(t, e.Close())
	return r.finished()
}

func assertCold(t testing.TB, got []Progress) {
	t.Helper()
	require.Len(t, got, 1)
	assert.False(t, got[0].Warm)
	assert.NoError(t, got[0].Uncached)
}

func assertWarm(t testing.TB, got []Progress) {
	t.Helper()
	require.Len(t, got, 1)
	assert.True(t, got[0].Warm)
	assert.NoError(t, got[0].Err)
}

// entries returns the directories of all entries in dir.
func entries(t testing.TB, dir string) []string {
	t.Helper()
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	var found []string
	for _, n := range names {
		assert.True(t, isKey(n.Name()), "%s is left over", n.Name())
		found = append(found, filepath.Join(dir, n.Name()))
	}
	return found
}

// code returns the file with the machine code of the one entry in dir.
func code(t testing.TB, dir string) string {
	t.Helper()
	all := entries(t, dir)
	require.Len(t, all, 1)
	files, err := filepath.Glob(filepath.Join(all[0], "*", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

func TestASecondExecutorFindsTheCodeCompiled(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	assertCold(t, startWith(t, dir, "hello"))
	before := code(t, dir)
	assertWarm(t, startWith(t, dir, "hello"))
	assert.Equal(t, before, code(t, dir), "a warm start adds nothing")
	assertCold(t, startWith(t, dir, "exit"))
	assert.Len(t, entries(t, dir), 2)
}

func TestProgressTellsStartAndEndOnceForEachModule(t *testing.T) {
	t.Parallel()
	var r recorder
	e := newExecutor(t, WithProgress(r.record))
	for range 3 {
		finish(t, e, spec("hello"))
	}
	got := r.all()
	require.Len(t, got, 2)
	size := int64(len(guest(t, "hello")))
	assert.Equal(t, Progress{Program: "hello.wasm", Size: size}, got[0])
	assert.Equal(t, Progress{Program: "hello.wasm", Size: size, Finished: true, Elapsed: got[1].Elapsed}, got[1])
	assert.Positive(t, got[1].Elapsed)
}

func TestTheCacheFolderIsOurs(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	startWith(t, dir, "hello")
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.ModeDir|0o700, info.Mode())
}

func TestADamagedEntryIsRebuiltAndNeverUsed(t *testing.T) {
	t.Parallel()
	beside := func(file, name string) string { return filepath.Join(filepath.Dir(filepath.Dir(file)), name) }
	sum := func(file string) string { return beside(file, sumFile) }
	for name, damage := range map[string]func(t *testing.T, file string) error{
		"emptied":   func(t *testing.T, file string) error { return os.Truncate(file, 0) },
		"truncated": func(t *testing.T, file string) error { return os.Truncate(file, 100) },
		"extended": func(t *testing.T, file string) error {
			return edit(file, func(b []byte) []byte { return append(b, 0) })
		},
		"bit in the header": func(t *testing.T, file string) error { return flip(file, 0) },
		"bit in the code":   func(t *testing.T, file string) error { return flip(file, 60) },
		"bit at the end":    func(t *testing.T, file string) error { return flip(file, -1) },
		"removed":           func(t *testing.T, file string) error { return os.Remove(file) },
		"unreadable":        func(t *testing.T, file string) error { return replaceByDir(file) },
		"sum emptied":       func(t *testing.T, file string) error { return os.Truncate(sum(file), 0) },
		"sum flipped":       func(t *testing.T, file string) error { return flip(sum(file), 3) },
		"sum removed":       func(t *testing.T, file string) error { return os.Remove(sum(file)) },
		"module flipped":    func(t *testing.T, file string) error { return flip(beside(file, meteredFile), 9) },
		"module removed":    func(t *testing.T, file string) error { return os.Remove(beside(file, meteredFile)) },
		"another file beside it": func(t *testing.T, file string) error {
			return os.WriteFile(file+"x", []byte("stray"), 0o600)
		},
		"entry a file": func(t *testing.T, file string) error {
			entry := filepath.Dir(sum(file))
			if err := os.RemoveAll(entry); err != nil {
				return err
			}
			return os.WriteFile(entry, nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := cacheDir(t)
			assertCold(t, startWith(t, dir, "hello"))
			require.NoError(t, damage(t, code(t, dir)))
			assertCold(t, startWith(t, dir, "hello"))
			assertWarm(t, startWith(t, dir, "hello"))
			assert.Len(t, entries(t, dir), 1)
		})
	}
}

func edit(file string, change func([]byte) []byte) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, change(b), 0o600)
}

// flip flips a bit of the byte at, counted from the end if negative.
func flip(file string, at int) error {
	return edit(file, func(b []byte) []byte {
		b[(at+len(b))%len(b)] ^= 4
		return b
	})
}

func replaceByDir(file string) error {
	if err := os.Remove(file); err != nil {
		return err
	}
	return os.Mkdir(file, 0o700)
}

// Every single flipped bit of a whole entry is found.
func TestNoFlippedBitIsOverlooked(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	startWith(t, dir, "hello")
	entry := entries(t, dir)[0]
	for _, file := range []string{code(t, dir), filepath.Join(entry, meteredFile)} {
		whole, err := os.ReadFile(file)
		require.NoError(t, err)
		for at := range whole {
			require.NoError(t, flip(file, at))
			require.Error(t, verify(entry), "byte %d of %s", at, file)
			require.NoError(t, flip(file, at))
		}
	}
	require.NoError(t, verify(entry))
}

func TestWithoutAUsableFolderModulesRunUncached(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	open := cacheDir(t)
	require.NoError(t, os.Mkdir(open, 0o700))
	require.NoError(t, os.Chmod(open, 0o777))
	for name, dir := range map[string]string{
		"a file":             file,
		"below a file":       filepath.Join(file, "cache"),
		"writable by others": open,
		"in /proc":           "/proc/self/cloche",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				got := startWith(t, dir, "hello")
				require.Len(t, got, 1)
				assert.False(t, got[0].Warm)
				assert.NoError(t, got[0].Err)
				assert.Error(t, got[0].Uncached)
			}
		})
	}
}

func TestAFolderThatBecomesUnusableIsDoneWithout(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	var r recorder
	e := newExecutor(t, WithCacheDir(dir), WithProgress(r.record))
	finish(t, e, spec("hello"))
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	assert.Equal(t, 0, finish(t, e, spec("exit", "0")).Code)
	got := r.finished()
	require.Len(t, got, 2)
	assert.NoError(t, got[0].Uncached)
	assert.Error(t, got[1].Uncached)
}

func TestAStoreThatFailsInTheEngineCostsNothing(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	var r recorder
	compiler := newCompiler(config{cacheDir: dir, progress: r.record}, func(ctx context.Context, rt wazero.Runtime) error {
		return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600), wasi.Instantiate(ctx, rt))
	})
	m, err := compiler.compile(t.Context(), "hello", digest{}, guest(t, "hello"))
	require.NoError(t, err)
	m.close()
	got := r.finished()
	require.Len(t, got, 1)
	assert.NoError(t, got[0].Err)
	assert.Error(t, got[0].Uncached)
}

func TestAFolderLostBeforeTheEngineOpensItCostsNothing(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	var r recorder
	e := newExecutor(t, WithCacheDir(dir), WithProgress(func(p Progress) {
		if !p.Finished {
			_ = os.RemoveAll(dir)
			_ = os.WriteFile(dir, nil, 0o600)
		}
		r.record(p)
	}))
	assert.Equal(t, 0, finish(t, e, spec("hello")).Code)
	got := r.finished()
	require.Len(t, got, 1)
	assert.NoError(t, got[0].Err)
	assert.Error(t, got[0].Uncached)
}

func TestAnEntryThatVanishesAfterItsCheckIsCompiledAnew(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	startWith(t, dir, "hello")
	var r recorder
	e := newExecutor(t, WithCacheDir(dir), WithProgress(func(p Progress) {
		if p.Warm && !p.Finished {
			_ = os.Truncate(code(t, dir), 30)
		}
		r.record(p)
	}))
	assert.Equal(t, 0, finish(t, e, spec("hello")).Code)
	got := r.finished()
	require.Len(t, got, 2)
	assert.True(t, got[0].Warm)
	assert.Error(t, got[0].Err)
	assert.False(t, got[1].Warm)
	assert.NoError(t, got[1].Err)
	assertWarm(t, startWith(t, dir, "hello"))
}

func TestConcurrentProcessesShareTheFolder(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	exe, err := os.Executable()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), roleVariable+"=compile", "CLOCHE_WASM_TEST_CACHE="+dir)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
	wg.Wait()
	assert.Len(t, entries(t, dir), 1)
	assertWarm(t, startWith(t, dir, "hello"))
}

func TestConcurrentExecutorsRepairADamagedEntryTogether(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	startWith(t, dir, "hello")
	require.NoError(t, flip(code(t, dir), 60))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			e, err := New(nil, WithModulePath(guests), WithCacheDir(dir))
			assert.NoError(t, err)
			defer e.Close()
			i, err := e.Start(t.Context(), spec("hello"))
			if assert.NoError(t, err) {
				exit, err := i.Wait()
				assert.NoError(t, err)
				assert.Equal(t, 0, exit.Code)
			}
		})
	}
	wg.Wait()
	assert.Len(t, entries(t, dir), 1)
	assertWarm(t, startWith(t, dir, "hello"))
}

func TestLeftoversOfAKilledProcessAreSweptOnceTheyAreOld(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	c, err := openDiskCache(dir)
	require.NoError(t, err)
	old, err := c.temp()
	require.NoError(t, err)
	write(t, old, "half", []byte("code"))
	fresh, err := c.temp()
	require.NoError(t, err)
	foreign := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))
	past := time.Now().Add(-2 * leftoverAge)
	require.NoError(t, os.Chtimes(old, past, past))
	require.NoError(t, os.Chtimes(foreign, past, past))

	startWith(t, dir, "hello")
	assert.NoDirExists(t, old)
	assert.DirExists(t, fresh)
	assert.FileExists(t, foreign)
}

func TestTheEntriesUsedLeastRecentlyMakeRoom(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	c, err := openDiskCache(dir)
	require.NoError(t, err)
	publish := func(n byte) string {
		temp, err := c.temp()
		require.NoError(t, err)
		write(t, temp, "v/code", make([]byte, 1000))
		write(t, temp, meteredFile, nil)
		key := strings.Repeat(string([]byte{'0', n}), 32)
		require.NoError(t, c.publish(temp, key))
		return key
	}
	age := func(key string, by time.Duration) {
		when := time.Now().Add(-by)
		require.NoError(t, os.Chtimes(filepath.Join(dir, key, sumFile), when, when))
	}
	a, b, d := publish('a'), publish('b'), publish('d')
	age(a, time.Hour)
	age(b, 3*time.Hour)
	age(d, 2*time.Hour)
	assert.NotEmpty(t, c.lookup(b), "which makes it the one used last")
	c.max = 3000
	e := publish('e')
	assert.Equal(t, []string{
		filepath.Join(dir, b), filepath.Join(dir, e),
	}, entries(t, dir), "a and d were used longest ago; an entry is more than its code")

	c.max = 1
	f := publish('f')
	assert.Equal(t, []string{filepath.Join(dir, f)}, entries(t, dir), "the entry just made stays")
}

func TestAFailedCompilationLeavesNothingInTheFolder(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	e := newExecutor(t, WithCacheDir(dir))
	for _, command := range []string{"invalid", "imports", "startparam"} {
		refused(t, e, spec(command))
	}
	assert.Empty(t, entries(t, dir))
}

func TestACancelledCompilationLeavesNothingInTheFolder(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	e := newExecutor(t, WithCacheDir(dir), WithProgress(func(Progress) { cancel() }))
	_, err := e.Start(ctx, spec("hello"))
	assert.ErrorIs(t, err, context.Canceled)
	require.NoError(t, e.Close())
	assert.Empty(t, entries(t, dir))
}

func TestTheEnginesVersionIsKnownInATestBinaryToo(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	assert.Contains(t, string(mod), "github.com/tetratelabs/wazero "+engineVersion()+"\n")
}

func TestTheKeyCoversModuleAndEngine(t *testing.T) {
	t.Parallel()
	a := &diskCache{engine: "v1"}
	b := &diskCache{engine: "v2"}
	assert.Equal(t, a.key(digest{1}), a.key(digest{1}))
	assert.NotEqual(t, a.key(digest{1}), a.key(digest{2}))
	assert.NotEqual(t, a.key(digest{1}), b.key(digest{1}))
	assert.True(t, isKey(a.key(digest{})))
}
