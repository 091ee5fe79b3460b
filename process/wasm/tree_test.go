package wasm

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// treeOf builds the tree of s and closes it with the test.
func treeOf(t testing.TB, fsys *fs.Fs, s process.Spec) *tree {
	t.Helper()
	tr, err := newExecutorOn(t, fsys).tree(s)
	require.NoError(t, err)
	t.Cleanup(tr.close)
	return tr
}

func noTree(t testing.TB, fsys *fs.Fs, s process.Spec) error {
	t.Helper()
	tr, err := newExecutorOn(t, fsys).tree(s)
	if err == nil {
		tr.close()
	}
	require.Error(t, err)
	return err
}

func TestWithoutMountsTheCoresFsIsTheGuestsRoot(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "sub/file", []byte("x"))
	tr := treeOf(t, fsys, process.Spec{})
	assert.Same(t, fsys, tr.root)
	assert.Equal(t, "/", tr.cwd)
	for _, cwd := range []string{"sub", "/sub", "./sub/", "/sub/../sub", "../sub"} {
		tr := treeOf(t, fsys, process.Spec{Dir: cwd})
		assert.Equal(t, "/sub", tr.cwd)
		assert.Empty(t, tr.preopens)
	}
}

func TestTheWorkingDirectoryIsToldWithoutSymlinks(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "x/y/file", nil)
	require.NoError(t, os.Symlink("x/y", filepath.Join(dir, "rel")))
	require.NoError(t, os.Symlink("/rel", filepath.Join(dir, "abs")))
	for given, want := range map[string]string{
		"rel": "/x/y", "abs": "/x/y", "/rel/..": "/x", "rel/../y": "/x/y", "abs/../../..": "/", "": "/", "/": "/",
	} {
		assert.Equal(t, want, treeOf(t, fsys, process.Spec{Dir: given}).cwd, given)
	}
	tr := treeOf(t, fsys, process.Spec{Dir: "/m/rel", Mounts: []process.Mount{{Target: "/m"}}})
	assert.Equal(t, "/m/x/y", tr.cwd)
}

func TestAGuestNeverGetsTheWholeHostByAccident(t *testing.T) {
	t.Parallel()
	whole := new(fs.Fs).NewUnrestricted()
	t.Cleanup(func() { _ = whole.Close() })
	for _, given := range []*fs.Fs{whole, nil, new(fs.Fs)} {
		assert.Empty(t, names(t, treeOf(t, given, process.Spec{}).root, "/"))
	}

	dir := t.TempDir()
	err := noTree(t, whole, process.Spec{Dir: dir})
	assert.ErrorIs(t, err, iofs.ErrNotExist)
}

func TestMountsAreAllThatAGuestSees(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "secret", []byte("s"))
	write(t, dir, "shared/file", []byte("x"))
	other, otherDir := hostFs(t)
	write(t, otherDir, "o", []byte("y"))
	tr := treeOf(t, fsys, process.Spec{Dir: "/desk/deep", Mounts: []process.Mount{
		{Source: "shared", Target: "/desk/deep"},
		{Fs: other, Target: "/other", ReadOnly: true},
	}})
	assert.Equal(t, "/desk/deep", tr.cwd)
	assert.Equal(t, []string{"/desk/deep", "/other"}, tr.preopens)
	assert.Equal(t, []string{"desk", "other"}, names(t, tr.root, "/"))

	b, err := tr.root.Read("/desk/deep/file")
	require.NoError(t, err)
	assert.Equal(t, "x", string(b))
	require.NoError(t, tr.root.Write("/desk/deep/new", []byte("n")))
	assert.FileExists(t, filepath.Join(dir, "shared/new"))

	_, denied := errors.AsType[*process.DeniedError](tr.root.Write("/other/new", []byte("n")))
	assert.True(t, denied)
	_, err = tr.root.Read("/desk/deep/../../secret")
	assert.ErrorIs(t, err, iofs.ErrNotExist)
}

func names(t testing.TB, f *fs.Fs, dir string) []string {
	t.Helper()
	list, err := f.List(dir)
	require.NoError(t, err)
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return all
}

func TestAMountOfTheUnrestrictedFsIsConfinedToItsSource(t *testing.T) {
	t.Parallel()
	whole := new(fs.Fs).NewUnrestricted()
	t.Cleanup(func() { _ = whole.Close() })
	dir := t.TempDir()
	write(t, dir, "in/file", []byte("x"))
	write(t, dir, "out", []byte("secret"))
	require.NoError(t, os.Symlink("../out", filepath.Join(dir, "in/link")))
	tr := treeOf(t, whole, process.Spec{Mounts: []process.Mount{{Source: filepath.Join(dir, "in"), Target: "/"}}})
	assert.Equal(t, []string{"file", "link"}, names(t, tr.root, "/"))
	_, err := tr.root.Read("/link")
	assert.Error(t, err)
	assert.Empty(t, tr.preopens, "the root is offered anyway")
}

func TestMountsAndDirsThatCannotBeAreRefusedByName(t *testing.T) {
	t.Parallel()
	fsys, dir := hostFs(t)
	write(t, dir, "file", nil)
	write(t, dir, "d/x", nil)
	for name, c := range map[string]struct {
		spec  process.Spec
		field string
		value string
	}{
		"source missing":  {process.Spec{Mounts: []process.Mount{{Target: "/d"}, {Source: "nope", Target: "/m"}}}, "mounts[1].source", "nope"},
		"source a file":   {process.Spec{Mounts: []process.Mount{{Source: "file", Target: "/m"}}}, "mounts[0].source", "file"},
		"same target":     {process.Spec{Mounts: []process.Mount{{Source: "d", Target: "/m"}, {Source: "d", Target: "/m"}}}, "mounts", ""},
		"dir missing":     {process.Spec{Dir: "nope"}, "dir", "nope"},
		"dir a file":      {process.Spec{Dir: "file"}, "dir", "file"},
		"dir not mounted": {process.Spec{Dir: "/d", Mounts: []process.Mount{{Source: "d", Target: "/m"}}}, "dir", "/d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := noTree(t, fsys, c.spec)
			at, ok := errors.AsType[*process.SpecError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.field, at.Field)
			assert.Equal(t, c.value, at.Value)
			assert.NotEmpty(t, at.Fix)
			assert.NotContains(t, err.Error(), dir)
		})
	}
}

func TestAMountFromAnFsThatDeniesIsDenied(t *testing.T) {
	t.Parallel()
	_, denied := errors.AsType[*process.DeniedError](noTree(t, nil, process.Spec{Mounts: []process.Mount{{Target: "/m"}}}))
	assert.True(t, denied)
}

// Not parallel: it counts descriptors.
func TestATreeClosesWhatItOpened(t *testing.T) {
	fsys, dir := hostFs(t)
	write(t, dir, "a/x", nil)
	e := newExecutorOn(t, fsys)
	mounts := []process.Mount{{Source: "a", Target: "/a"}, {Source: "a", Target: "/b/c", ReadOnly: true}}
	before := descriptors(t)
	for range 10 {
		tr, err := e.tree(process.Spec{Mounts: mounts})
		require.NoError(t, err)
		tr.close()
		_, err = e.tree(process.Spec{Mounts: append(mounts, process.Mount{Source: "nope", Target: "/n"})})
		require.Error(t, err)
		_, err = e.tree(process.Spec{Mounts: mounts, Dir: "/nope"})
		require.Error(t, err)
	}
	assert.Equal(t, before, descriptors(t))
}
