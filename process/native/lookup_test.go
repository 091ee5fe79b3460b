//go:build unix

package native

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const script = "#!/bin/sh\necho \"$0\"\n"

func write(t *testing.T, path, text string, perm os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), perm))
	require.NoError(t, os.Chmod(path, perm))
}

func newFs(t testing.TB) *fs.Fs {
	t.Helper()
	fsys, err := fs.New(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { fsys.Close() })
	return fsys
}

func TestLookupTakesTheFirstExecutableOfThePath(t *testing.T) {
	t.Parallel()
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()}
	require.NoError(t, os.Mkdir(dirs[0]+"/tool", 0o755))
	write(t, dirs[1]+"/tool", script, 0o644)
	write(t, dirs[2]+"/tool", script, 0o755)
	write(t, dirs[3]+"/tool", script, 0o755)
	got, err := newSearchPath(dirs).find("tool")
	require.NoError(t, err)
	assert.Equal(t, dirs[2]+"/tool", got)
}

func TestLookupOfAFileThatIsNotExecutableSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/tool", script, 0o644)
	_, err := newSearchPath([]string{dir, t.TempDir()}).find("tool")
	assert.ErrorIs(t, err, process.ErrNotExecutable)
}

func TestLookupOfADirectoryFindsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/tool", 0o755))
	_, err := newSearchPath([]string{dir}).find("tool")
	assert.ErrorIs(t, err, process.ErrNotFound)
}

func TestSearchPathHoldsOnlyAbsoluteEntries(t *testing.T) {
	t.Parallel()
	assert.Equal(t, searchPath{"/bin", "/usr/bin"}, newSearchPath([]string{"", ".", "bin", "/bin", "./x", "..", "/usr/bin"}))
}

func TestThePathIsTheHostsAtTheTimeOfNew(t *testing.T) {
	before, after := t.TempDir(), t.TempDir()
	write(t, before+"/tool", script, 0o755)
	write(t, after+"/tool", script, 0o755)
	t.Setenv("PATH", ".:"+before+"::")
	e := New(newFs(t))
	t.Setenv("PATH", after)
	got, err := e.find("tool", "")
	require.NoError(t, err)
	assert.Equal(t, before+"/tool", got)
}

func TestANameWithASlashIsAPathInTheFs(t *testing.T) {
	t.Parallel()
	fsys := newFs(t)
	root := fsys.Root()
	write(t, root+"/bin/tool", script, 0o755)
	require.NoError(t, os.Symlink("bin/tool", root+"/relative"))
	require.NoError(t, os.Symlink("/bin/tool", root+"/absolute")) // the Fs's root, not the host's
	require.NoError(t, os.Symlink("absolute", root+"/chain"))
	require.NoError(t, os.Symlink("bin", root+"/dirlink"))
	require.NoError(t, os.Mkdir(root+"/sub", 0o755))
	e := New(fsys)
	for _, c := range []struct{ command, dir string }{
		{"/bin/tool", ""}, {"bin/tool", ""}, {"./bin/tool", "/"}, {"./tool", "bin"}, {"../bin/tool", "sub"},
		{"./relative", ""}, {"./absolute", ""}, {"../chain", "sub"}, {"dirlink/tool", ""},
	} {
		got, err := e.find(c.command, c.dir)
		if assert.NoError(t, err, "%+v", c) {
			assert.Equal(t, root+"/bin/tool", got, "%+v", c)
		}
	}
}

func TestANameWithASlashDoesNotLeaveTheFs(t *testing.T) {
	t.Parallel()
	fsys := newFs(t)
	root, outside := fsys.Root(), t.TempDir()
	write(t, outside+"/tool", script, 0o755)
	require.NoError(t, os.Symlink(outside+"/tool", root+"/link"))
	require.NoError(t, os.Symlink(outside, root+"/dir"))
	require.NoError(t, os.Symlink("../../../../../../.."+outside+"/tool", root+"/up"))
	e := New(fsys)
	for _, command := range []string{outside + "/tool", "./link", "./dir/tool", "./up", "../../../.." + outside + "/tool", "/bin/sh"} {
		_, err := e.find(command, "")
		assert.Error(t, err, command)
		var denied *process.DeniedError
		assert.True(t, errors.As(err, &denied) || errors.Is(err, process.ErrNotFound), "%s: %v", command, err)
	}
}

func TestAnUnrestrictedFsRunsAnyAbsolutePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/tool", script, 0o755)
	var none *fs.Fs
	e := New(none.NewUnrestricted())
	got, err := e.find(dir+"/tool", "")
	require.NoError(t, err)
	assert.Equal(t, dir+"/tool", got)
}

func TestWhatIsNoProgramIsNotExecutable(t *testing.T) {
	t.Parallel()
	fsys := newFs(t)
	root := fsys.Root()
	write(t, root+"/text", "just text\n", 0o755)
	write(t, root+"/empty", "", 0o755)
	write(t, root+"/truncated", "\x7fELF\x02\x01\x01", 0o755)
	write(t, root+"/plain", script, 0o644)
	write(t, root+"/lost", "#!/no/such/interpreter\n", 0o755)
	require.NoError(t, os.Mkdir(root+"/dir", 0o755))
	require.NoError(t, syscall.Mkfifo(root+"/fifo", 0o755))
	e := New(fsys)
	for _, command := range []string{"./text", "./empty", "./truncated", "./plain", "./lost", "./dir", "./dir/", "/", "./fifo"} {
		err := startFails(t, e, process.Spec{Command: command})
		require.ErrorIs(t, err, process.ErrNotExecutable, command)
		spec, ok := errors.AsType[*process.SpecError](err)
		require.True(t, ok)
		assert.Equal(t, command, spec.Value)
		assert.NotEmpty(t, spec.Fix)
		assert.NotContains(t, err.Error(), root)
	}
	for _, command := range []string{"./absent", "absent/tool", "./loop"} {
		require.NoError(t, os.RemoveAll(root+"/loop"))
		require.NoError(t, os.Symlink("loop", root+"/loop"))
		err := startFails(t, e, process.Spec{Command: command})
		assert.ErrorIs(t, err, process.ErrNotFound, command)
		assert.NotContains(t, err.Error(), root)
	}
}

func startFails(t *testing.T, e *Executor, s process.Spec) error {
	t.Helper()
	i, err := e.Start(t.Context(), spec(s))
	if err == nil {
		i.Wait()
	}
	require.Error(t, err)
	return err
}
