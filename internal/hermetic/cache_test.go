package hermetic

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func openCache(t testing.TB) *Cache {
	t.Helper()
	c, err := OpenCache(filepath.Join(t.TempDir(), "cache"))
	require.NoError(t, err)
	return c
}

// keyOf is a key like any other.
func keyOf(s string) string {
	d := reapi.Sum([]byte(s))
	return fmt.Sprintf("%x", d.Hash)
}

func answer(output string) *Answer {
	return &Answer{
		Exit: 3, Usage: process.Usage{Fuel: 5},
		Output: []Segment{{false, []byte(output)}, {true, []byte("bad")}, {false, []byte("end")}},
		Layers: [][]Change{{}, {{Path: "f", Kind: fs.Added, Mode: 0o640, Content: []byte("text"), Mtime: time.Unix(5, 6).UTC()}}},
	}
}

func TestAnAnswerIsKept(t *testing.T) {
	t.Parallel()
	c := openCache(t)
	assert.Nil(t, c.Get(keyOf("a")))
	want := answer("out")
	require.NoError(t, c.Put(keyOf("a"), want))
	assert.Equal(t, want, c.Get(keyOf("a")))
	assert.Equal(t, answer("out"), want, "and not changed")
	assert.Nil(t, c.Get(keyOf("b")))
}

func TestADamagedEntryIsNoAnswer(t *testing.T) {
	t.Parallel()
	c := openCache(t)
	key, other := keyOf("a"), keyOf("b")
	require.NoError(t, c.Put(key, answer("out")))
	sound, err := os.ReadFile(filepath.Join(c.dir, key))
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		name, entry := key, slices.Clone(sound)
		switch rapid.IntRange(0, 3).Draw(rt, "damage") {
		case 0:
			n := rapid.IntRange(0, 8*len(entry)-1).Draw(rt, "bit")
			entry[n/8] ^= 1 << (n % 8)
		case 1:
			entry = entry[:rapid.IntRange(0, len(entry)-1).Draw(rt, "length")]
		case 2:
			entry = append(entry, rapid.Byte().Draw(rt, "more"))
		case 3:
			name = other // somebody renamed it
		}
		file := filepath.Join(c.dir, name)
		require.NoError(rt, os.WriteFile(file, entry, 0o600))
		require.Nil(rt, c.Get(name))
		require.NoFileExists(rt, file)
	})
}

func TestTheCacheForgetsWhatWasNotUsedForLongest(t *testing.T) {
	t.Parallel()
	c := openCache(t)
	big := strings.Repeat("x", 1000)
	long := time.Now().Add(-time.Hour)
	for i, name := range []string{"a", "b", "c"} {
		require.NoError(t, c.Put(keyOf(name), answer(big)))
		at := long.Add(time.Duration(i) * time.Second)
		require.NoError(t, os.Chtimes(filepath.Join(c.dir, keyOf(name)), at, at))
	}
	require.NotNil(t, c.Get(keyOf("a"))) // now b is the oldest
	notes := filepath.Join(c.dir, "notes")
	require.NoError(t, os.WriteFile(notes, bytes.Repeat([]byte("n"), 10000), 0o600))
	stale := filepath.Join(c.dir, tempPrefix+"x")
	require.NoError(t, os.WriteFile(stale, nil, 0o600))
	require.NoError(t, os.Chtimes(stale, time.Unix(0, 0), time.Unix(0, 0)))

	info, err := os.Stat(filepath.Join(c.dir, keyOf("a")))
	require.NoError(t, err)
	c.max = 3*info.Size() + 10
	require.NoError(t, c.Put(keyOf("d"), answer(big)))
	assert.Nil(t, c.Get(keyOf("b")))
	for _, name := range []string{"a", "c", "d"} {
		assert.NotNil(t, c.Get(keyOf(name)), name)
	}
	assert.FileExists(t, notes)
	assert.NoFileExists(t, stale)
	assert.ErrorIs(t, c.Put(keyOf("e"), answer(strings.Repeat(big, 5))), errNotKept)
}

// A guest's doings at random, done again from what was kept of them.
func TestChangesAreReplayedAsTheyWere(t *testing.T) {
	t.Parallel()
	base := fs.Memory()
	for _, name := range []string{"a", "b", "d/a", "d/e/b"} {
		require.NoError(t, base.EnsureDir(filepath.ToSlash(filepath.Dir(name))))
		require.NoError(t, base.WriteMode(name, []byte(name), 0o664))
	}
	names := rapid.SampledFrom([]string{"a", "b", "c", "d", "d/a", "d/e", "d/e/b", "d/n", "n", "n/a"})
	rapid.Check(t, func(rt *rapid.T) {
		began := time.Now()
		layer, err := fs.Overlay(base)
		require.NoError(rt, err)
		for range rapid.IntRange(0, 8).Draw(rt, "operations") {
			name, other := names.Draw(rt, "name"), names.Draw(rt, "other")
			switch rapid.IntRange(0, 5).Draw(rt, "operation") { // many fail, as a guest's do
			case 0:
				_ = layer.Write(name, []byte(other))
			case 1:
				_ = layer.EnsureDir(name)
			case 2:
				_ = layer.DeleteAll(name)
			case 3:
				_ = layer.Rename(name, other)
			case 4:
				_ = at(layer.Fs, name, func(dir fs.Dir, name string) error { return dir.Symlink(other, name) })
			case 5:
				_ = at(layer.Fs, name, func(dir fs.Dir, name string) error { return dir.SetTimes(name, time.Time{}, time.Unix(1, 0)) })
			}
		}
		want, err := Keep(layer, began, MaxEntry)
		require.NoError(rt, err)
		entry, err := encode("k", &Answer{Layers: [][]Change{want}})
		require.NoError(rt, err)
		kept, err := decode("k", entry)
		require.NoError(rt, err)

		again, err := fs.Overlay(base)
		require.NoError(rt, err)
		require.NoError(rt, Replay(again, kept.Layers[0]))
		got, err := Keep(again, began, MaxEntry)
		require.NoError(rt, err)
		require.True(rt, slices.EqualFunc(want, got, sameChange), "%v\n%v", want, got)
	})
}

func TestWhatCannotBeReplayedLeavesNothing(t *testing.T) {
	t.Parallel()
	layer, err := fs.Overlay(memory(t, map[string]string{"f": "x"}))
	require.NoError(t, err)
	require.Error(t, Replay(layer, []Change{
		{Path: "f", Kind: fs.Removed},
		{Path: "g", Kind: fs.Added, Mode: 0o644, Content: []byte("x")},
		{Path: "gone/g", Kind: fs.Added, Mode: 0o644},
	}))
	require.Error(t, Replay(layer, []Change{{Path: "f", Kind: fs.Changed, Mode: 0o644, Content: []byte("x")}}), "which is no change")
	list, err := layer.Diff()
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestHardLinksAndWhatIsTooLargeAreNotKept(t *testing.T) {
	t.Parallel()
	layer, err := fs.Overlay(fs.Memory())
	require.NoError(t, err)
	require.NoError(t, layer.Write("f", []byte("1234")))
	_, err = Keep(layer, time.Now(), 3)
	require.ErrorIs(t, err, errNotKept)
	_, err = Keep(layer, time.Now(), 4)
	require.NoError(t, err)
	require.NoError(t, at(layer.Fs, "f", func(dir fs.Dir, name string) error { return dir.Link(name, dir, "g") }))
	_, err = Keep(layer, time.Now(), MaxEntry)
	require.ErrorIs(t, err, errNotKept)
}
