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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestListIsSortedAndDescribesSymlinksAsThemselves(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	list, err := f.List("/")
	require.NoError(t, err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
		i, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, e.Type(), i.Mode().Type())
		assert.Equal(t, e.Name(), i.Name())
	}
	assert.Equal(t, namesIn(t, root), names)
	list, err = f.List("in")
	require.NoError(t, err)
	assert.Equal(t, "c", list[0].Name())
	_, err = f.List("top")
	requireErrno(t, err, syscall.ENOTDIR)
}

func TestStatFollowsAndLstatDoesNot(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	i, err := f.Stat("a/up")
	require.NoError(t, err)
	assert.Equal(t, "up", i.Name())
	assert.True(t, i.Mode().IsRegular())
	i, err = f.Lstat("a/up")
	require.NoError(t, err)
	assert.Equal(t, iofs.ModeSymlink, i.Mode().Type())
	i, err = f.Lstat("in/")
	require.NoError(t, err)
	assert.True(t, i.IsDir())
	_, err = f.Stat("top/")
	requireErrno(t, err, syscall.ENOTDIR)
	_, err = f.Stat("dangling")
	assert.ErrorIs(t, err, iofs.ErrNotExist)
	assert.True(t, f.IsDir("in"))
	assert.True(t, f.IsFile("a/up"))
	assert.False(t, f.Exists("dangling"))
	assert.False(t, f.Exists("out"))
	assert.False(t, f.Exists("rel"))
}

func TestEnsureDirMakesParentsAndLeavesOldOnes(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	for _, p := range []string{"new/deep/er", "/abs/x/", "a/b", "in/inside", ".", "/", "new//y/./z"} {
		require.NoError(t, f.EnsureDir(p), p)
		assert.True(t, f.IsDir(p), p)
	}
	assert.True(t, f.IsDir("a/b/inside"))
	assert.Equal(t, iofs.FileMode(0o755), modeOnHost(t, filepath.Join(root, "new/deep")))
	requireErrno(t, f.EnsureDir("top"), syscall.ENOTDIR)
	requireErrno(t, f.EnsureDir("top/x"), syscall.ENOTDIR)
	requireErrno(t, f.EnsureDir("dangling"), syscall.EEXIST)
	requireErrno(t, f.EnsureDir(""), syscall.ENOENT)
	for _, p := range []string{"out/x", "rel/x"} {
		_, denied := errors.AsType[*fs.DeniedError](f.EnsureDir(p))
		assert.True(t, denied, p)
	}
}

func TestTempDirIsNewPrivateAndInside(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	require.NoError(t, f.EnsureDir("work"))
	seen := map[string]bool{}
	for _, pattern := range []string{"", "x", "a-*.d", "work/t", "/abs"} {
		p, err := f.TempDir(pattern)
		require.NoError(t, err)
		assert.False(t, seen[p])
		seen[p] = true
		assert.True(t, f.IsDir(p))
		assert.Equal(t, iofs.FileMode(0o700), modeOnHost(t, filepath.Join(root, p)))
		prefix, suffix, _ := strings.Cut(pattern, "*")
		assert.True(t, strings.HasPrefix(p, prefix) && strings.HasSuffix(p, suffix), p)
	}
	_, err := f.TempDir("missing/x")
	requireErrno(t, err, syscall.ENOENT)
}

func TestDeleteRemovesOneEntry(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	require.NoError(t, f.Delete("in"), "the link, not what it leads to")
	assert.True(t, f.IsDir("a/b"))
	requireErrno(t, f.Delete("a"), syscall.ENOTEMPTY, syscall.EEXIST)
	requireErrno(t, f.Delete("top/"), syscall.ENOTDIR)
	requireErrno(t, f.Delete("missing"), syscall.ENOENT)
	require.NoError(t, f.Delete("top"))
	require.NoError(t, f.EnsureDir("empty"))
	require.NoError(t, f.Delete("empty/"))
	assert.False(t, f.Exists("empty"))
}

func TestTheRootIsNeverRemovedOrRenamed(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	before := namesIn(t, root)
	for _, p := range []string{"", ".", "/", "//", "./", "..", "/..", "a/..", "a/../", "../..", "a/.", "root/."} {
		require.Error(t, f.Delete(p), p)
		require.Error(t, f.DeleteAll(p), p)
		require.Error(t, f.Rename(p, "elsewhere"), p)
		require.Error(t, f.Rename("top", p), p)
	}
	assert.Equal(t, before, namesIn(t, root))
}

func TestDeleteAllFollowsNoSymlink(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "safe"), nil, 0o644))
	layout(t, root)
	require.NoError(t, f.EnsureDir("tree/x/y"))
	require.NoError(t, f.Write("tree/x/file", nil))
	for name, target := range map[string]string{"tree/out": outside, "tree/x/out": outside, "tree/in": "/a", "tree/x/y/up": "../../.."} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	makeSpecials(t, filepath.Join(root, "tree/x"))
	requireErrno(t, f.DeleteAll("root/"), syscall.ENOTDIR)
	require.NoError(t, f.DeleteAll("tree"))
	assert.False(t, f.Exists("tree"))
	assert.Equal(t, []string{"safe"}, namesIn(t, outside))
	assert.True(t, f.Exists("a/b/c/file"))
	require.NoError(t, f.DeleteAll("tree"), "what is gone is gone")
	require.NoError(t, f.DeleteAll("no/such/dir"))
	require.NoError(t, f.DeleteAll("out"))
	require.NoError(t, f.DeleteAll("top"))
}

func TestDeleteAllRemovesATreeOfAnyDepth(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	d, err := f.Dir()
	require.NoError(t, err)
	for range 3000 { // deeper than a path can name, and than descriptors should go
		require.NoError(t, d.Mkdir("d", 0o755))
		n, err := d.OpenFile("f", os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		require.NoError(t, n.Close())
		next, err := d.OpenDir("d")
		require.NoError(t, err)
		require.NoError(t, d.Close())
		d = next
	}
	require.NoError(t, d.Close())
	require.NoError(t, f.DeleteAll("d"))
	assert.Equal(t, []string{"f"}, namesIn(t, root))
}

func TestRenameMovesAndReplaces(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	require.NoError(t, f.Rename("a/b/c/file", "top"))
	got, err := f.Read("top")
	require.NoError(t, err)
	assert.Equal(t, "file", string(got))
	require.NoError(t, f.Rename("a/b", "/moved/"))
	assert.True(t, f.IsDir("moved/c"))
	err = f.Rename("top/", "x")
	requireErrno(t, err, syscall.ENOTDIR)
	le, ok := errors.AsType[*os.LinkError](err)
	require.True(t, ok)
	assert.Equal(t, []string{"rename", "top/", "x"}, []string{le.Op, le.Old, le.New})
	requireErrno(t, f.Rename("top", "x/"), syscall.ENOTDIR)
	requireErrno(t, f.Rename("missing", "x"), syscall.ENOENT)
	require.NoError(t, f.Rename("out", "still-a-link"))
	target, err := os.Readlink(filepath.Join(root, "still-a-link"))
	require.NoError(t, err)
	assert.Equal(t, "/etc/passwd", target)
}

func TestWalkVisitsWhatWalkDirVisits(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	for name, decide := range map[string]func(name string) error{
		"everything":    func(string) error { return nil },
		"skip a dir":    func(n string) error { return map[bool]error{true: iofs.SkipDir}[n == "b"] },
		"skip siblings": func(n string) error { return map[bool]error{true: iofs.SkipDir}[n == "loop"] },
		"stop":          func(n string) error { return map[bool]error{true: iofs.SkipAll}[n == "c"] },
		"fail":          func(n string) error { return map[bool]error{true: os.ErrInvalid}[n == "file"] },
	} {
		t.Run(name, func(t *testing.T) {
			var got, want []string
			visit := func(list *[]string, prefix string) iofs.WalkDirFunc {
				return func(p string, d iofs.DirEntry, err error) error {
					if err != nil {
						return err
					}
					*list = append(*list, strings.TrimPrefix(p, prefix)+" "+d.Type().String())
					return decide(filepath.Base(p))
				}
			}
			gotErr := f.Walk("/", visit(&got, "/"))
			wantErr := filepath.WalkDir(root, visit(&want, root+"/"))
			assert.Equal(t, wantErr, gotErr)
			assert.Equal(t, want[1:], got[1:])
		})
	}
	err := f.Walk("missing", func(p string, d iofs.DirEntry, err error) error {
		assert.Equal(t, "missing", p)
		assert.Nil(t, d)
		return err
	})
	assert.ErrorIs(t, err, iofs.ErrNotExist)
}
