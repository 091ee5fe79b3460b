package wasi_test

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// From a preopen a path can climb to anything in the guest's tree, and no higher;
// from a directory that the guest opened it cannot climb at all.
func TestEveryPathCallClimbsFromAPreopenOnly(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	calls := func(fd int, up string) map[string][]any {
		return map[string][]any{
			"path_create_directory":   {fd, up + "new"},
			"path_filestat_get":       {fd, 0, up + "f", res},
			"path_filestat_set_times": {fd, 0, up + "f", 1, 1, 5},
			"path_link":               {fd, 0, up + "f", fd, up + "new"},
			"path_open":               {fd, 0, up + "new", oCreat, kernel.RightRead, 0, 0, res},
			"path_readlink":           {fd, up + "lf", area(9), res},
			"path_remove_directory":   {fd, up + "empty"},
			"path_rename":             {fd, up + "f", fd, up + "new"},
			"path_symlink":            {"f", fd, up + "new"},
			"path_unlink_file":        {fd, up + "f"},
		}
	}
	for fn, plain := range calls(fdRoot, "") {
		t.Run(fn, func(t *testing.T) {
			t.Parallel()
			reference := newWorld(t, h)
			reference.must(fn, plain...)
			want := described(t, reference.root)
			for _, from := range []struct {
				fd   int
				up   string
				want int
			}{
				{fdRoot, "../", success},
				{fdRoot, "d/../../../", success},
				{fdMount, "../", success},
				{fdMount, "sub/../..//./../", success},
				{fdDir, "../", perm},
				{fdDir, "sub/../../", perm},
			} {
				w := newWorld(t, h)
				before := described(t, w.root)
				assert.Equal(t, from.want, w.do(fn, calls(from.fd, from.up)[fn]...), "%d %q", from.fd, from.up)
				if from.want == success {
					assert.Equal(t, want, described(t, w.root), "%d %q", from.fd, from.up)
				} else {
					assert.Equal(t, before, described(t, w.root), "%d %q", from.fd, from.up)
				}
				w.unharmed()
			}
		})
	}
}

// readAll lists a directory through a buffer of so many bytes, from a cookie to the
// end. Between two calls it calls change.
func (w *world) readAll(fd, size int, cookie uint64, change func()) (all []string) {
	w.t.Helper()
	for {
		w.reset()
		w.must("fd_readdir", fd, area(size), cookie, res)
		used := int(w.moved())
		got := dirents(w.t, w.bytes(buffers, uint32(used)))
		if len(got) > 0 {
			all, cookie = append(all, names(got)...), got[len(got)-1].next
		}
		if used < size {
			return all
		}
		require.NotEmpty(w.t, got, "the buffer holds an entry")
		change()
	}
}

func TestADirectoryThatChangesShowsOnceWhatStays(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, size := range []int{32, 40, 64, 100} {
		w := newWorld(t, h)
		var stay []string
		for i := range 20 {
			name := fmt.Sprintf("stay%02d", i)
			stay = append(stay, name)
			require.NoError(t, os.WriteFile(w.host("empty/"+name), nil, 0o644))
			require.NoError(t, os.WriteFile(w.host(fmt.Sprintf("empty/go%02d", i)), nil, 0o644))
		}
		fd := w.openAs("empty", dirRights)
		round := 0
		got := w.readAll(fd, size, 0, func() {
			os.Remove(w.host(fmt.Sprintf("empty/go%02d", round)))
			os.WriteFile(w.host(fmt.Sprintf("empty/add%02d", round)), nil, 0o644)
			round++
		})
		require.Greater(t, round, 5, "it changed while it was read")
		for _, name := range append(stay, ".", "..") {
			assert.Equal(t, 1, count(got, name), "%s through %d bytes", name, size)
		}
		for _, name := range got {
			assert.Equal(t, 1, count(got, name), "%s through %d bytes", name, size)
		}

		again := w.readAll(fd, size, 0, func() {})
		assert.Contains(t, again, "add00", "to begin again is to see what is there now")
		assert.NotContains(t, again, "go00")
	}
}

func count(list []string, name string) (n int) {
	for _, s := range list {
		if s == name {
			n++
		}
	}
	return n
}

func TestACookieLeadsBackToWhereItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newHost(t))
	w.must("fd_readdir", fdRoot, area(4000), 0, res)
	all := dirents(t, w.bytes(buffers, w.moved()))
	for i := range slices.Backward(all) {
		cookie := uint64(0)
		if i > 0 {
			cookie = all[i-1].next
		}
		assert.Equal(t, names(all[i:]), w.readAll(fdRoot, 4000, cookie, func() {}))
	}
	assert.Empty(t, w.readAll(fdRoot, 4000, all[len(all)-1].next, func() {}))
}

func TestPollWaitsForStdinOrTheClock(t *testing.T) {
	t.Parallel()
	r, pipe := io.Pipe()
	defer pipe.Close()
	g := newProxy(t, kernel.Config{Stdin: r})
	w := &world{proxy: g}
	w.reset()
	w.must("poll_oneoff", poll(fdSub(1, onRead, fdStdin), clockSub(2, 1, uint64(time.Millisecond), 0))...)
	tells(event{userdata: 2})(w)

	go pipe.Write([]byte("abc"))
	w.must("poll_oneoff", poll(fdSub(1, onRead, fdStdin), clockSub(2, 1, math.MaxUint64, 0))...)
	tells(event{userdata: 1, tag: onRead, bytes: 3})(w)
	w.must("fd_read", fdStdin, iov{3}, res)

	go pipe.Close()
	w.must("poll_oneoff", poll(fdSub(1, onRead, fdStdin), clockSub(2, 1, math.MaxUint64, 0))...)
	tells(event{userdata: 1, tag: onRead, hangup: true})(w)
	w.must("fd_read", fdStdin, iov{3}, res)
	assert.Zero(t, w.moved())
}

func TestAnUnlinkedFileLivesUntilItIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newHost(t))
	w.must("path_unlink_file", fdRoot, "f")
	require.NoError(t, os.WriteFile(w.host("f"), []byte("new"), 0o644))
	w.must("fd_seek", fdFile, 0, 2, res)
	w.must("fd_write", fdFile, iov{3}, res)
	w.must("fd_filestat_set_size", fdFile, 12)
	w.must("fd_pread", fdFile, iov{13}, 0, res)
	assert.EqualValues(t, 12, w.moved())
	w.must("fd_close", fdFile)
	assert.Equal(t, "new", w.content("f"), "another file of the same name")
}

func TestTwoDescriptorsOfOneFileHaveTheirOwnOffsets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newHost(t))
	other := w.openAs("f", allRights)
	w.must("fd_seek", fdFile, 5, 0, res)
	w.must("fd_write", other, iov{2}, res)
	w.must("fd_write", fdFile, iov{1}, res)
	assert.Equal(t, "ab234c6789", w.content("f"))
}
