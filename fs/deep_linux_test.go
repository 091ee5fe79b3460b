package fs_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"dappco.re/go/cloche/fs"
)

// oneByOne hides that a Dir can go down several names in one step.
type oneByOne struct{ fs.Dir }

func (d oneByOne) Dup() (fs.Dir, error)                { return hide(d.Dir.Dup()) }
func (d oneByOne) OpenDir(name string) (fs.Dir, error) { return hide(d.Dir.OpenDir(name)) }
func hide(d fs.Dir, err error) (fs.Dir, error) {
	if err != nil {
		return nil, err
	}
	return oneByOne{d}, nil
}

// TestGoingDownInOneStepChangesNoAnswer walks random paths in random trees both
// ways.
func TestGoingDownInOneStepChangesNoAnswer(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		root, err := os.MkdirTemp(top, "")
		require.NoError(r, err)
		defer os.RemoveAll(root)
		element := rapid.SampledFrom([]string{"a", "b", "c", "d", "a", "b", "..", ".", ""})
		path := rapid.Custom(func(r *rapid.T) string {
			return strings.Join(rapid.SliceOfN(element, 1, 9).Draw(r, "elements"), "/")
		})
		require.NoError(r, os.MkdirAll(filepath.Join(root, "a/b/a/b/c"), 0o755))
		for range rapid.IntRange(0, 6).Draw(r, "entries") {
			p := filepath.Join(root, filepath.Clean("/"+path.Draw(r, "path")))
			os.MkdirAll(filepath.Dir(p), 0o755)
			switch rapid.IntRange(0, 2).Draw(r, "kind") {
			case 0:
				os.MkdirAll(p, 0o755)
			case 1:
				os.WriteFile(p, nil, 0o644)
			case 2:
				os.Symlink(path.Draw(r, "target"), p)
			}
		}
		f, err := fs.New(root)
		require.NoError(r, err)
		defer f.Close()
		mounted, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: f}, {Target: "/a/b/d", Fs: f}})
		require.NoError(r, err)
		defer mounted.Close()
		for _, tree := range []*fs.Fs{f, mounted, f.ReadOnly()} {
			d, err := tree.Dir()
			require.NoError(r, err)
			defer d.Close()
			p := path.Draw(r, "walked")
			mode := fs.Mode(rapid.IntRange(0, 3).Draw(r, "mode"))
			require.Equal(r, walked(oneByOne{d}, p, mode), walked(d, p, mode), p)
			if n, ok := fs.OpenPlain(d, p, os.O_RDONLY); ok {
				st, err := n.Stat()
				require.NoError(r, err)
				require.NoError(r, n.Close())
				require.Equal(r, opened(t, oneByOne{d}, p), st.Ino, p)
			}
		}
	})
}

// walked is all that a walk tells.
func walked(d fs.Dir, path string, mode fs.Mode) any {
	place, err := fs.Resolve(d, d, path, mode)
	if err != nil {
		return err.Error()
	}
	defer place.Close()
	st, err := place.Dir.Stat()
	return []any{place.Path(), place.Name, place.MustDir, st.Ino, err}
}

// opened is the inode number of the file that the walk leads to.
func opened(t require.TestingT, d fs.Dir, path string) uint64 {
	place, err := fs.Resolve(d, d, path, 0)
	require.NoError(t, err)
	defer place.Close()
	n, err := place.Dir.OpenFile(place.Name, os.O_RDONLY, 0)
	require.NoError(t, err)
	defer n.Close()
	st, err := n.Stat()
	require.NoError(t, err)
	return st.Ino
}

func TestAFileIsOpenedInOneStepByPlainNamesAlone(t *testing.T) {
	t.Parallel()
	if _, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{Flags: unix.O_PATH}); err != nil {
		t.Skip("the kernel has no openat2: ", err)
	}
	f, root := newFs(t)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "a/b/file"), []byte("text"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	require.NoError(t, os.Symlink("b", filepath.Join(root, "a/dir")))
	require.NoError(t, os.Symlink("file", filepath.Join(root, "a/b/link")))
	require.NoError(t, unix.Mkfifo(filepath.Join(root, "a/fifo"), 0o644))
	mounted, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: f}, {Target: "/a/m", Fs: f}})
	require.NoError(t, err)
	defer mounted.Close()
	for _, c := range []struct {
		fs   *fs.Fs
		path string
		flag int
		ok   bool
	}{
		{f, "a/b/file", os.O_RDONLY, true},
		{f, "a/b/file", os.O_RDWR, true},
		{f.ReadOnly(), "a/b/file", os.O_RDONLY, true},
		{f.ReadOnly(), "a/b/file", os.O_RDWR, false},
		{f, "file", os.O_RDONLY, false}, // one step anyway
		{f, "/a/b/file", os.O_RDONLY, false},
		{f, "a//b/file", os.O_RDONLY, false},
		{f, "a/./b/file", os.O_RDONLY, false},
		{f, "a/../a/b/file", os.O_RDONLY, false},
		{f, "../" + filepath.Base(root) + "/file", os.O_RDONLY, false},
		{f, "a/b/file/", os.O_RDONLY, false},
		{f, "a/b/fi\x00le", os.O_RDONLY, false},
		{f, "a/dir/file", os.O_RDONLY, false},
		{f, "a/b/link", os.O_RDONLY, false},
		{f, "a/fifo", os.O_RDONLY, false},
		{f, "a/b", os.O_RDONLY, false},
		{f, "a/none", os.O_RDONLY, false},
		{mounted, "a/m/file", os.O_RDONLY, false},
	} {
		d, err := c.fs.Dir()
		require.NoError(t, err)
		n, ok := fs.OpenPlain(d, c.path, c.flag)
		require.Equal(t, c.ok, ok, "%q", c.path)
		if ok {
			require.NoError(t, n.Close())
		}
		require.NoError(t, d.Close())
	}
}

func TestOneStepTakesNothingButDirectories(t *testing.T) {
	t.Parallel()
	if _, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{Flags: unix.O_PATH}); err != nil {
		t.Skip("the kernel has no openat2: ", err)
	}
	f, root := newFs(t)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a/b/c"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "a/file"), nil, 0o644))
	require.NoError(t, os.Symlink("b", filepath.Join(root, "a/link")))
	d, err := f.Dir()
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, fs.OpenDeep(d, "a/b/c"))
	requireErrno(t, fs.OpenDeep(d, "a/link/c"), syscall.ELOOP)
	requireErrno(t, fs.OpenDeep(d, "a/file"), syscall.ENOTDIR)
	requireErrno(t, fs.OpenDeep(d, "a/missing"), syscall.ENOENT)
	requireErrno(t, fs.OpenDeep(d, "../"+filepath.Base(root)), syscall.EXDEV)
}
