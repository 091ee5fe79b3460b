//go:build linux || darwin || freebsd

package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestEveryDirPassesTheSuite(t *testing.T) {
	t.Parallel()
	each(t, writable(), testDir)
}

func requireErrno(t *testing.T, err error, want ...syscall.Errno) {
	t.Helper()
	errno, ok := errors.AsType[syscall.Errno](err)
	require.Truef(t, ok, "no errno in %v", err)
	require.Contains(t, want, errno)
}

// testDir is what every Dir must pass.
func testDir(t *testing.T, k filesystem) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, d fs.Dir, k filesystem)
	}{
		{"a file keeps what is written where it is written", dirFileContent},
		{"open flags mean what POSIX says", dirOpenFlags},
		{"append finds the end and leaves WriteAt its offset", dirAppend},
		{"only a regular file opens as a file", dirOpenFileKinds},
		{"only a directory opens as a directory", dirOpenDirKinds},
		{"readdir lists names and kinds", dirReadDir},
		{"readdir lists hundreds of entries", dirReadDirMany},
		{"mkdir, rmdir and unlink keep to their kinds", dirMakeRemove},
		{"symlinks are kept verbatim", dirSymlinks},
		{"link gives a file a second name", dirLink},
		{"rename is rename(2)", dirRename},
		{"rename works between directories", dirRenameBetween},
		{"rename to another filesystem is EXDEV", dirRenameForeign},
		{"times are set and left alone", dirTimes},
		{"a file's mode is set", dirMode},
		{"a handle follows its directory", dirHandleFollows},
		{"a duplicate lives on its own", dirDup},
		{"any byte but slash and NUL makes a name", dirNames},
		{"goroutines share a handle", dirConcurrent},
		{"a closed handle refuses", dirClosed},
		{"a lock excludes", dirLock},
		{"every operation on every kind of entry answers as the host does", dirMatrix},
		{"a long name is refused by everything", dirLongNames},
		{"a file outlives its last name", dirUnlinkOpen},
		{"a directory outlives its name, empty for ever", dirRmdirOpen},
		{"handles far down follow what moves above them", dirDeepHandles},
		{"holes read as zeros, and what was cut off never comes back", dirSparse},
		{"offsets end where the host's do", dirHugeOffsets},
		{"names of one file are one file", dirHardLinks},
		{"times change with what they tell of", dirTimesChange},
		{"times of any age are kept, of a symlink its own", dirTimesKept},
		{"modes have nothing but permissions", dirModesOnly},
		{"a replaced name is never missing", dirReplaceAtomically},
		{"readdir lists what stays, whatever comes and goes", dirReadDirChanging},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			if k.specials {
				makeSpecials(t, root)
			}
			d := rootOf(t, k.open(t, root))
			c.test(t, d, k)
			if !t.Failed() && c.name != "a closed handle refuses" {
				require.NoError(t, d.Close())
			}
		})
	}
}

func create(t *testing.T, d fs.Dir, name, content string) {
	t.Helper()
	n, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	require.NoError(t, err)
	_, err = n.WriteAt([]byte(content), 0)
	require.NoError(t, err)
	require.NoError(t, n.Close())
}

func content(t *testing.T, d fs.Dir, name string) string {
	t.Helper()
	n, err := d.OpenFile(name, os.O_RDONLY, 0)
	require.NoError(t, err)
	defer n.Close()
	data, err := io.ReadAll(io.NewSectionReader(n, 0, 1<<40))
	require.NoError(t, err)
	return string(data)
}

func mkdir(t *testing.T, d fs.Dir, name string) fs.Dir {
	t.Helper()
	require.NoError(t, d.Mkdir(name, 0o755))
	sub, err := d.OpenDir(name)
	require.NoError(t, err)
	t.Cleanup(func() { sub.Close() })
	return sub
}

func dirFileContent(t *testing.T, d fs.Dir, _ filesystem) {
	n, err := d.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	defer n.Close()
	_, err = n.WriteAt([]byte("world"), 6)
	require.NoError(t, err)
	_, err = n.WriteAt([]byte("hello"), 0)
	require.NoError(t, err)
	st, err := n.Stat()
	require.NoError(t, err)
	assert.EqualValues(t, 11, st.Size)
	assert.Equal(t, iofs.FileMode(0o600), st.Mode)

	buf := make([]byte, 11)
	m, err := n.ReadAt(buf, 0)
	assert.Equal(t, 11, m)
	if err != nil {
		assert.Equal(t, io.EOF, err)
	}
	assert.Equal(t, "hello\x00world", string(buf))
	m, err = n.ReadAt(buf, 8)
	assert.Equal(t, 3, m)
	assert.Equal(t, io.EOF, err)
	m, err = n.ReadAt(buf, 100)
	assert.Zero(t, m)
	assert.Equal(t, io.EOF, err)

	require.NoError(t, n.Truncate(5))
	require.NoError(t, n.Sync())
	assert.Equal(t, "hello", content(t, d, "x"))
	require.NoError(t, n.Truncate(7))
	assert.Equal(t, "hello\x00\x00", content(t, d, "x"))
}

func dirOpenFlags(t *testing.T, d fs.Dir, _ filesystem) {
	_, err := d.OpenFile("x", os.O_RDONLY, 0)
	requireErrno(t, err, syscall.ENOENT)
	_, err = d.OpenFile("x", os.O_RDWR|os.O_TRUNC, 0)
	requireErrno(t, err, syscall.ENOENT)
	n, err := d.OpenFile("x", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	require.NoError(t, err)
	_, err = n.WriteAt([]byte("old"), 0)
	require.NoError(t, err)
	_, err = n.ReadAt(make([]byte, 1), 0)
	requireErrno(t, err, syscall.EBADF)
	require.NoError(t, n.Close())

	_, err = d.OpenFile("x", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	requireErrno(t, err, syscall.EEXIST)
	n, err = d.OpenFile("x", os.O_RDONLY|os.O_CREATE, 0o644)
	require.NoError(t, err)
	_, err = n.WriteAt([]byte("new"), 0)
	requireErrno(t, err, syscall.EBADF)
	require.NoError(t, n.Close())
	assert.Equal(t, "old", content(t, d, "x"))
	n, err = d.OpenFile("x", os.O_WRONLY|os.O_TRUNC, 0)
	require.NoError(t, err)
	require.NoError(t, n.Close())
	assert.Equal(t, "", content(t, d, "x"))
	require.NoError(t, d.Symlink("nowhere", "dangling"))
	_, err = d.OpenFile("dangling", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	requireErrno(t, err, syscall.EEXIST)
}

func dirAppend(t *testing.T, d fs.Dir, _ filesystem) {
	a, err := d.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o644)
	require.NoError(t, err)
	defer a.Close()
	b, err := d.OpenFile("x", os.O_RDWR, 0)
	require.NoError(t, err)
	defer b.Close()
	m, end, err := a.Append([]byte("one "))
	require.NoError(t, err)
	assert.Equal(t, 4, m)
	assert.EqualValues(t, 4, end)
	_, end, err = b.Append([]byte("two "))
	require.NoError(t, err)
	assert.EqualValues(t, 8, end)
	_, end, err = a.Append([]byte("three"))
	require.NoError(t, err)
	assert.EqualValues(t, 13, end)
	_, err = a.WriteAt([]byte("ONE"), 0)
	require.NoError(t, err)
	assert.Equal(t, "ONE two three", content(t, d, "x"))
	_, end, err = b.Append(nil)
	require.NoError(t, err)
	assert.EqualValues(t, 13, end)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				_, _, err := a.Append([]byte("12345678"))
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	assert.Len(t, content(t, d, "x"), 13+8*50*8)
}

func dirOpenFileKinds(t *testing.T, d fs.Dir, k filesystem) {
	mkdir(t, d, "dir")
	create(t, d, "file", "x")
	require.NoError(t, d.Symlink("file", "link"))
	for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_TRUNC, os.O_WRONLY | os.O_CREATE} {
		_, err := d.OpenFile("dir", flag, 0o644)
		requireErrno(t, err, syscall.EISDIR)
		_, err = d.OpenFile("link", flag, 0o644)
		requireErrno(t, err, syscall.ELOOP)
	}
	if k.specials {
		for _, name := range []string{"fifo", "socket"} {
			for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREATE | os.O_TRUNC} {
				_, err := d.OpenFile(name, flag, 0o644)
				requireErrno(t, err, syscall.EACCES)
			}
		}
	}
	assert.Equal(t, "x", content(t, d, "file"))
}

func dirOpenDirKinds(t *testing.T, d fs.Dir, k filesystem) {
	_, err := d.OpenDir("missing")
	requireErrno(t, err, syscall.ENOENT)
	create(t, d, "file", "x")
	_, err = d.OpenDir("file")
	requireErrno(t, err, syscall.ENOTDIR)
	require.NoError(t, d.Symlink(".", "link"))
	_, err = d.OpenDir("link")
	requireErrno(t, err, syscall.ELOOP)
	if k.specials {
		_, err = d.OpenDir("fifo")
		requireErrno(t, err, syscall.ENOTDIR)
	}
	sub := mkdir(t, d, "dir")
	st, err := sub.Stat()
	require.NoError(t, err)
	assert.True(t, st.Mode.IsDir())
	same, err := d.Lookup("dir")
	require.NoError(t, err)
	assert.Equal(t, same.Ino, st.Ino)
}

func dirReadDir(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	list := func() map[string]iofs.FileMode {
		entries, err := sub.ReadDir()
		require.NoError(t, err)
		found := map[string]iofs.FileMode{}
		for _, e := range entries {
			found[e.Name] = e.Mode
			st, err := sub.Lookup(e.Name)
			require.NoError(t, err)
			assert.Equal(t, st.Ino, e.Ino)
		}
		return found
	}
	assert.Empty(t, list())
	create(t, sub, "file", "")
	mkdir(t, sub, "dir")
	require.NoError(t, sub.Symlink("file", "link"))
	want := map[string]iofs.FileMode{"file": 0, "dir": iofs.ModeDir, "link": iofs.ModeSymlink}
	assert.Equal(t, want, list())
	assert.Equal(t, want, list(), "a second time")
	require.NoError(t, sub.Unlink("file"))
	delete(want, "file")
	assert.Equal(t, want, list())
}

func dirReadDirMany(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	for i := range 400 {
		require.NoError(t, sub.Symlink("x", fmt.Sprintf("%s-%d", strings.Repeat("n", 40), i)))
	}
	entries, err := sub.ReadDir()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name] = true
	}
	assert.Len(t, names, 400)
	assert.Len(t, entries, 400)
}

func dirMakeRemove(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "dir")
	requireErrno(t, d.Mkdir("dir", 0o755), syscall.EEXIST)
	create(t, sub, "file", "")
	requireErrno(t, d.Rmdir("dir"), syscall.ENOTEMPTY, syscall.EEXIST)
	requireErrno(t, d.Unlink("dir"), syscall.EISDIR)
	requireErrno(t, sub.Rmdir("file"), syscall.ENOTDIR)
	requireErrno(t, sub.Rmdir("missing"), syscall.ENOENT)
	requireErrno(t, sub.Unlink("missing"), syscall.ENOENT)
	require.NoError(t, sub.Unlink("file"))
	require.NoError(t, d.Symlink("dir", "link"))
	requireErrno(t, d.Rmdir("link"), syscall.ENOTDIR)
	require.NoError(t, d.Unlink("link"))
	require.NoError(t, d.Rmdir("dir"))
	_, err := d.Lookup("dir")
	requireErrno(t, err, syscall.ENOENT)
	require.NoError(t, d.Sync())
}

func dirSymlinks(t *testing.T, d fs.Dir, _ filesystem) {
	long := strings.Repeat("t/", 600) + "end"
	for i, target := range []string{"x", "../../../etc/passwd", "/absolute//path/", "with space\n\xff", long} {
		name := fmt.Sprint("l", i)
		require.NoError(t, d.Symlink(target, name))
		got, err := d.Readlink(name)
		require.NoError(t, err)
		assert.Equal(t, target, got)
		st, err := d.Lookup(name)
		require.NoError(t, err)
		assert.Equal(t, iofs.ModeSymlink, st.Mode.Type())
	}
	requireErrno(t, d.Symlink("y", "l0"), syscall.EEXIST)
	create(t, d, "file", "")
	_, err := d.Readlink("file")
	requireErrno(t, err, syscall.EINVAL)
	_, err = d.Readlink("missing")
	requireErrno(t, err, syscall.ENOENT)
}

func dirLink(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "file", "same")
	sub := mkdir(t, d, "sub")
	require.NoError(t, d.Link("file", sub, "other"))
	a, err := d.Lookup("file")
	require.NoError(t, err)
	b, err := sub.Lookup("other")
	require.NoError(t, err)
	assert.Equal(t, a.Ino, b.Ino)
	assert.EqualValues(t, 2, b.Nlink)
	requireErrno(t, d.Link("file", sub, "other"), syscall.EEXIST)
	requireErrno(t, d.Link("missing", sub, "new"), syscall.ENOENT)
	requireErrno(t, d.Link("sub", d, "hard"), syscall.EPERM)
	foreign, _ := newFs(t)
	requireErrno(t, d.Link("file", rootOf(t, foreign), "x"), syscall.EXDEV)
}

func dirRename(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "a", "A")
	create(t, d, "b", "B")
	require.NoError(t, d.Rename("a", d, "b"))
	assert.Equal(t, "A", content(t, d, "b"))
	_, err := d.Lookup("a")
	requireErrno(t, err, syscall.ENOENT)
	requireErrno(t, d.Rename("a", d, "b"), syscall.ENOENT)
	require.NoError(t, d.Rename("b", d, "b"))

	full := mkdir(t, d, "full")
	create(t, full, "x", "")
	mkdir(t, d, "empty")
	requireErrno(t, d.Rename("b", d, "empty"), syscall.EISDIR)
	requireErrno(t, d.Rename("empty", d, "b"), syscall.ENOTDIR)
	requireErrno(t, d.Rename("empty", d, "full"), syscall.ENOTEMPTY, syscall.EEXIST)
	requireErrno(t, d.Rename("full", full, "inside"), syscall.EINVAL)
	require.NoError(t, d.Rename("full", d, "empty"))
	moved, err := d.OpenDir("empty")
	require.NoError(t, err)
	defer moved.Close()
	assert.Equal(t, "", content(t, moved, "x"))

	// A symlink is moved and replaced as itself.
	require.NoError(t, d.Symlink("b", "link"))
	require.NoError(t, d.Rename("link", d, "moved"))
	target, err := d.Readlink("moved")
	require.NoError(t, err)
	assert.Equal(t, "b", target)
	create(t, d, "c", "C")
	require.NoError(t, d.Rename("c", d, "moved"))
	assert.Equal(t, "C", content(t, d, "moved"))
	assert.Equal(t, "A", content(t, d, "b"))
}

func dirRenameBetween(t *testing.T, d fs.Dir, _ filesystem) {
	from, to := mkdir(t, d, "from"), mkdir(t, d, "to")
	create(t, from, "x", "new")
	create(t, to, "x", "old")
	require.NoError(t, from.Rename("x", to, "x"))
	assert.Equal(t, "new", content(t, to, "x"))
	mkdir(t, from, "dir")
	require.NoError(t, from.Rename("dir", d, "up"))
	st, err := d.Lookup("up")
	require.NoError(t, err)
	assert.True(t, st.Mode.IsDir())
}

func dirRenameForeign(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "x", "here")
	foreign, _ := newFs(t)
	other, err := foreign.Dir()
	require.NoError(t, err)
	defer other.Close()
	requireErrno(t, d.Rename("x", other, "x"), syscall.EXDEV)
	assert.Equal(t, "here", content(t, d, "x"))
	assert.False(t, foreign.Exists("x"))
}

func dirTimes(t *testing.T, d fs.Dir, _ filesystem) {
	then := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	later := then.Add(time.Hour)
	create(t, d, "x", "")
	mtime := func(name string) time.Time {
		st, err := d.Lookup(name)
		require.NoError(t, err)
		return st.Mtime.UTC()
	}
	require.NoError(t, d.SetTimes("x", then, then))
	assert.Equal(t, then, mtime("x"))
	require.NoError(t, d.SetTimes("x", later, time.Time{}))
	assert.Equal(t, then, mtime("x"))
	requireErrno(t, d.SetTimes("missing", then, then), syscall.ENOENT)

	n, err := d.OpenFile("x", os.O_RDONLY, 0)
	require.NoError(t, err)
	defer n.Close()
	require.NoError(t, n.SetTimes(time.Time{}, later))
	assert.Equal(t, later, mtime("x"))
	require.NoError(t, n.SetTimes(then, time.Time{}))
	assert.Equal(t, later, mtime("x"))

	sub := mkdir(t, d, "sub")
	require.NoError(t, sub.SetOwnTimes(time.Time{}, then))
	assert.Equal(t, then, mtime("sub"))
}

func dirMode(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "x", "")
	n, err := d.OpenFile("x", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer n.Close()
	require.NoError(t, n.SetMode(0o751))
	st, err := d.Lookup("x")
	require.NoError(t, err)
	assert.Equal(t, iofs.FileMode(0o751), st.Mode)
}

func dirHandleFollows(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "before")
	require.NoError(t, d.Rename("before", d, "after"))
	mkdir(t, d, "before")
	create(t, sub, "x", "followed")
	after, err := d.OpenDir("after")
	require.NoError(t, err)
	defer after.Close()
	assert.Equal(t, "followed", content(t, after, "x"))
}

func dirDup(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "x", "shared")
	sub := mkdir(t, d, "sub")
	one, err := sub.Dup()
	require.NoError(t, err)
	two, err := one.Dup()
	require.NoError(t, err)
	require.NoError(t, one.Close())
	create(t, two, "y", "still")
	assert.Equal(t, "still", content(t, sub, "y"))
	require.NoError(t, two.Rename("y", sub, "z"), "both are of one filesystem")
	require.NoError(t, two.Close())
	assert.Equal(t, "still", content(t, sub, "z"))
}

func dirNames(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	names := []string{
		"\xff\xfe", " ", "\n", "...", "..x", "-rf", "a\\b", "c:", "*", "é", "e\u0301",
		strings.Repeat("x", 255), strings.Repeat("é", 127),
	}
	for _, name := range names {
		create(t, sub, name, name)
	}
	entries, err := sub.ReadDir()
	require.NoError(t, err)
	var found []string
	for _, e := range entries {
		found = append(found, e.Name)
		assert.Equal(t, e.Name, content(t, sub, e.Name))
	}
	assert.ElementsMatch(t, names, found)
	_, err = sub.OpenFile(strings.Repeat("x", 256), os.O_RDWR|os.O_CREATE, 0o644)
	requireErrno(t, err, syscall.ENAMETOOLONG)
}

func dirConcurrent(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprint(i)
			for j := range 20 {
				want := bytes.Repeat([]byte{byte(j)}, 100)
				n, err := sub.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
				if !assert.NoError(t, err) {
					return
				}
				_, err = n.WriteAt(want, 0)
				assert.NoError(t, err)
				got := make([]byte, 100)
				_, err = n.ReadAt(got, 0)
				assert.NoError(t, err)
				assert.Equal(t, want, got)
				assert.NoError(t, n.Close())
				_, err = sub.ReadDir()
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

func dirClosed(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "x", "")
	n, err := d.OpenFile("x", os.O_RDWR, 0)
	require.NoError(t, err)
	other, err := d.Dup()
	require.NoError(t, err)
	require.NoError(t, d.Close())
	_, err = n.WriteAt([]byte("a file outlives its directory's handle"), 0)
	require.NoError(t, err)
	require.NoError(t, n.Close())
	_, err = n.ReadAt(make([]byte, 1), 0)
	requireErrno(t, err, syscall.EBADF)
	_, err = d.Lookup("x")
	requireErrno(t, err, syscall.EBADF)
	for op, err := range closedOperations(d) {
		errno, _ := errors.AsType[syscall.Errno](err)
		assert.Equal(t, syscall.EBADF, errno, "%s: %v", op, err)
	}
	requireErrno(t, n.Close(), syscall.EBADF)
	assert.Equal(t, "a file outlives its directory's handle", content(t, other, "x"), "what was closed twice was closed once")
	require.NoError(t, other.Close())
}

func closedOperations(d fs.Dir) map[string]error {
	err := func(_ any, err error) error { return err }
	now := time.Now()
	return map[string]error{
		"Dup": err(d.Dup()), "Stat": err(d.Stat()), "Lookup": err(d.Lookup("x")), "ReadDir": err(d.ReadDir()),
		"OpenDir": err(d.OpenDir("x")), "OpenFile": err(d.OpenFile("x", os.O_RDONLY, 0)),
		"create": err(d.OpenFile("new", os.O_CREATE|os.O_RDWR, 0o644)),
		"Mkdir":  d.Mkdir("dir", 0o755), "Symlink": d.Symlink("x", "link"), "Readlink": err(d.Readlink("x")),
		"Unlink": d.Unlink("x"), "Rmdir": d.Rmdir("x"), "SetTimes": d.SetTimes("x", now, now),
		"SetOwnTimes": d.SetOwnTimes(now, now), "Sync": d.Sync(), "Close": d.Close(),
		"Link": d.Link("x", d, "y"), "Rename": d.Rename("x", d, "y"),
	}
}

func dirLock(t *testing.T, d fs.Dir, _ filesystem) {
	l, ok := d.(fs.Locker)
	require.True(t, ok)
	count, high := 0, 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		wg.Go(func() {
			for range 25 {
				unlock, err := l.Lock()
				if !assert.NoError(t, err) {
					return
				}
				mu.Lock()
				count++
				high = max(high, count)
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				count--
				mu.Unlock()
				unlock()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, high)
}

// makeSpecials puts a FIFO and a socket into root.
func makeSpecials(t *testing.T, root string) {
	t.Helper()
	require.NoError(t, syscall.Mkfifo(filepath.Join(root, "fifo"), 0o666))
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer syscall.Close(fd)
	// A socket's path is short, so bind it elsewhere and move it.
	short, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	defer os.RemoveAll(short)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: filepath.Join(short, "s")}))
	require.NoError(t, os.Rename(filepath.Join(short, "s"), filepath.Join(root, "socket")))
}
