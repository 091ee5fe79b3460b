package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cached runs args with the cache in dir, and tells whether they were answered by it.
func cached(t *testing.T, dir, stdin string, args ...string) (r result, hit bool) {
	t.Helper()
	r = cloche(stdin, append([]string{"run", "--hermetic", "--json", "--cache=" + dir}, args...)...)
	lines := strings.SplitAfter(strings.TrimSuffix(r.errors, "\n"), "\n")
	var got report
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &got), r.errors)
	r.errors = strings.Join(lines[:len(lines)-1], "")
	return r, got.Cached
}

func TestARunThatIsKnownIsAnsweredAsItWas(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	for name, args := range map[string][]string{
		"output":   {"--dir", dir + ":/d:ro", "cat", "/d/f", "-"},
		"failure":  {"--dir", dir + ":/d:ro", "cat", "/d/gone", "/d/f"},
		"chance":   {"--overlay", dir + ":/d", "--workdir", "/d", testprog(t), "chance"},
		"nothing":  {"true"},
		"changes":  {"--overlay", dir + ":/d", "--diff", "sed", "-i", "s/old/new/;w /d/g", "/d/f"},
		"removal":  {"--overlay", dir + ":/d", "--diff", "rm", "/d/f"},
		"renaming": {"--overlay", dir + ":/d", "--diff", "mv", "/d/f", "/d/g"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := t.TempDir()
			want, hit := cached(t, cache, "input", args...)
			assert.False(t, hit)
			got, hit := cached(t, cache, "input", args...)
			assert.True(t, hit)
			assert.Equal(t, want, got)
			plain := cloche("input", append([]string{"run", "--hermetic", "--json"}, args...)...)
			assert.Equal(t, want.out, plain.out)
			assert.Equal(t, want.code, plain.code)
			_, hit = cached(t, cache, "inpuT", args...)
			assert.False(t, hit)
		})
	}
	assert.Equal(t, "old\n", contents(t, file))
}

func TestAnAnswersChangesAreCommitted(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	cache := t.TempDir()
	args := []string{"--overlay", dir + ":/d", "--commit", "mv", "/d/f", "/d/g"}
	_, hit := cached(t, cache, "", args...)
	require.False(t, hit)
	require.NoError(t, os.Rename(filepath.Join(dir, "g"), file))
	_, hit = cached(t, cache, "", args...)
	assert.True(t, hit)
	assert.NoFileExists(t, file)
	info, err := os.Stat(filepath.Join(dir, "g"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode())
	assert.Equal(t, "old\n", contents(t, filepath.Join(dir, "g")))
}

func TestStreamsAreAnsweredInTheOrderWritten(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	cache := t.TempDir()
	run := func() string {
		var both strings.Builder
		code := Main([]string{"run", "--hermetic", "--cache=" + cache, "--dir", dir + ":/d:ro", "cat", "/d/f", "/d/no", "/d/f", "/d/no"},
			Stdio{In: strings.NewReader(""), Out: &both, Err: &both})
		assert.Equal(t, 1, code)
		return both.String()
	}
	first := run()
	assert.Equal(t, 2, strings.Count(first, "old\ncat: /d/no: No such file or directory\n"))
	assert.Equal(t, first, run())
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestOnlyWhatEndedByItselfAndWasDeniedNothingIsKept(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	for name, args := range map[string][]string{
		"timeout": {"--timeout", "50ms", testprog(t), "spin"},
		"trap":    {"../../process/wasm/testdata/divide.wasm"},
		"limit":   {"--max-output", "10", testprog(t), "flood"},
		"refused": {"--dir", dir + ":/d:ro", "touch", "/d/new"},
		"outward": {"--overlay", dir + ":/d", "ln", "-s", "../../x", "/d/l"},
		"linked":  {"--overlay", dir + ":/d", "ln", "/d/f", "/d/l"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := t.TempDir()
			cached(t, cache, "", args...)
			entries, err := os.ReadDir(cache)
			require.NoError(t, err)
			assert.Empty(t, entries)
		})
	}
}

func TestARunWhoseFilesChangeMeanwhileIsNotKept(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	cache := t.TempDir()
	out := writerFunc(func(p []byte) (int, error) { return len(p), os.Chmod(file, 0o600) })
	code := Main([]string{"run", "--hermetic", "--cache=" + cache, "--dir", dir + ":/d:ro", "cat", "/d/f"}, Stdio{In: strings.NewReader(""), Out: out, Err: out})
	assert.Zero(t, code)
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestAReceiptOfAnAnswerIsVerified(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	cache, receipt := t.TempDir(), filepath.Join(t.TempDir(), "receipt.json")
	args := []string{"--receipt", receipt, "--overlay", dir + ":/d", "sed", "-i", "s/old/new/", "/d/f"}
	cached(t, cache, "", args...)
	first := contents(t, receipt)
	_, hit := cached(t, cache, "", args...)
	require.True(t, hit)
	assert.Equal(t, first, contents(t, receipt))
	assert.Equal(t, result{}, cloche("", "verify", receipt))
}
