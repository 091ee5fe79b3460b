//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// layout makes a tree for walks below root:
//
//	a/b/c/file, a/up -> ../top, top, in -> /a/b, out -> /etc/passwd, rel -> ../../etc,
//	loop -> loop, ping -> pong, pong -> ping, dangling -> nowhere
func layout(t testing.TB, root string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a/b/c"), 0o755))
	for name, data := range map[string]string{"a/b/c/file": "file", "top": "top"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(data), 0o644))
	}
	for name, target := range map[string]string{
		"a/up": "../top", "in": "/a/b", "out": "/etc/passwd", "rel": "../../etc", "root": "/",
		"loop": "loop", "ping": "pong", "pong": "ping", "dangling": "nowhere", "slash": "a/b/",
		"out2": "in/../../../../etc", "inout": "rel/passwd",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
}

func TestResolveFindsThePlace(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	for _, c := range []struct {
		path string
		mode fs.Mode
		real string // the place, as a path from the root
		must bool
	}{
		{"/", 0, "", false},
		{".", 0, "", false},
		{"///./..//", fs.Clamp, "", true},
		{"top", 0, "top", false},
		{"/top", 0, "top", false},
		{"a/b/c/file", 0, "a/b/c/file", false},
		{"a//b/./c/../c/file", 0, "a/b/c/file", false},
		{"a/b/", 0, "a/b", true},
		{"a/b/.", 0, "a/b", false},
		{"a/b/..", 0, "a", false},
		{"a/..", 0, "", false},
		{"../../../top", fs.Clamp, "top", false},
		{"a/../../../top", fs.Clamp, "top", false},
		{"/../top", fs.Clamp, "top", false},
		{"missing", 0, "missing", false},
		{"missing", fs.Follow, "missing", false},
		{"a/up", 0, "a/up", false},
		{"a/up", fs.Follow, "top", false},
		{"in/c/file", 0, "a/b/c/file", false},
		{"in", fs.Follow, "a/b", false},
		{"in", 0, "in", false},
		{"in/..", 0, "a", false},
		{"root/root/a/b", 0, "a/b", false},
		{"root", fs.Follow, "", false},
		{"slash", fs.Follow, "a/b", true},
		{"slash/c", 0, "a/b/c", false},
		{"dangling", fs.Follow, "nowhere", false},
		{"dangling", 0, "dangling", false},
		{"out", 0, "out", false},
	} {
		t.Run(c.path, func(t *testing.T) {
			d, err := f.Dir()
			require.NoError(t, err)
			defer d.Close()
			p, err := fs.Resolve(d, d, c.path, c.mode)
			require.NoError(t, err)
			defer p.Close()
			assert.Equal(t, c.must, p.MustDir)
			dir, name := filepath.Split(c.real)
			if p.Name == "" {
				dir, name = c.real, ""
			}
			assert.Equal(t, name, p.Name)
			st, err := p.Dir.Stat()
			require.NoError(t, err)
			var want syscall.Stat_t
			require.NoError(t, syscall.Stat(filepath.Join(root, dir), &want))
			assert.EqualValues(t, want.Ino, st.Ino)
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	d, err := f.Dir()
	require.NoError(t, err)
	defer d.Close()
	for _, c := range []struct {
		path   string
		mode   fs.Mode
		errno  syscall.Errno
		denied bool
	}{
		{"", 0, syscall.ENOENT, false},
		{"top\x00", 0, syscall.EINVAL, false},
		{strings.Repeat("x", 256), 0, syscall.ENAMETOOLONG, false},
		{strings.Repeat("x", 256) + "/y", 0, syscall.ENAMETOOLONG, false},
		{strings.Repeat("./", 2048), 0, syscall.ENAMETOOLONG, false},
		{"..", 0, syscall.EPERM, true},
		{"a/../..", 0, syscall.EPERM, true},
		{"/..", 0, syscall.EPERM, true},
		{"missing/x", 0, syscall.ENOENT, false},
		{"top/x", 0, syscall.ENOTDIR, false},
		{"top/.", 0, syscall.ENOTDIR, false},
		{"top/..", fs.Clamp, syscall.ENOTDIR, false},
		{"loop", fs.Follow, syscall.ELOOP, false},
		{"loop/x", 0, syscall.ELOOP, false},
		{"ping", fs.Follow, syscall.ELOOP, false},
		{"out", fs.Follow | fs.Clamp, syscall.EPERM, true},
		{"out/x", fs.Clamp, syscall.EPERM, true},
		{"rel", fs.Follow | fs.Clamp, syscall.EPERM, true},
		{"rel/passwd", fs.Clamp, syscall.EPERM, true},
		{"inout", fs.Follow | fs.Clamp, syscall.EPERM, true},
		{"out2", fs.Follow | fs.Clamp, syscall.EPERM, true},
		{"dangling/x", 0, syscall.ENOENT, false},
	} {
		t.Run(c.path, func(t *testing.T) {
			_, err := fs.Resolve(d, d, c.path, c.mode)
			requireErrno(t, err, c.errno)
			denied, ok := errors.AsType[*fs.DeniedError](err)
			assert.Equal(t, c.denied, ok)
			if ok {
				assert.Equal(t, c.path, denied.Path)
				assert.NotEmpty(t, denied.Fix)
			}
			assert.NotContains(t, err.Error(), root)
		})
	}
}

func TestResolveStartsAtBaseAndStopsThere(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	require.NoError(t, os.Symlink("../../top", filepath.Join(root, "a/b/climb")))
	require.NoError(t, os.Symlink("/top", filepath.Join(root, "a/b/abs")))
	d, err := f.Dir()
	require.NoError(t, err)
	defer d.Close()
	sub, err := f.Sub("a/b")
	require.NoError(t, err)
	defer sub.Close()
	base, err := sub.Dir()
	require.NoError(t, err)
	defer base.Close()

	place := func(path string, mode fs.Mode) (string, error) {
		p, err := fs.Resolve(d, base, path, mode)
		if err != nil {
			return "", err
		}
		defer p.Close()
		if p.Name == "" {
			return ".", nil
		}
		st, err := p.Dir.Lookup(p.Name)
		if err != nil {
			return "", err
		}
		return st.Mode.String(), nil
	}
	_, err = place("c/file", 0)
	require.NoError(t, err)
	_, err = place("/top", 0)
	require.NoError(t, err, "absolute paths start at the root")
	_, err = place("abs", fs.Follow)
	require.NoError(t, err, "and so do absolute symlinks")
	got, err := place("..", fs.Clamp)
	require.NoError(t, err)
	assert.Equal(t, ".", got)
	for _, path := range []string{"..", "../b", "c/../.."} {
		_, err = place(path, 0)
		requireErrno(t, err, syscall.EPERM)
	}
	_, err = place("climb", fs.Follow|fs.Clamp)
	requireErrno(t, err, syscall.EPERM)
}

func TestFortySymlinksAreFollowedAndFortyOneAreALoop(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	d, err := f.Dir()
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, f.Write("l0", []byte("end")))
	name := func(i int) string { return "l" + strings.Repeat("i", i) }
	require.NoError(t, f.Rename("l0", name(0)))
	for i := 1; i <= 41; i++ {
		require.NoError(t, d.Symlink(name(i-1), name(i)))
	}
	got, err := f.Read(name(40))
	require.NoError(t, err)
	assert.Equal(t, "end", string(got))
	_, err = f.Read(name(41))
	requireErrno(t, err, syscall.ELOOP)
}

func TestADeepPathClimbsBackThroughDirectoriesGivenUp(t *testing.T) {
	t.Parallel()
	f, _ := newFs(t)
	deep := strings.Repeat("d/", 200)
	require.NoError(t, f.EnsureDir(deep))
	require.NoError(t, f.Write("found", []byte("x")))
	require.NoError(t, f.Write(strings.Repeat("d/", 100)+"half", []byte("half")))
	for path, want := range map[string]string{
		deep + strings.Repeat("../", 200) + "found":                                    "x",
		deep + strings.Repeat("../", 100) + "half":                                     "half",
		deep + strings.Repeat("../", 150) + strings.Repeat("d/", 50) + "half":          "half",
		deep + strings.Repeat("../", 500) + strings.Repeat("d/", 100) + "./half":       "half",
		deep + strings.Repeat("../", 120) + "d/" + strings.Repeat("../", 81) + "found": "x",
	} {
		got, err := f.Read(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
}

func FuzzResolveStaysInside(f *testing.F) {
	for _, path := range []string{"", "/", "a/../../etc/passwd", "in/../out", "rel/../../x", "a/up/", "a/b//c/./file", "root/../.."} {
		for mode := range uint8(4) {
			f.Add(path, mode)
		}
	}
	outer := f.TempDir()
	root := filepath.Join(outer, "root")
	require.NoError(f, os.Mkdir(root, 0o755))
	layout(f, root)
	inside := map[uint64]bool{}
	require.NoError(f, filepath.Walk(root, func(_ string, i os.FileInfo, err error) error {
		inside[i.Sys().(*syscall.Stat_t).Ino] = true
		return err
	}))
	restricted, err := fs.New(root)
	require.NoError(f, err)
	d, err := restricted.Dir()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, path string, mode uint8) {
		p, err := fs.Resolve(d, d, path, fs.Mode(mode)&(fs.Follow|fs.Clamp))
		if err != nil {
			_, ok := errors.AsType[syscall.Errno](err)
			require.True(t, ok, "%v is no errno", err)
			require.NotContains(t, err.Error(), outer)
			return
		}
		defer p.Close()
		st, err := p.Dir.Stat()
		require.NoError(t, err)
		require.True(t, inside[st.Ino], "%q left the root", path)
		require.NotContains(t, p.Name, "/")
		require.NotContains(t, []string{".", ".."}, p.Name)
		if p.Name != "" {
			st, err = p.Dir.Lookup(p.Name)
			require.True(t, err != nil || inside[st.Ino], "%q left the root", path)
			if err == nil && fs.Mode(mode)&fs.Follow != 0 {
				require.Zero(t, st.Mode&os.ModeSymlink)
			}
		}
	})
}
