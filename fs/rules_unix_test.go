//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deniedOf is the refusal in err, which must be one.
func deniedOf(t testing.TB, err error) *fs.DeniedError {
	t.Helper()
	d, ok := errors.AsType[*fs.DeniedError](err)
	require.True(t, ok, "%v", err)
	return d
}

func TestARefusalNamesItsRuleAndTheOneOfTwoPathsThatItIsAbout(t *testing.T) {
	t.Parallel()
	base, _ := newFs(t)
	src, _ := newFs(t)
	require.NoError(t, base.Write("x", nil))
	require.NoError(t, base.EnsureDir("d"))
	require.NoError(t, base.EnsureDir("e"))
	tree := mounts(t, fs.Mount{Target: "/", Fs: base}, fs.Mount{Target: "/a/src", Fs: src}, fs.Mount{Target: "/e/d", Fs: src})
	for _, c := range []struct {
		name       string
		err        error
		op, path   string
		rule       string
		wantsErrno syscall.Errno
	}{
		{"a mount point removed", tree.Delete("a/src"), "delete", "a/src", fs.RuleMountPoint, syscall.EBUSY},
		{"a mount point renamed", tree.Rename("a", "b"), "rename", "a", fs.RuleMountPoint, syscall.EBUSY},
		{"a mount point replaced", tree.Rename("d", "a"), "rename", "a", fs.RuleMountPoint, syscall.EBUSY},
		{"a mount point replaced by its namesake", tree.Rename("d", "e/d"), "rename", "e/d", fs.RuleMountPoint, syscall.EBUSY},
		{"a move into a made-up directory", tree.Rename("x", "a/x"), "rename", "a/x", fs.RuleMountsOnly, syscall.EROFS},
		{"a file in a made-up directory", tree.Write("a/new", nil), "write", "a/new", fs.RuleMountsOnly, syscall.EROFS},
		{"a write to what is read-only", base.ReadOnly().Write("x", nil), "write", "x", fs.RuleReadOnly, syscall.EROFS},
		{"no files", new(fs.Fs).Write("x", nil), "write", "x", fs.RuleNoFiles, syscall.EACCES},
	} {
		d := deniedOf(t, c.err)
		assert.Equal(t, c.op, d.Op, c.name)
		assert.Equal(t, c.path, d.Path, c.name)
		assert.Equal(t, c.rule, d.Rule, c.name)
		assert.NotEmpty(t, d.Fix, c.name)
		assert.ErrorIs(t, d.Err, c.wantsErrno, c.name)
	}
}

func TestAPlaceTellsTheWayFromTheRootWhereverTheWalkBegan(t *testing.T) {
	t.Parallel()
	f, dir := newFs(t)
	require.NoError(t, f.EnsureDir("a/b/c"))
	require.NoError(t, os.Symlink("/a/b", filepath.Join(dir, "a/abs")))
	require.NoError(t, os.Symlink("b/../b", filepath.Join(dir, "a/rel")))
	root, err := f.Dir()
	require.NoError(t, err)
	defer root.Close()
	a, err := root.OpenDir("a")
	require.NoError(t, err)
	defer a.Close()
	for path, want := range map[string]string{
		"x": "/a/x", ".": "/a", "b/": "/a/b", "b/..": "/a", "b/c/new": "/a/b/c/new", "rel/c/x": "/a/b/c/x",
		"abs/x": "/a/b/x", "abs/..": "/a", "abs/../..": "/", "/": "/", "/x": "/x",
	} {
		place, err := fs.Resolve(root, a, path, fs.Follow|fs.Clamp)
		require.NoError(t, err, path)
		assert.Equal(t, want, place.PathFrom("/a"), path)
		place.Close()
	}
	place, err := fs.Resolve(root, root, "a/rel/x", fs.Clamp)
	require.NoError(t, err)
	assert.Equal(t, "/a/b/x", place.Path())
	place.Close()
}
