package core_test

import (
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func withDir(t *testing.T) (*core.Core, string) {
	t.Helper()
	dir := t.TempDir()
	c := core.New(core.WithFs(dir))
	require.NoError(t, c.Err())
	t.Cleanup(func() { c.ServiceShutdown(t.Context()) })
	return c, dir
}

func text(t *testing.T, r core.Result) string {
	t.Helper()
	s, err := core.Value[string](r)
	require.NoError(t, err)
	return s
}

func TestFsAnswersResultsOverTheRealDirectory(t *testing.T) {
	t.Parallel()
	c, dir := withDir(t)
	f := c.Fs()
	ok := func(r core.Result) { t.Helper(); require.NoError(t, r.Err()) }

	ok(f.EnsureDir("a/b"))
	ok(f.Write("a/b/x", "bytes \x00\xff"))
	assert.Equal(t, "bytes \x00\xff", text(t, f.Read("/a/b/x")))
	ok(f.WriteMode("secret", "s", 0o600))
	ok(f.WriteAtomic("secret", "t"))
	info, err := os.Stat(filepath.Join(dir, "secret"))
	require.NoError(t, err)
	assert.Equal(t, iofs.FileMode(0o600), info.Mode())

	ok(f.Update("count", func(old string) (string, error) { return old + "1", nil }))
	ok(f.Update("count", func(old string) (string, error) { return old + "1", nil }))
	assert.Equal(t, "11", text(t, f.Read("count")))
	assert.ErrorIs(t, f.Update("count", func(string) (string, error) { return "lost", io.EOF }).Err(), io.EOF)
	assert.Equal(t, "11", text(t, f.Read("count")))

	temp := text(t, f.TempDir("tmp-*"))
	assert.True(t, f.IsDir(temp))
	assert.False(t, f.IsFile(temp))
	assert.True(t, f.IsFile("count"))
	assert.True(t, f.Exists("count"))
	assert.False(t, f.Exists("nothing"))

	entries, err := core.Value[[]iofs.DirEntry](f.List("a"))
	require.NoError(t, err)
	assert.Equal(t, "b", entries[0].Name())
	stat, err := core.Value[iofs.FileInfo](f.Stat("count"))
	require.NoError(t, err)
	assert.Equal(t, int64(2), stat.Size())

	var walked []string
	ok(f.Walk("a", func(path string, _ iofs.DirEntry, err error) error { walked = append(walked, path); return err }))
	assert.Equal(t, []string{"a", "a/b", "a/b/x"}, walked)

	ok(f.Rename("count", "a/count"))
	ok(f.Delete("a/count"))
	ok(f.DeleteAll("a"))
	assert.False(t, f.Exists("a"))
	assert.ErrorIs(t, f.Read("a").Err(), iofs.ErrNotExist)
	assert.ErrorIs(t, f.Stat("a").Err(), iofs.ErrNotExist)
}

func TestFsOpensFilesAndStreams(t *testing.T) {
	t.Parallel()
	c, _ := withDir(t)
	f := c.Fs()
	for i, open := range []func(string) core.Result{f.Create, f.Append, f.WriteStream} {
		w, err := core.Value[io.WriteCloser](open("x"))
		require.NoError(t, err)
		_, err = io.WriteString(w, []string{"old", "er", "new"}[i])
		require.NoError(t, err)
		require.NoError(t, w.Close())
		assert.Equal(t, []string{"old", "older", "new"}[i], text(t, f.Read("x")))
	}
	for _, open := range []func(string) core.Result{f.Open, f.ReadStream} {
		r, err := core.Value[io.ReadCloser](open("x"))
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		assert.Equal(t, "new", string(data))
	}
}

func TestFsDerivedFromTheCoresOwnLeaveItAsItIs(t *testing.T) {
	t.Parallel()
	c, dir := withDir(t)
	f := c.Fs()
	require.True(t, f.EnsureDir("sub").OK)
	require.True(t, f.Write("sub/x", "x").OK)

	sub, err := core.Value[*core.Fs](f.Sub("sub"))
	require.NoError(t, err)
	readOnly, whole := f.ReadOnly(), f.NewUnrestricted()
	assert.Equal(t, "x", text(t, sub.Read("../x")))
	assert.ErrorIs(t, readOnly.Write("y", "y").Err(), iofs.ErrPermission)
	assert.Equal(t, "x", text(t, readOnly.Read("sub/x")))
	assert.Equal(t, "x", text(t, whole.Read(filepath.ToSlash(filepath.Join(dir, "sub/x")))))
	for _, derived := range []*core.Fs{sub, readOnly, whole} {
		assert.NoError(t, derived.Close().Err())
	}
	assert.Error(t, f.Sub("nothing").Err())

	assert.Equal(t, dir, f.Root())
	assert.False(t, f.Plain().Unrestricted())
	assert.Equal(t, "x", text(t, f.Read("sub/x")))
}

func TestFsOfACoreThatWasGivenNoneDeniesAndNamesTheFix(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*core.Fs{"core": core.New().Fs(), "zero value": {}} {
		var denied *fs.DeniedError
		require.ErrorAs(t, f.Read("/etc/passwd").Err(), &denied, name)
		assert.Contains(t, denied.Fix, "core.WithFs", name)
		require.ErrorAs(t, f.WriteAtomic("x", "x").Err(), &denied, name)
		assert.False(t, f.Exists("/"), name)
		_, err := f.Plain().List("/")
		assert.ErrorIs(t, err, iofs.ErrPermission, name)
	}
}

func TestWithUnrestrictedFsReachesTheHost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x")
	c := core.New(core.WithUnrestrictedFs())
	require.NoError(t, c.Err())
	require.NoError(t, c.Fs().Write(filepath.ToSlash(path), "out").Err())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "out", string(data))
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

func TestWithFsKeepsAnErrorThatNamesTheDirectory(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithFs("no/such/directory"))
	assert.ErrorIs(t, c.Err(), iofs.ErrNotExist)
	assert.ErrorContains(t, c.Err(), "no/such/directory")
	assert.ErrorIs(t, c.Fs().Read("x").Err(), iofs.ErrPermission, "and what is left denies")
}

func TestTwoFilesystemsForOneCoreAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := core.New(core.WithFs(dir), core.WithUnrestrictedFs())
	assert.ErrorContains(t, c.Err(), "two options give a filesystem")
	assert.Equal(t, dir, c.Fs().Root())
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

func TestShutdownClosesTheFsThatTheCoreOpenedAndNoOther(t *testing.T) {
	t.Parallel()
	given, err := fs.New(t.TempDir())
	require.NoError(t, err)
	defer given.Close()
	c := core.New(core.WithPlainFs(given))
	require.NoError(t, c.Err())
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.NoError(t, c.Fs().Write("x", "still open").Err())
	assert.Error(t, core.New(core.WithPlainFs(nil)).Err())

	c, _ = withDir(t)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.Error(t, c.Fs().Write("x", "too late").Err())
}

func TestServicesCanUseTheFsUntilTheyHaveStopped(t *testing.T) {
	t.Parallel()
	c, dir := withDir(t)
	c.Service("saver", &saver{c})
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	data, err := os.ReadFile(filepath.Join(dir, "state"))
	require.NoError(t, err)
	assert.Equal(t, "saved", string(data))
}
