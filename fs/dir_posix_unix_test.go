//go:build linux || darwin || freebsd

package fs_test

import (
	"fmt"
	"io"
	iofs "io/fs"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dappco.re/go/cloche/fs"
)

// kinds is what an entry can be; each makes one of the name by way of d.
var kinds = map[string]func(t *testing.T, d fs.Dir, name string){
	"missing":  func(*testing.T, fs.Dir, string) {},
	"file":     func(t *testing.T, d fs.Dir, name string) { create(t, d, name, "text") },
	"empty":    func(t *testing.T, d fs.Dir, name string) { require.NoError(t, d.Mkdir(name, 0o755)) },
	"link":     func(t *testing.T, d fs.Dir, name string) { require.NoError(t, d.Symlink("/", name)) },
	"dangling": func(t *testing.T, d fs.Dir, name string) { require.NoError(t, d.Symlink("nowhere", name)) },
	"full": func(t *testing.T, d fs.Dir, name string) {
		require.NoError(t, d.Mkdir(name, 0o755))
		sub, err := d.OpenDir(name)
		require.NoError(t, err)
		defer sub.Close()
		create(t, sub, "inside", "text")
	},
}

// dirMatrix does everything to every kind of entry, here and by system calls on
// a directory of the host, and compares the answers.
func dirMatrix(t *testing.T, d fs.Dir, k filesystem) {
	root := t.TempDir()
	twin := rootOf(t, openHost(t, root))
	defer twin.Close()
	fd, err := unix.Open(root, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	count := 0
	// compare makes the kinds anew, as names 0, 1 and so on.
	compare := func(what string, make []string, got func(names []string) error, want func(names []string) error) {
		count++
		names := []string{}
		for i, kind := range make {
			name := fmt.Sprintf("%d-%d", count, i)
			names = append(names, name)
			kinds[kind](t, d, name)
			kinds[kind](t, twin, name)
		}
		what += " of " + strings.Join(make, " and ")
		gotErr, wantErr := got(names), want(names)
		require.Equal(t, errnoOf(wantErr), errnoOf(gotErr), "%s: host says %v, not %v", what, wantErr, gotErr)
		for _, name := range names {
			want, wantErr := twin.Lookup(name)
			got, gotErr := d.Lookup(name)
			require.Equal(t, errnoOf(wantErr), errnoOf(gotErr), "%s: what became of %s", what, name)
			require.Equal(t, want.Mode, got.Mode, "%s: what became of %s", what, name)
		}
	}
	for kind := range kinds {
		one := []string{kind}
		for name, c := range map[string]struct{ got, want func(name string) error }{
			"lookup": {
				func(n string) error { _, err := d.Lookup(n); return err },
				func(n string) error { return unix.Fstatat(fd, n, new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW) },
			},
			"mkdir": {
				func(n string) error { return d.Mkdir(n, 0o700) },
				func(n string) error { return unix.Mkdirat(fd, n, 0o700) },
			},
			"symlink": {
				func(n string) error { return d.Symlink("to", n) },
				func(n string) error { return unix.Symlinkat("to", fd, n) },
			},
			"readlink": {
				func(n string) error { _, err := d.Readlink(n); return err },
				func(n string) error { _, err := unix.Readlinkat(fd, n, make([]byte, 99)); return err },
			},
			"unlink": {
				d.Unlink,
				func(n string) error {
					err := unix.Unlinkat(fd, n, 0)
					if err == unix.EPERM {
						err = unix.EISDIR // POSIX's answer, where Dir has Linux's
					}
					return err
				},
			},
			"rmdir": {d.Rmdir, func(n string) error { return unix.Unlinkat(fd, n, unix.AT_REMOVEDIR) }},
			"open dir": {
				func(n string) error { return closed(d.OpenDir(n)) },
				func(n string) error {
					own, err := unix.Openat(fd, n, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
					if strings.Contains("link dangling", kind) {
						return unix.ELOOP // systems differ; Dir does not
					}
					return closedFd(own, err)
				},
			},
			"rename to itself": {
				func(n string) error { return d.Rename(n, d, n) },
				func(n string) error { return unix.Renameat(fd, n, fd, n) },
			},
		} {
			if k.portable && name == "symlink" {
				continue // see below
			}
			compare(name, one, func(n []string) error { return c.got(n[0]) }, func(n []string) error { return c.want(n[0]) })
		}
		for _, flag := range []int{
			os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_CREATE,
			os.O_RDONLY | os.O_CREATE, os.O_WRONLY | os.O_CREATE | os.O_TRUNC, os.O_RDWR | os.O_CREATE | os.O_EXCL,
			os.O_RDONLY | os.O_CREATE | os.O_EXCL,
		} {
			compare(fmt.Sprintf("open %#x", flag), one, func(n []string) error {
				return closed(d.OpenFile(n[0], flag, 0o640))
			}, func(n []string) error {
				own, err := unix.Openat(fd, n[0], flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
				if err == nil && (kind == "empty" || kind == "full") {
					unix.Close(own)
					return unix.EISDIR
				}
				return closedFd(own, err)
			})
		}
		for other := range kinds {
			two := []string{kind, other}
			compare("rename", two, func(n []string) error { return d.Rename(n[0], d, n[1]) },
				func(n []string) error { return unix.Renameat(fd, n[0], fd, n[1]) })
			compare("link", two, func(n []string) error { return d.Link(n[0], d, n[1]) },
				func(n []string) error { return unix.Linkat(fd, n[0], fd, n[1], 0) })
		}
	}
}

func closedFd(fd int, err error) error {
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}

func dirLongNames(t *testing.T, d fs.Dir, _ filesystem) {
	long := strings.Repeat("n", 256)
	create(t, d, "x", "")
	now := time.Now()
	err := func(_ any, err error) error { return err }
	for op, err := range map[string]error{
		"Lookup": err(d.Lookup(long)), "OpenDir": err(d.OpenDir(long)), "OpenFile": err(d.OpenFile(long, os.O_RDONLY, 0)),
		"create": err(d.OpenFile(long, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)), "Mkdir": d.Mkdir(long, 0o755),
		"Symlink": d.Symlink("x", long), "Readlink": err(d.Readlink(long)), "Unlink": d.Unlink(long), "Rmdir": d.Rmdir(long),
		"Link from": d.Link(long, d, "y"), "Link to": d.Link("x", d, long),
		"Rename from": d.Rename(long, d, "y"), "Rename to": d.Rename("x", d, long), "SetTimes": d.SetTimes(long, now, now),
	} {
		assert.Equal(t, syscall.ENAMETOOLONG, errnoOf(err), "%s: %v", op, err)
	}
	requireErrno(t, d.Symlink("", "empty"), syscall.ENOENT)
	requireErrno(t, d.Symlink("a\x00b", "nul"), syscall.EINVAL)
	requireErrno(t, d.Symlink(strings.Repeat("t", 4096), "toolong"), syscall.ENAMETOOLONG)
	target := strings.Repeat("t", 4095)
	require.NoError(t, d.Symlink(target, "longest"))
	got, rerr := d.Readlink("longest")
	require.NoError(t, rerr)
	assert.Equal(t, target, got)
}

func dirUnlinkOpen(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "x", "before")
	n, err := d.OpenFile("x", os.O_RDWR, 0)
	require.NoError(t, err)
	defer n.Close()
	second, err := d.OpenFile("x", os.O_RDONLY, 0)
	require.NoError(t, err)
	defer second.Close()
	require.NoError(t, d.Unlink("x"))
	create(t, d, "x", "another")

	_, _, err = n.Append([]byte(" and after"))
	require.NoError(t, err)
	data, err := io.ReadAll(io.NewSectionReader(second, 0, 1<<20))
	require.NoError(t, err)
	assert.Equal(t, "before and after", string(data))
	require.NoError(t, n.Truncate(3))
	require.NoError(t, n.SetMode(0o600))
	st, err := second.Stat()
	require.NoError(t, err)
	assert.EqualValues(t, 3, st.Size)
	assert.Zero(t, st.Nlink)
	assert.Equal(t, "another", content(t, d, "x"))

	create(t, d, "y", "replaces")
	replaced, err := d.OpenFile("x", os.O_RDONLY, 0)
	require.NoError(t, err)
	defer replaced.Close()
	require.NoError(t, d.Rename("y", d, "x"))
	data, err = io.ReadAll(io.NewSectionReader(replaced, 0, 1<<20))
	require.NoError(t, err)
	assert.Equal(t, "another", string(data))
}

func dirRmdirOpen(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	create(t, d, "x", "")
	require.NoError(t, d.Rmdir("sub"))
	mkdir(t, d, "sub")
	st, err := sub.Stat()
	require.NoError(t, err)
	assert.True(t, st.Mode.IsDir())
	entries, err := sub.ReadDir()
	assert.Empty(t, entries)
	if err != nil {
		requireErrno(t, err, syscall.ENOENT)
	}
	_, err = sub.Lookup("x")
	requireErrno(t, err, syscall.ENOENT)
	_, err = sub.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o644)
	requireErrno(t, err, syscall.ENOENT)
	requireErrno(t, sub.Mkdir("x", 0o755), syscall.ENOENT)
	requireErrno(t, sub.Symlink("x", "y"), syscall.ENOENT)
	requireErrno(t, d.Rename("x", sub, "x"), syscall.ENOENT, syscall.EXDEV)
	requireErrno(t, d.Link("x", sub, "x"), syscall.ENOENT, syscall.EXDEV)
	assert.Equal(t, "", content(t, d, "x"))
}

func dirDeepHandles(t *testing.T, d fs.Dir, k filesystem) {
	a := mkdir(t, d, "a")
	b := mkdir(t, a, "b")
	c := mkdir(t, b, "c")
	create(t, c, "x", "deep")
	elsewhere := mkdir(t, d, "elsewhere")
	requireErrno(t, d.Rename("a", c, "loop"), syscall.EINVAL)
	requireErrno(t, d.Rename("a", a, "loop"), syscall.EINVAL)
	require.NoError(t, d.Rename("a", elsewhere, "moved"))
	assert.Equal(t, "deep", content(t, c, "x"))
	create(t, c, "y", "after")
	assert.Equal(t, "after", content(t, c, "y"))
	if !k.portable {
		require.NoError(t, c.Rename("y", d, "out"))
		requireErrno(t, elsewhere.Rename("moved", c, "loop"), syscall.EINVAL)
		require.NoError(t, c.Rename("x", b, "x"))
		require.NoError(t, b.Link("x", c, "again"))
		assert.Equal(t, "deep", content(t, c, "again"))
		require.NoError(t, b.Rename("c", d, "c"))
		require.NoError(t, elsewhere.Rename("moved", c, "below"))
		assert.Equal(t, "deep", content(t, b, "x"))
	}
}

func dirSparse(t *testing.T, d fs.Dir, _ filesystem) {
	n, err := d.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o644)
	require.NoError(t, err)
	defer n.Close()
	const far = 1 << 40
	_, err = n.WriteAt([]byte("far"), far)
	require.NoError(t, err)
	st, err := n.Stat()
	require.NoError(t, err)
	assert.EqualValues(t, far+3, st.Size)
	buf := []byte("not zero")
	for _, off := range []int64{0, 1<<20 - 3, far / 2, far - 8} {
		_, err = n.ReadAt(buf, off)
		require.NoError(t, err)
		assert.Equal(t, make([]byte, 8), buf, off)
	}
	require.NoError(t, n.Truncate(0))
	for _, size := range []int64{1, 4095, 4096, 4097, 70_000, 1 << 20} {
		_, err = n.WriteAt([]byte(strings.Repeat("x", int(size)+100)), 0)
		require.NoError(t, err)
		require.NoError(t, n.Truncate(size))
		require.NoError(t, n.Truncate(size+200))
		tail := make([]byte, 201)
		_, err = n.ReadAt(tail, size-1)
		if err != io.EOF {
			require.NoError(t, err)
		}
		assert.Equal(t, "x"+strings.Repeat("\x00", 200), string(tail), size)
		require.NoError(t, n.Truncate(size))
		_, err = n.WriteAt([]byte("y"), size+50)
		require.NoError(t, err)
		_, err = n.ReadAt(tail[:52], size-1)
		if err != io.EOF {
			require.NoError(t, err)
		}
		assert.Equal(t, "x"+strings.Repeat("\x00", 50)+"y", string(tail[:52]), size)
	}
	_, end, err := n.Append([]byte("end"))
	require.NoError(t, err)
	st, err = n.Stat()
	require.NoError(t, err)
	assert.Equal(t, st.Size, end)
}

func dirHugeOffsets(t *testing.T, d fs.Dir, _ filesystem) {
	n, err := d.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o644)
	require.NoError(t, err)
	defer n.Close()
	_, err = n.WriteAt([]byte("kept"), 0)
	require.NoError(t, err)
	two := make([]byte, 2)
	for _, off := range []int64{4, 5, 1 << 31, 1 << 40, 1 << 62, math.MaxInt64 - 2} {
		m, err := n.ReadAt(two, off)
		assert.Zero(t, m)
		assert.Equal(t, io.EOF, err, off)
	}
	for _, off := range []int64{math.MaxInt64 - 1, math.MaxInt64} {
		m, err := n.ReadAt(two, off)
		assert.Zero(t, m)
		if err != io.EOF {
			requireErrno(t, err, syscall.EINVAL) // Linux: its end is past what there can be
		}
		_, err = n.WriteAt(two, off)
		requireErrno(t, err, syscall.EINVAL, syscall.EFBIG)
	}
	_, err = n.WriteAt(two, math.MaxInt64-2)
	if err != nil {
		requireErrno(t, err, syscall.EFBIG, syscall.ENOSPC, syscall.EINVAL)
	}
	if err := n.Truncate(math.MaxInt64); err != nil {
		requireErrno(t, err, syscall.EFBIG, syscall.EINVAL)
	}
	requireErrno(t, n.Truncate(-1), syscall.EINVAL)
	requireErrno(t, n.Truncate(math.MinInt64), syscall.EINVAL)
	for _, off := range []int64{-1, math.MinInt64} {
		_, err = n.ReadAt(two, off)
		requireErrno(t, err, syscall.EINVAL)
		_, err = n.WriteAt(two, off)
		requireErrno(t, err, syscall.EINVAL)
	}
	require.NoError(t, n.Truncate(4))
	assert.Equal(t, "kept", content(t, d, "x"))
}

func dirHardLinks(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	create(t, d, "a", "one")
	require.NoError(t, d.Link("a", sub, "b"))
	n, err := sub.OpenFile("b", os.O_RDWR, 0)
	require.NoError(t, err)
	defer n.Close()
	_, _, err = n.Append([]byte(" file"))
	require.NoError(t, err)
	require.NoError(t, n.SetMode(0o600))
	assert.Equal(t, "one file", content(t, d, "a"))
	st, err := d.Lookup("a")
	require.NoError(t, err)
	assert.Equal(t, iofs.FileMode(0o600), st.Mode)

	require.NoError(t, d.Rename("a", sub, "b"), "two names of one file")
	_, err = d.Lookup("a")
	require.NoError(t, err, "both stay, as POSIX has it")
	require.NoError(t, d.Unlink("a"))
	st, err = n.Stat()
	require.NoError(t, err)
	assert.EqualValues(t, 1, st.Nlink)
	assert.Equal(t, "one file", content(t, sub, "b"))

	require.NoError(t, d.Symlink("sub/b", "link"))
	require.NoError(t, d.Link("link", d, "link2"), "the symlink itself gets the name")
	target, err := d.Readlink("link2")
	require.NoError(t, err)
	assert.Equal(t, "sub/b", target)
	st, err = sub.Lookup("b")
	require.NoError(t, err)
	assert.EqualValues(t, 1, st.Nlink)
}

func dirTimesChange(t *testing.T, d fs.Dir, _ filesystem) {
	then := time.Unix(1e9, 0)
	sub := mkdir(t, d, "sub")
	create(t, sub, "x", "text")
	n, err := sub.OpenFile("x", os.O_RDWR, 0)
	require.NoError(t, err)
	defer n.Close()
	for what, change := range map[string]func() error{
		"write":    func() error { _, err := n.WriteAt([]byte("T"), 0); return err },
		"append":   func() error { _, _, err := n.Append([]byte("T")); return err },
		"truncate": func() error { return n.Truncate(1) },
		"O_TRUNC":  func() error { return closed(sub.OpenFile("x", os.O_WRONLY|os.O_TRUNC, 0)) },
	} {
		require.NoError(t, n.SetTimes(then, then))
		require.NoError(t, change(), what)
		st, err := sub.Lookup("x")
		require.NoError(t, err)
		assert.NotEqual(t, then, st.Mtime.Local(), what)
		own, err := n.Stat()
		require.NoError(t, err)
		assert.Equal(t, st.Mtime, own.Mtime, what)
		assert.WithinDuration(t, time.Now(), own.Ctime, time.Minute, what)
	}
	other := mkdir(t, d, "other")
	for _, c := range []struct {
		what   string
		change func() error
		both   bool
	}{
		{"create", func() error { return closed(sub.OpenFile("new", os.O_CREATE|os.O_RDWR, 0o644)) }, false},
		{"mkdir", func() error { return sub.Mkdir("dir", 0o755) }, false},
		{"symlink", func() error { return sub.Symlink("to", "link") }, false},
		{"link", func() error { return sub.Link("x", sub, "hard") }, false},
		{"rename", func() error { return sub.Rename("new", other, "new") }, true},
		{"unlink", func() error { return sub.Unlink("link") }, false},
		{"rmdir", func() error { return sub.Rmdir("dir") }, false},
	} {
		for _, dir := range []fs.Dir{sub, other} {
			require.NoError(t, dir.SetOwnTimes(then, then))
		}
		require.NoError(t, c.change(), c.what)
		st, err := sub.Stat()
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), st.Mtime, time.Minute, c.what)
		st, err = other.Stat()
		require.NoError(t, err)
		assert.Equal(t, !c.both, st.Mtime.Equal(then), c.what)
	}
}

func dirTimesKept(t *testing.T, d fs.Dir, k filesystem) {
	create(t, d, "x", "")
	n, err := d.OpenFile("x", os.O_RDONLY, 0)
	require.NoError(t, err)
	defer n.Close()
	for _, want := range []time.Time{
		time.Unix(0, 0), time.Unix(0, 1), time.Unix(1e9, 123_456_789), time.Date(1950, 1, 1, 0, 0, 0, 999_999_999, time.UTC),
		time.Date(2100, 1, 1, 0, 0, 0, 1, time.UTC),
	} {
		for what, set := range map[string]func() error{
			"by name": func() error { return d.SetTimes("x", want, want.Add(time.Hour)) },
			"by file": func() error { return n.SetTimes(want, want.Add(time.Hour)) },
		} {
			require.NoError(t, set(), what)
			st, err := d.Lookup("x")
			require.NoError(t, err)
			assert.True(t, st.Mtime.Equal(want.Add(time.Hour)), "%s: %v, not %v", what, st.Mtime, want)
			if !k.portable {
				assert.True(t, st.Atime.Equal(want), "%s: %v, not %v", what, st.Atime, want)
			}
			require.NoError(t, n.SetTimes(time.Time{}, time.Time{}), "nothing to set")
			same, err := n.Stat()
			require.NoError(t, err)
			assert.True(t, same.Mtime.Equal(st.Mtime))
		}
	}
	before, err := d.Lookup("x")
	require.NoError(t, err)
	require.NoError(t, d.Symlink("x", "link"))
	then := time.Unix(5e8, 0)
	err = d.SetTimes("link", then, then)
	if k.portable {
		requireErrno(t, err, syscall.ENOTSUP)
	} else {
		require.NoError(t, err)
		st, err := d.Lookup("link")
		require.NoError(t, err)
		assert.True(t, st.Mtime.Equal(then))
	}
	after, err := d.Lookup("x")
	require.NoError(t, err)
	assert.True(t, before.Mtime.Equal(after.Mtime), "a symlink is not followed")
}

func dirModesOnly(t *testing.T, d fs.Dir, _ filesystem) {
	const bits = os.ModeSetuid | os.ModeSetgid | os.ModeSticky | os.ModeDevice
	n, err := d.OpenFile("x", os.O_RDWR|os.O_CREATE, bits|0o750)
	require.NoError(t, err)
	defer n.Close()
	st, err := n.Stat()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o750), st.Mode)
	require.NoError(t, n.SetMode(bits|0o705))
	st, err = d.Lookup("x")
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o705), st.Mode)
	require.NoError(t, d.Mkdir("sub", os.ModeSetuid|os.ModeSticky|0o710))
	st, err = d.Lookup("sub")
	require.NoError(t, err)
	assert.Equal(t, os.ModeDir|0o710, st.Mode&^os.ModeSetgid, "a directory may inherit its group")
}

func dirReplaceAtomically(t *testing.T, d fs.Dir, _ filesystem) {
	create(t, d, "x", "content")
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		defer close(stop)
		for range 100 {
			n, err := d.OpenFile("temp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if !assert.NoError(t, err) {
				return
			}
			_, err = n.WriteAt([]byte("content"), 0)
			assert.NoError(t, err)
			assert.NoError(t, n.Close())
			assert.NoError(t, d.Rename("temp", d, "x"))
		}
	})
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		_, err := d.Lookup("x")
		require.NoError(t, err)
	}
	writer.Wait()
	assert.Equal(t, "content", content(t, d, "x"))
}

func dirReadDirChanging(t *testing.T, d fs.Dir, _ filesystem) {
	sub := mkdir(t, d, "sub")
	for i := range 100 {
		require.NoError(t, sub.Symlink("x", fmt.Sprint("stays-", i)))
	}
	stop := make(chan struct{})
	var changer sync.WaitGroup
	changer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := fmt.Sprint("goes-", i%50)
			if err := sub.Symlink("x", name); err != nil {
				assert.NoError(t, sub.Unlink(name))
			}
		}
	})
	for range 100 {
		entries, err := sub.ReadDir()
		require.NoError(t, err)
		stays := map[string]int{}
		for _, e := range entries {
			if strings.HasPrefix(e.Name, "stays") {
				stays[e.Name]++
			}
		}
		require.Len(t, stays, 100)
		for name, times := range stays {
			require.Equal(t, 1, times, name)
		}
	}
	close(stop)
	changer.Wait()
}
