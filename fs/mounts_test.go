//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func mounts(t *testing.T, m ...fs.Mount) *fs.Fs {
	t.Helper()
	tree, err := fs.Mounts(m)
	require.NoError(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

func names(t *testing.T, f *fs.Fs, dir string) string {
	t.Helper()
	list, err := f.List(dir)
	require.NoError(t, err)
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestMountsMakeOneTree(t *testing.T) {
	t.Parallel()
	base, baseRoot := newFs(t)
	src, _ := newFs(t)
	vendor, _ := newFs(t)
	require.NoError(t, base.Write("etc", []byte("base")))
	require.NoError(t, base.EnsureDir("src/hidden"))
	require.NoError(t, base.EnsureDir("deep/seen"))
	require.NoError(t, src.Write("main", []byte("main")))
	require.NoError(t, src.EnsureDir("vendor/hidden"))
	require.NoError(t, vendor.Write("lib", []byte("lib")))
	tree := mounts(t,
		fs.Mount{Target: "/src/vendor", Fs: vendor},
		fs.Mount{Target: "/", Fs: base},
		fs.Mount{Target: "/src//./", Fs: src},
		fs.Mount{Target: "/deep/made/up", Fs: vendor.ReadOnly()},
	)
	for path, want := range map[string]string{"etc": "base", "src/main": "main", "/src/vendor/lib": "lib", "deep/made/up/lib": "lib", "src/vendor/../main": "main", "src/../etc": "base"} {
		got, err := tree.Read(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, string(got), path)
	}
	assert.Equal(t, "deep etc src", names(t, tree, "/"))
	assert.Equal(t, "main vendor", names(t, tree, "src"))
	assert.Equal(t, "lib", names(t, tree, "src/vendor"))
	assert.Equal(t, "made seen", names(t, tree, "deep"))
	assert.Equal(t, "up", names(t, tree, "deep/made"))
	require.NoError(t, fstest.TestFS(tree.IOFS(), "etc", "src/main", "src/vendor/lib", "deep/seen", "deep/made/up/lib"))

	require.NoError(t, tree.Write("new", nil))
	assert.FileExists(t, filepath.Join(baseRoot, "new"))
	require.NoError(t, tree.Write("src/new", nil))
	assert.True(t, src.Exists("new"))
	assert.ErrorIs(t, tree.Write("deep/made/up/lib", nil), syscall.EROFS)
	require.NoError(t, tree.WriteAtomic("src/vendor/lib", []byte("LIB")))
	require.NoError(t, tree.Update("src/count", addOne))
	assert.True(t, src.Exists("count"))
}

func TestMountPointsStay(t *testing.T) {
	t.Parallel()
	base, _ := newFs(t)
	src, _ := newFs(t)
	require.NoError(t, base.Write("x", nil))
	require.NoError(t, base.EnsureDir("d"))
	tree := mounts(t, fs.Mount{Target: "/", Fs: base}, fs.Mount{Target: "/a/src", Fs: src})
	for name, err := range map[string]error{
		"delete":            tree.Delete("a/src"),
		"delete made up":    tree.Delete("a"),
		"rename":            tree.Rename("a", "b"),
		"rename onto":       tree.Rename("d", "a"),
		"rename file onto":  tree.Rename("x", "a"),
		"rename below":      tree.Rename("a/src", "b"),
		"delete everything": tree.DeleteAll("a/src"),
	} {
		requireErrno(t, err, syscall.EBUSY)
		assert.NotEmpty(t, name)
	}
	requireErrno(t, tree.Write("a", nil), syscall.EISDIR)
	requireErrno(t, tree.Rename("x", "a/src/x"), syscall.EXDEV)
	requireErrno(t, tree.Rename("a/src", "a/src/x"), syscall.EXDEV, syscall.EBUSY)
	_, denied := errors.AsType[*fs.DeniedError](tree.Write("a/new", nil))
	assert.True(t, denied, "nothing can be made in a made-up directory")
	assert.ErrorIs(t, tree.EnsureDir("a/new"), syscall.EROFS)
	require.NoError(t, tree.EnsureDir("a/src/sub"))

	d, err := tree.Dir()
	require.NoError(t, err)
	defer d.Close()
	requireErrno(t, d.Mkdir("a", 0o755), syscall.EEXIST)
	requireErrno(t, d.Symlink("x", "a"), syscall.EEXIST)
	_, err = d.Readlink("a")
	requireErrno(t, err, syscall.EINVAL)
	_, err = d.OpenFile("a", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	requireErrno(t, err, syscall.EEXIST)
	requireErrno(t, d.SetTimes("a", time.Now(), time.Now()), syscall.EBUSY)
	made, err := d.OpenDir("a")
	require.NoError(t, err)
	defer made.Close()
	assert.ErrorIs(t, made.SetOwnTimes(time.Now(), time.Now()), syscall.EROFS)
	require.NoError(t, made.SetTimes("src", time.Time{}, time.Unix(1e9, 0)))
	i, err := src.Stat(".")
	require.NoError(t, err)
	assert.Equal(t, int64(1e9), i.ModTime().Unix())
	require.NoError(t, made.Sync())
}

func TestTheSameFsMountedTwiceIsTwoFilesystems(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	require.NoError(t, f.Write("x", nil))
	tree := mounts(t, fs.Mount{Target: "/a", Fs: f}, fs.Mount{Target: "/b", Fs: f})
	requireErrno(t, tree.Rename("a/x", "b/y"), syscall.EXDEV)
	require.NoError(t, tree.Rename("a/x", "a/y"))
	assert.True(t, tree.IsFile("b/y"))
}

func TestASymlinkOfAMountStartsAtTheRootOfTheTree(t *testing.T) {
	t.Parallel()
	a, rootA := newFs(t)
	b, _ := newFs(t)
	require.NoError(t, b.Write("x", []byte("b")))
	require.NoError(t, os.Symlink("/b/x", filepath.Join(rootA, "abs")))
	require.NoError(t, os.Symlink("../b/x", filepath.Join(rootA, "rel")))
	tree := mounts(t, fs.Mount{Target: "/a", Fs: a}, fs.Mount{Target: "/b", Fs: b})
	for _, p := range []string{"a/abs", "a/rel"} {
		got, err := tree.Read(p)
		require.NoError(t, err)
		assert.Equal(t, "b", string(got))
	}
}

func TestMountsRefuseBadTargets(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	for _, c := range []struct {
		mounts []fs.Mount
		want   string
	}{
		{[]fs.Mount{{Target: "/a", Fs: f}, {Target: "/a/", Fs: f}}, `two mounts on "/a"`},
		{[]fs.Mount{{Target: "/", Fs: f}, {Target: "/x/..", Fs: f}}, `two mounts on "/"`},
		{[]fs.Mount{{Target: "a", Fs: f}}, `"a" is not absolute`},
		{[]fs.Mount{{Fs: f}}, `"" is not absolute`},
		{[]fs.Mount{{Target: "/a\x00", Fs: f}}, "NUL"},
		{[]fs.Mount{{Target: "/" + strings.Repeat("x", 256), Fs: f}}, "longer than 255"},
		{[]fs.Mount{{Target: "/" + strings.Repeat("x/", 4096), Fs: f}}, "longer than 4095"},
		{[]fs.Mount{{Target: "/a"}}, `mount on "/a": open`},
	} {
		_, err := fs.Mounts(c.mounts)
		require.ErrorContains(t, err, c.want)
	}
}

func TestNoMountsAreAnEmptyTree(t *testing.T) {
	t.Parallel()
	tree := mounts(t)
	assert.Equal(t, "", names(t, tree, "/"))
	assert.ErrorIs(t, tree.Write("x", nil), iofs.ErrPermission)
	_, err := tree.Read("x")
	assert.ErrorIs(t, err, iofs.ErrNotExist)
}

func TestATreeOutlivesTheFilesystemsMounted(t *testing.T) {
	t.Parallel()
	f, err := fs.New(t.TempDir())
	require.NoError(t, err)
	tree, err := fs.Mounts([]fs.Mount{{Target: "/m", Fs: f}})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	d, err := tree.Dir()
	require.NoError(t, err)
	require.NoError(t, tree.Close())
	defer d.Close()
	m, err := d.OpenDir("m")
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.Mkdir("still", 0o755))
}
