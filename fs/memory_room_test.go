package fs_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// fillers are what a guest can fill a filesystem in memory with, one at a time.
var fillers = map[string]func(d fs.Dir, n int) error{
	"empty files": func(d fs.Dir, n int) error {
		node, err := d.OpenFile(fmt.Sprint(n), os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		return node.Close()
	},
	"files of a byte": func(d fs.Dir, n int) error {
		node, err := d.OpenFile(fmt.Sprint(n), os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer node.Close()
		_, err = node.WriteAt([]byte{1}, 1<<30)
		return err
	},
	"directories":      func(d fs.Dir, n int) error { return d.Mkdir(long(n), 0o755) },
	"symlinks":         func(d fs.Dir, n int) error { return d.Symlink(strings.Repeat("x", 4000)+fmt.Sprint(n), fmt.Sprint(n)) },
	"names of a file":  func(d fs.Dir, n int) error { return d.Link("file", d, long(n)) },
	"longer names":     func(d fs.Dir, n int) error { return lengthen(d, n) },
	"names taken away": func(d fs.Dir, n int) error { return d.Unlink(fmt.Sprint("base", n)) },
	"times": func(d fs.Dir, n int) error {
		return d.SetTimes(fmt.Sprint("base", n), time.Unix(1, 0), time.Unix(1, 0))
	},
	"moved files": func(d fs.Dir, n int) error { return d.Rename(fmt.Sprint("base", n), d, long(n)) },
}

func long(n int) string { return fmt.Sprintf("%0250d", n) }

func lengthen(d fs.Dir, n int) error {
	if err := d.Mkdir(fmt.Sprint(n), 0o755); err != nil {
		return err
	}
	return d.Rename(fmt.Sprint(n), d, long(n))
}

// filled returns an overlay over a base with that many files, and its root.
func filled(t *testing.T, base int) (*fs.Layer, fs.Dir) {
	t.Helper()
	under := fs.Memory()
	for i := range base {
		require.NoError(t, under.Write(fmt.Sprint("base", i), nil))
	}
	layer, err := fs.Overlay(under)
	require.NoError(t, err)
	require.NoError(t, under.Close())
	require.NoError(t, layer.Write("file", nil))
	d, err := layer.Dir()
	require.NoError(t, err)
	return layer, d
}

func TestNothingFillsMemoryWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, fill := range fillers {
		layer, d := filled(t, 300)
		fs.SetRoom(layer.Fs, 64<<10)
		var err error
		for n := 0; err == nil; n++ {
			err = fill(d, n)
		}
		assert.ErrorIs(t, err, syscall.ENOSPC, name)
		require.NoError(t, d.Close())
		_, err = layer.Read("base299")
		assert.NoError(t, err, "%s: the base is read as before", name)

		require.NoError(t, layer.Discard())
		assert.NoError(t, layer.Write("after", make([]byte, 50<<10)), "%s: there is room again", name)
	}
}

func TestWhatIsRemovedFromMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, fill := range fillers {
		f := fs.Memory()
		require.NoError(t, f.Write("file", nil))
		before := fs.Room(f)
		d, err := f.Dir()
		require.NoError(t, err)
		if fill(d, 0) != nil {
			continue // it needs a base
		}
		assert.Greater(t, fs.Room(f), before, name)
		entries, err := d.ReadDir()
		require.NoError(t, err)
		for _, e := range entries {
			if e.Name != "file" {
				require.NoError(t, f.Delete(e.Name))
			}
		}
		assert.Equal(t, before, fs.Room(f), name)
		require.NoError(t, d.Close())
	}
}

// What is counted is an estimate. It must not be one that a guest can outdo by much.
func TestMemoryTakesAboutWhatIsCounted(t *testing.T) {
	const many = 20_000
	for name, fill := range fillers {
		layer, d := filled(t, many)
		heap, room := inUse(), fs.Room(layer.Fs)
		for n := range many {
			require.NoError(t, fill(d, n))
		}
		heap, room = inUse()-heap, fs.Room(layer.Fs)-room
		t.Logf("%s: %d bytes each, counted as %d", name, heap/many, room/many)
		assert.Less(t, heap, room*3/2, name)
		require.NoError(t, d.Close())
		require.NoError(t, layer.Close())
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
