//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestNoFilesystemDeniesEverything(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fs.Fs{"nil": nil, "zero": {}, "read-only zero": (*fs.Fs)(nil).ReadOnly()} {
		t.Run(name, func(t *testing.T) {
			for op, try := range operations(f) {
				if op == "DeleteAll" {
					op = "DeleteAll of nothing"
				}
				err := try("x")
				denied, ok := errors.AsType[*fs.DeniedError](err)
				require.True(t, ok, "%s: %v", op, err)
				assert.Contains(t, denied.Fix, "core.WithFs")
				assert.ErrorIs(t, err, iofs.ErrPermission)
				assert.ErrorIs(t, err, syscall.EACCES)
				pathErr, ok := errors.AsType[*iofs.PathError](err)
				require.True(t, ok)
				assert.Equal(t, denied.Path, pathErr.Path)
			}
			assert.Equal(t, "", f.Root())
			assert.False(t, f.Unrestricted())
			assert.False(t, f.Exists("/"))
			_, err := f.Dir()
			assert.ErrorIs(t, err, iofs.ErrPermission)
			_, err = f.IOFS().Open(".")
			assert.ErrorIs(t, err, iofs.ErrPermission)
			assert.NoError(t, f.Close())
		})
	}
}

func TestNewSaysWhatIsWrongWithTheRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	for root, want := range map[string]string{
		filepath.Join(dir, "missing"): "no such file or directory",
		file:                          "not a directory",
		file + "\x00":                 "invalid argument",
	} {
		_, err := fs.New(root)
		require.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, root)
	}
	_, err := fs.New("")
	assert.ErrorContains(t, err, "empty root")
	_, err = fs.OpenPortable(file)
	requireErrno(t, err, syscall.ENOTDIR)
}

func TestNewRefusesARootThatCannotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root reads everything, so let a child without privileges try.
		runAsNobody(t)
		return
	}
	for _, mode := range []os.FileMode{0, 0o300, 0o400} {
		root := t.TempDir()
		require.NoError(t, os.Chmod(root, mode))
		_, err := fs.New(root)
		require.ErrorIs(t, err, iofs.ErrPermission, mode.String())
		assert.ErrorContains(t, err, root)
	}
}

func TestNewRefusesProcfsAndSysfs(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has them")
	}
	for _, root := range []string{"/proc", "/proc/self", "/sys"} {
		_, err := fs.New(root)
		denied, ok := errors.AsType[*fs.DeniedError](err)
		require.True(t, ok, "%s: %v", root, err)
		assert.Equal(t, root, denied.Path)
	}
	f, err := fs.New("/")
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Read("/proc/self/environ")
	_, denied := errors.AsType[*fs.DeniedError](err)
	assert.True(t, denied, "a mount below the root is found out too: %v", err)
	_, err = f.Sub("sys")
	assert.ErrorIs(t, err, iofs.ErrPermission)
}

func TestNewFollowsSymlinksToTheRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "link")))
	link := filepath.Join(dir, "link")
	f, err := fs.New(link)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Write("x", nil))
	assert.Equal(t, link, f.Root())
	assert.Equal(t, []string{"x"}, namesIn(t, filepath.Join(dir, "real")))
	host, err := f.HostDir("")
	require.NoError(t, err)
	real, err := filepath.EvalSymlinks(link)
	require.NoError(t, err)
	assert.Equal(t, real, host)
}

func TestReadOnlyReadsAndNeverWrites(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	ro := f.ReadOnly()
	defer ro.Close()
	got, err := ro.Read("in/c/file")
	require.NoError(t, err)
	assert.Equal(t, "file", string(got))
	sub, err := ro.Sub("a")
	require.NoError(t, err)
	defer sub.Close()
	writes := map[string]error{
		"Write":       ro.Write("top", nil),
		"new":         ro.Write("new", nil),
		"WriteMode":   ro.WriteMode("top", nil, 0o777),
		"WriteAtomic": ro.WriteAtomic("top", nil),
		"Update":      ro.Update("top", func([]byte) ([]byte, error) { t.Error("called"); return nil, nil }),
		"EnsureDir":   ro.EnsureDir("new/dir"),
		"Delete":      ro.Delete("top"),
		"DeleteAll":   ro.DeleteAll("a"),
		"Rename":      ro.Rename("top", "other"),
		"of a Sub":    sub.Write("b/c/file", nil),
		"TempDir":     func() error { _, err := ro.TempDir("x"); return err }(),
		"Create":      func() error { _, err := ro.Create("top"); return err }(),
		"Append":      func() error { _, err := ro.Append("top"); return err }(),
	}
	for name, err := range writes {
		denied, ok := errors.AsType[*fs.DeniedError](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Equal(t, "read-only", denied.Rule)
		assert.NotEmpty(t, denied.Fix)
		assert.ErrorIs(t, err, syscall.EROFS)
	}
	require.NoError(t, ro.EnsureDir("a/b"), "what exists is ensured")

	d, err := ro.Dir()
	require.NoError(t, err)
	defer d.Close()
	n, err := d.OpenFile("top", os.O_RDONLY|os.O_CREATE, 0o644)
	require.NoError(t, err)
	defer n.Close()
	once, ok := n.(interface {
		ReadOnce([]byte, int64) (int, error)
	})
	require.True(t, ok, "the kernel asks for it")
	buf := make([]byte, 8)
	for off, want := range []string{"top", "op", "p", ""} {
		size, err := once.ReadOnce(buf, int64(off))
		require.NoError(t, err)
		assert.Equal(t, want, string(buf[:size]))
	}
	for name, err := range map[string]error{
		"chmod": n.SetMode(0o777), "utimes": n.SetTimes(time.Now(), time.Now()),
		"dir utimes": d.SetOwnTimes(time.Now(), time.Now()), "entry utimes": d.SetTimes("top", time.Now(), time.Now()),
		"symlink": d.Symlink("x", "y"), "link": d.Link("top", d, "y"),
	} {
		assert.ErrorIs(t, err, syscall.EROFS, name)
	}
	requireErrno(t, d.Mkdir("a", 0o755), syscall.EEXIST)
	requireErrno(t, d.Unlink("missing"), syscall.ENOENT)
	other, err := f.Dir()
	require.NoError(t, err)
	defer other.Close()
	requireErrno(t, other.Rename("top", d, "x"), syscall.EXDEV)

	require.NoError(t, f.Write("top", []byte("still writable")), "the receiver is as before")
	require.NoError(t, fstest.TestFS(mustSub(t, ro, "a/b").IOFS(), "c/file"))
}

func mustSub(t *testing.T, f *fs.Fs, dir string) *fs.Fs {
	sub, err := f.Sub(dir)
	require.NoError(t, err)
	t.Cleanup(func() { sub.Close() })
	return sub
}

func TestSubCannotBeLeftAndFollowsItsDirectory(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	sub := mustSub(t, f, "in")
	got, err := sub.Read("c/file")
	require.NoError(t, err)
	assert.Equal(t, "file", string(got))
	assert.False(t, sub.Exists("../../top"), "\"..\" stops at its root")
	require.NoError(t, os.Symlink("../../top", filepath.Join(root, "a/b/up")))
	_, err = sub.Read("up")
	assert.ErrorIs(t, err, iofs.ErrPermission)
	assert.Equal(t, "", sub.Root())
	require.NoError(t, f.Rename("a", "z"))
	require.NoError(t, f.Close())
	require.NoError(t, sub.Write("after", nil))
	assert.FileExists(t, filepath.Join(root, "z/b/after"))
	_, err = sub.HostDir("/")
	assert.ErrorIs(t, err, iofs.ErrNotExist, "its old path leads elsewhere now")
}

func TestHostDirNamesTheRealDirectory(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	real, err := filepath.EvalSymlinks(root)
	require.NoError(t, err)
	for dir, want := range map[string]string{
		"": "", "/": "", ".": "", "a/b": "a/b", "in": "a/b", "in/..": "a", "../../a": "a", "root/in/c": "a/b/c",
	} {
		got, err := f.HostDir(dir)
		require.NoError(t, err, dir)
		assert.Equal(t, filepath.Join(real, want), got, dir)
	}
	got, err := mustSub(t, f, "a").HostDir("b")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(real, "a/b"), got)
	for dir, errno := range map[string]syscall.Errno{
		"top": syscall.ENOTDIR, "missing": syscall.ENOENT, "out": syscall.EPERM, "rel": syscall.EPERM,
	} {
		_, err := f.HostDir(dir)
		requireErrno(t, err, errno)
		assert.NotContains(t, err.Error(), root)
	}
	tree, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: f}})
	require.NoError(t, err)
	defer tree.Close()
	_, err = tree.HostDir("a")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestUnrestrictedIsANewFsOnTheHost(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	whole := f.NewUnrestricted()
	defer whole.Close()
	assert.True(t, whole.Unrestricted())
	assert.False(t, f.Unrestricted(), "the receiver is as before")
	assert.False(t, f.Exists(filepath.Join(root, "top")))

	got, err := whole.Read(filepath.Join(root, "top"))
	require.NoError(t, err)
	assert.Equal(t, "top", string(got))
	_, err = whole.Read("access_unix_test.go")
	require.NoError(t, err, "a relative path starts at the working directory")
	require.NoError(t, whole.Write(os.DevNull, []byte("gone")))
	got, err = whole.Read(os.DevNull)
	require.NoError(t, err)
	assert.Empty(t, got)
	wd, err := os.Getwd()
	require.NoError(t, err)
	host, err := whole.HostDir(".")
	require.NoError(t, err)
	assert.Equal(t, wd, host)
	_, err = whole.Read("/../../.." + filepath.Join(root, "missing"))
	requireErrno(t, err, syscall.ENOENT)
	_, err = whole.Read(filepath.Join(root, "rel", "missing"))
	requireErrno(t, err, syscall.ENOENT)
	temp, err := whole.TempDir("cloche-*")
	require.NoError(t, err)
	assert.DirExists(t, temp)
	require.NoError(t, whole.DeleteAll(temp))

	sub := mustSub(t, whole, root)
	assert.False(t, sub.Unrestricted())
	_, err = sub.Read("out")
	assert.ErrorIs(t, err, iofs.ErrPermission)
	if runtime.GOOS == "linux" {
		_, err = whole.Read("/proc/self/status")
		require.NoError(t, err)
		ro := whole.ReadOnly()
		defer ro.Close()
		assert.ErrorIs(t, ro.Write(filepath.Join(root, "top"), nil), syscall.EROFS)
		for _, f := range []*fs.Fs{whole, ro} {
			_, err = f.Sub("/proc/self")
			assert.ErrorIs(t, err, iofs.ErrPermission)
			_, err = mustSub(t, f, "/dev").Read("null")
			assert.ErrorIs(t, err, iofs.ErrPermission)
		}
	}
}

func TestAClosedFsRefuses(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	require.NoError(t, f.Write("x", nil))
	require.NoError(t, f.Close())
	assert.ErrorIs(t, f.Close(), os.ErrClosed)
	_, err := f.Read("x")
	requireErrno(t, err, syscall.EBADF)
}
