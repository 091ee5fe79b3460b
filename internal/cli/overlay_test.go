package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// project is a host directory with one file in it.
func project(t *testing.T) (dir, file string) {
	dir = t.TempDir()
	file = filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(file, []byte("old\n"), 0o640))
	return dir, file
}

func contents(t *testing.T, file string) string {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(data)
}

func TestWhatAnOverlayTakesIsDiscardedAndTold(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	r := cloche("new\n", "run", "--overlay", dir+":/d", "sed", "-i", "s/old/new/", "/d/f")
	assert.Equal(t, 0, r.code)
	assert.Equal(t, "cloche: 1 change discarded; --commit keeps changes, --diff shows them\n", r.errors)
	assert.Equal(t, "old\n", contents(t, file))
}

func TestNothingIsSaidOfAnOverlayThatStayedAsItWas(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	r := cloche("", "run", "--overlay", dir+":/d", "cat", "/d/f")
	assert.Equal(t, result{0, "old\n", ""}, r)
}

func TestCommitKeepsTheChangesOfASuccess(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	r := cloche("", "run", "--overlay", dir+":/d", "--commit", "sed", "-i", "s/old/new/", "/d/f")
	assert.Equal(t, result{0, "", ""}, r)
	assert.Equal(t, "new\n", contents(t, file))
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode(), "as of any file that a guest makes")
}

func TestCommitKeepsNothingOfAFailure(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	r := cloche("", "run", "--overlay", dir+":/d", "--commit", "sed", "-i", "s/old/new/", "/d/f", "/d/missing")
	assert.NotZero(t, r.code)
	assert.Contains(t, r.errors, "1 change not kept: the program did not succeed")
	assert.Equal(t, "old\n", contents(t, file))
}

func TestDiffWritesAPatch(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	const patch = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new\n"
	args := []string{"--overlay", dir + ":/d", "sed", "-i", "s/old/new/", "/d/f"}

	r := cloche("", append([]string{"run", "--diff"}, args...)...)
	assert.Equal(t, 0, r.code)
	assert.Empty(t, r.out)
	assert.Contains(t, r.errors, patch)

	to := filepath.Join(t.TempDir(), "changes.patch")
	r = cloche("", append([]string{"run", "--diff=" + to}, args...)...)
	assert.Equal(t, result{0, "", ""}, r)
	assert.Contains(t, contents(t, to), patch)
	assert.Equal(t, "old\n", contents(t, file))
}

func TestTheReportListsTheChanges(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	r := cloche("", "run", "--json", "--commit", "--overlay", dir+":/d", "cp", "/d/f", "/d/g")
	assert.Equal(t, 0, r.code)
	var got report
	require.NoError(t, json.Unmarshal([]byte(r.errors), &got), r.errors)
	assert.Equal(t, []change{{Path: "/d/g", Kind: "added"}}, got.Changes)
	assert.True(t, got.Committed)
	assert.Equal(t, "old\n", contents(t, filepath.Join(dir, "g")))
}

func TestOverlayFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		part string
	}{
		{[]string{"--commit", "true"}, "--overlay"},
		{[]string{"--diff", "true"}, "--overlay"},
		{[]string{"--overlay", ".:/x:ro", "true"}, "--dir"},
		{[]string{"--overlay", "gone:/x", "true"}, "gone"},
		{[]string{"--native", "--overlay", ".:/x", "true"}, "mounts"},
	} {
		r := cloche("", append([]string{"run"}, c.args...)...)
		assert.Equal(t, exitFailed, r.code, c.args)
		assert.Contains(t, r.errors, c.part, c.args)
	}
}
