//go:build linux || darwin || freebsd

package fs_test

import (
	"bytes"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestMain(m *testing.M) {
	if play := roles[os.Getenv("CLOCHE_TEST_ROLE")]; play != nil {
		play()
		return
	}
	// What the tests check are modes as asked for.
	syscall.Umask(0o022)
	os.Exit(m.Run())
}

func modeOnHost(t *testing.T, path string) iofs.FileMode {
	t.Helper()
	i, err := os.Lstat(path)
	require.NoError(t, err)
	return i.Mode().Perm()
}

func TestWritesKeepTheModeOfTheOldFile(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*fs.Fs, string) error{
		"Write":       func(f *fs.Fs, p string) error { return f.Write(p, []byte("new")) },
		"WriteAtomic": func(f *fs.Fs, p string) error { return f.WriteAtomic(p, []byte("new")) },
		"Update": func(f *fs.Fs, p string) error {
			return f.Update(p, func([]byte) ([]byte, error) { return []byte("new"), nil })
		},
		"Create": func(f *fs.Fs, p string) error {
			file, err := f.Create(p)
			if err != nil {
				return err
			}
			return errors.Join(func() error { _, err := file.Write([]byte("new")); return err }(), file.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, root := newFs(t)
			old := filepath.Join(root, "old")
			require.NoError(t, os.WriteFile(old, []byte("longer than new"), 0o600))
			require.NoError(t, os.Chmod(old, 0o751))
			require.NoError(t, write(f, "old"))
			assert.Equal(t, iofs.FileMode(0o751), modeOnHost(t, old))
			require.NoError(t, write(f, "new"))
			assert.Equal(t, iofs.FileMode(0o644), modeOnHost(t, filepath.Join(root, "new")))
			for _, p := range []string{"old", "new"} {
				got, err := f.Read(p)
				require.NoError(t, err)
				assert.Equal(t, "new", string(got))
			}
		})
	}
}

func TestWriteModeGivesTheModeToOldAndNewFiles(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	require.NoError(t, f.Write("old", []byte("public")))
	require.NoError(t, f.WriteMode("old", []byte("secret"), 0o600))
	require.NoError(t, f.WriteMode("new", []byte("x"), 0o666))
	assert.Equal(t, iofs.FileMode(0o600), modeOnHost(t, filepath.Join(root, "old")))
	assert.Equal(t, iofs.FileMode(0o666), modeOnHost(t, filepath.Join(root, "new")))
	got, err := f.Read("old")
	require.NoError(t, err)
	assert.Equal(t, "secret", string(got))
}

func TestWriteAtomicReplacesWhereTheSymlinkLeads(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	require.NoError(t, f.EnsureDir("a"))
	require.NoError(t, f.Write("a/real", []byte("old")))
	require.NoError(t, os.Symlink("a/real", filepath.Join(root, "link")))
	require.NoError(t, f.WriteAtomic("link", []byte("new")))
	target, err := os.Readlink(filepath.Join(root, "link"))
	require.NoError(t, err, "the link is still a link")
	assert.Equal(t, "a/real", target)
	got, err := f.Read("a/real")
	require.NoError(t, err)
	assert.Equal(t, "new", string(got))
	assert.Equal(t, []string{"real"}, namesIn(t, filepath.Join(root, "a")))
}

func TestWriteAtomicNeverWritesOutside(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("safe"), 0o644))
	require.NoError(t, os.Symlink(victim, filepath.Join(root, "file")))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "dir")))
	for _, p := range []string{"file", "dir/victim", "dir/new"} {
		for name, write := range map[string]func() error{
			"atomic": func() error { return f.WriteAtomic(p, []byte("x")) },
			"plain":  func() error { return f.Write(p, []byte("x")) },
			"mode":   func() error { return f.WriteMode(p, []byte("x"), 0o777) },
			"update": func() error { return f.Update(p, func([]byte) ([]byte, error) { return []byte("x"), nil }) },
		} {
			err := write()
			denied, ok := errors.AsType[*fs.DeniedError](err)
			require.True(t, ok, "%s %s: %v", name, p, err)
			assert.Equal(t, p, denied.Path)
			assert.NotContains(t, err.Error(), outside)
			assert.NotContains(t, err.Error(), root)
		}
	}
	data, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "safe", string(data))
	assert.Equal(t, []string{"victim"}, namesIn(t, outside))
}

func TestWriteAtomicRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	makeSpecials(t, root)
	require.NoError(t, f.EnsureDir("dir"))
	for p, errno := range map[string]syscall.Errno{
		"fifo": syscall.EACCES, "socket": syscall.EACCES, "dir": syscall.EISDIR, "dir/": syscall.EISDIR,
		"new/": syscall.EISDIR, ".": syscall.EISDIR, "/": syscall.EISDIR, "": syscall.ENOENT, "fifo/": syscall.EISDIR,
	} {
		requireErrno(t, f.WriteAtomic(p, nil), errno)
	}
	assert.Equal(t, []string{"dir", "fifo", "socket"}, namesIn(t, root))
}

func TestWriteAtomicShowsReadersOldOrNew(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	const size = 1 << 16
	require.NoError(t, f.WriteAtomic("x", bytes.Repeat([]byte{0}, size)))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				data, err := f.Read("x")
				if !assert.NoError(t, err) || !assert.Len(t, data, size) {
					return
				}
				if !assert.Equal(t, size, bytes.Count(data, data[:1]), "half old, half new") {
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 100 {
		require.NoError(t, f.WriteAtomic("x", bytes.Repeat([]byte{byte(i)}, size)))
	}
	close(done)
	readers.Wait()
}

func addOne(old []byte) ([]byte, error) {
	n := 0
	if old != nil {
		var err error
		if n, err = strconv.Atoi(string(old)); err != nil {
			return nil, err
		}
	}
	return strconv.AppendInt(nil, int64(n+1), 10), nil
}

func TestUpdateTellsAbsentFromEmpty(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	require.NoError(t, f.Update("x", func(old []byte) ([]byte, error) {
		assert.Nil(t, old)
		return nil, nil
	}))
	require.NoError(t, f.Update("x", func(old []byte) ([]byte, error) {
		assert.NotNil(t, old)
		assert.Empty(t, old)
		return []byte("full"), nil
	}))
	failure := errors.New("changed my mind")
	err := f.Update("x", func([]byte) ([]byte, error) { return []byte("lost"), failure })
	assert.Equal(t, failure, err)
	got, err := f.Read("x")
	require.NoError(t, err)
	assert.Equal(t, "full", string(got))
}

func TestUpdateFreesItsLockWhenChangePanics(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	assert.Panics(t, func() {
		f.Update("x", func([]byte) ([]byte, error) { panic("change") })
	})
	require.NoError(t, f.Update("x", addOne))
}

func TestOnlyRegularFilesAreOpenedAndWithoutBlocking(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	makeSpecials(t, root)
	if err := syscall.Mknod(filepath.Join(root, "null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Logf("without a device node, which needs privileges: %v", err)
	}
	for _, name := range namesIn(t, root) {
		for op, open := range map[string]func() error{
			"Read":   func() error { _, err := f.Read(name); return err },
			"Write":  func() error { return f.Write(name, []byte("x")) },
			"Open":   func() error { _, err := f.Open(name); return err },
			"Create": func() error { _, err := f.Create(name); return err },
			"Append": func() error { _, err := f.Append(name); return err },
		} {
			err := open()
			requireErrno(t, err, syscall.EACCES)
			denied, ok := errors.AsType[*fs.DeniedError](err)
			require.True(t, ok, "%s %s: %v", op, name, err)
			assert.Equal(t, name, denied.Path)
			assert.ErrorIs(t, err, iofs.ErrPermission)
		}
		assert.True(t, f.Exists(name))
		assert.False(t, f.IsFile(name))
		assert.False(t, f.IsDir(name))
	}
}

func TestFileBehavesLikeAnOSFile(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	file, err := f.Create("x")
	require.NoError(t, err)
	_, err = io.WriteString(file, "hello world")
	require.NoError(t, err)
	pos, err := file.Seek(-5, io.SeekEnd)
	require.NoError(t, err)
	assert.EqualValues(t, 6, pos)
	got, err := io.ReadAll(file)
	require.NoError(t, err)
	assert.Equal(t, "world", string(got))
	_, err = file.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
	_, err = file.WriteAt([]byte("H"), 0)
	require.NoError(t, err)
	pos, err = file.Seek(-1, io.SeekCurrent)
	require.NoError(t, err)
	assert.EqualValues(t, 10, pos)
	require.NoError(t, file.Truncate(5))
	require.NoError(t, file.Sync())
	i, err := file.Stat()
	require.NoError(t, err)
	assert.Equal(t, "x", i.Name())
	assert.EqualValues(t, 5, i.Size())
	assert.IsType(t, fs.Stat{}, i.Sys())
	buf := make([]byte, 5)
	_, err = file.ReadAt(buf, 0)
	require.NoError(t, err)
	assert.Equal(t, "Hello", string(buf))
	_, err = file.Seek(-1, io.SeekStart)
	requireErrno(t, err, syscall.EINVAL)
	_, err = file.ReadAt(buf, -1)
	requireErrno(t, err, syscall.EINVAL)
	_, err = file.ReadDir(-1)
	requireErrno(t, err, syscall.ENOTDIR)
	require.NoError(t, file.Close())
	assert.ErrorIs(t, file.Close(), os.ErrClosed)
	_, err = file.Read(buf)
	assert.ErrorIs(t, err, os.ErrClosed)

	log, err := f.Append("x")
	require.NoError(t, err)
	defer log.Close()
	require.NoError(t, f.Write("x", []byte("1")))
	_, err = io.WriteString(log, "2")
	require.NoError(t, err)
	text, err := f.Read("x")
	require.NoError(t, err)
	assert.Equal(t, "12", string(text))
}

func TestStreamsReadAndWrite(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	w, err := f.WriteStream("x")
	require.NoError(t, err)
	_, err = io.WriteString(w, "streamed")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	r, err := f.ReadStream("x")
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "streamed", string(got))
	r, err = f.ReadStream("missing")
	assert.Nil(t, r)
	assert.ErrorIs(t, err, iofs.ErrNotExist)
	_, err = f.ReadStream(".")
	requireErrno(t, err, syscall.EISDIR)
}

func TestADirectoryOpensAndLists(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	for _, p := range []string{".", "/", "a/.."} {
		dir, err := f.Open(p)
		require.NoError(t, err)
		first, err := dir.ReadDir(1)
		require.NoError(t, err)
		assert.Equal(t, "a", first[0].Name())
		rest, err := dir.ReadDir(-1)
		require.NoError(t, err)
		assert.Len(t, rest, len(namesIn(t, root))-1)
		_, err = dir.ReadDir(1)
		assert.Equal(t, io.EOF, err)
		_, err = dir.Read(make([]byte, 1))
		requireErrno(t, err, syscall.EISDIR)
		require.NoError(t, dir.Sync())
		require.NoError(t, dir.Close())
		i, err := first[0].Info()
		require.NoError(t, err, "an entry outlives its directory")
		assert.True(t, i.IsDir())
	}
}
