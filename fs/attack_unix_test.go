//go:build linux || darwin || freebsd

package fs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// operations is every method that takes a path, to be tried on a bad one.
func operations(f *fs.Fs) map[string]func(path string) error {
	return map[string]func(string) error{
		"Read":        func(p string) error { _, err := f.Read(p); return err },
		"Write":       func(p string) error { return f.Write(p, nil) },
		"WriteMode":   func(p string) error { return f.WriteMode(p, nil, 0o600) },
		"WriteAtomic": func(p string) error { return f.WriteAtomic(p, nil) },
		"Update": func(p string) error {
			return f.Update(p, func([]byte) ([]byte, error) { return nil, nil })
		},
		"TempDir":     func(p string) error { _, err := f.TempDir(p + "/x"); return err },
		"EnsureDir":   func(p string) error { return f.EnsureDir(p) },
		"List":        func(p string) error { _, err := f.List(p); return err },
		"Stat":        func(p string) error { _, err := f.Stat(p); return err },
		"Lstat":       func(p string) error { _, err := f.Lstat(p + "/"); return err },
		"Open":        func(p string) error { _, err := f.Open(p); return err },
		"Create":      func(p string) error { _, err := f.Create(p); return err },
		"Append":      func(p string) error { _, err := f.Append(p); return err },
		"ReadStream":  func(p string) error { _, err := f.ReadStream(p); return err },
		"WriteStream": func(p string) error { _, err := f.WriteStream(p); return err },
		"Delete":      func(p string) error { return f.Delete(p + "/x") },
		"DeleteAll":   func(p string) error { return f.DeleteAll(p + "/x/y") },
		"Rename from": func(p string) error { return f.Rename(p+"/x", "y") },
		"Rename to":   func(p string) error { return f.Rename("top", p+"/x") },
		"Walk": func(p string) error {
			return f.Walk(p+"/", func(_ string, _ os.DirEntry, err error) error { return err })
		},
		"Sub":     func(p string) error { _, err := f.Sub(p); return err },
		"HostDir": func(p string) error { _, err := f.HostDir(p); return err },
	}
}

func TestNoOperationLeavesTheRoot(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	root := filepath.Join(outer, "root")
	outside := filepath.Join(outer, "outside")
	require.NoError(t, os.MkdirAll(filepath.Join(outside, "dir"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "dir/x"), []byte("safe"), 0o644))
	require.NoError(t, os.Mkdir(root, 0o755))
	layout(t, root)
	for name, target := range map[string]string{
		"abs": filepath.Join(outside, "dir"), "up": "../outside/dir", "far": "a/../../outside/dir",
		"chain": "up", "deepchain": "a/chain", "a/chain": "../chain",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	f, err := fs.New(root)
	require.NoError(t, err)
	defer f.Close()
	for op, try := range operations(f) {
		for _, p := range []string{"abs", "up", "far", "chain", "deepchain", "in/../../abs", "/up"} {
			err := try(p)
			require.Error(t, err, "%s %s", op, p)
			assert.NotContains(t, err.Error(), outer, op)
		}
	}
	for op, try := range operations(f) {
		for _, p := range []string{"../outside/dir", "/../outside/dir", "a/../../outside/dir", filepath.Join(outside, "dir")} {
			// These mean a path inside, where there is no such directory, except
			// for those that make one.
			if err := try(p); err != nil {
				assert.NotContains(t, strings.ReplaceAll(err.Error(), p, ""), outer, op)
			}
		}
	}
	assert.Equal(t, []string{"dir"}, namesIn(t, outside))
	assert.Equal(t, []string{"x"}, namesIn(t, filepath.Join(outside, "dir")))
	data, err := os.ReadFile(filepath.Join(outside, "dir/x"))
	require.NoError(t, err)
	assert.Equal(t, "safe", string(data))
}

func TestStrangePathsFailCleanly(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	layout(t, root)
	for op, try := range operations(f) {
		for _, p := range []string{"nul\x00byte", "\x00"} {
			requireErrno(t, try(p), syscall.EINVAL)
		}
		requireErrno(t, try("a/"+strings.Repeat("n", 256)+"/x"), syscall.ENAMETOOLONG)
		requireErrno(t, try(strings.Repeat("a/b/../../", 500)+"x"), syscall.ENAMETOOLONG)
		if op != "EnsureDir" && op != "DeleteAll" {
			requireErrno(t, try("missing\xff/x"), syscall.ENOENT)
		}
		if op != "DeleteAll" {
			requireErrno(t, try("loop/x"), syscall.ELOOP)
		}
	}
}

// swap exchanges the names a and b in root, where one of them is a directory and
// the other a symlink to outside, until stop is closed.
func swap(t *testing.T, root, a, b string, stop <-chan struct{}) {
	a, b = filepath.Join(root, a), filepath.Join(root, b)
	temp := filepath.Join(root, "swapping")
	for {
		select {
		case <-stop:
			return
		default:
		}
		for _, step := range [][2]string{{a, temp}, {b, a}, {temp, b}} {
			if err := os.Rename(step[0], step[1]); err != nil {
				t.Errorf("swap: %v", err)
				return
			}
		}
	}
}

// hostDirs are the ways to reach a directory of the host.
var hostDirs = map[string]func(t *testing.T, root string) *fs.Fs{
	"host": func(t *testing.T, root string) *fs.Fs {
		f, err := fs.New(root)
		require.NoError(t, err)
		return f
	},
	"portable": func(t *testing.T, root string) *fs.Fs {
		d, err := fs.OpenPortable(root)
		require.NoError(t, err)
		return fs.FromDir(d)
	},
}

func TestADirectorySwappedForASymlinkLeadsNowhere(t *testing.T) {
	t.Parallel()
	for name, open := range hostDirs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, outside := t.TempDir(), t.TempDir()
			inside, secret := []byte("inside"), []byte("secret")
			require.NoError(t, os.Mkdir(filepath.Join(root, "dir"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(root, "dir/x"), inside, 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(outside, "x"), secret, 0o644))
			require.NoError(t, os.Symlink(outside, filepath.Join(root, "link")))
			f := open(t, root)
			defer f.Close()

			stop := make(chan struct{})
			var swapper sync.WaitGroup
			swapper.Go(func() { swap(t, root, "dir", "link", stop) })
			reads := 0
			for range 3000 {
				if data, err := f.Read("dir/x"); err == nil {
					reads++
					require.Equal(t, inside, data)
				}
				_ = f.Write("dir/x", inside)
				_ = f.WriteMode("dir/x", inside, 0o600)
				_ = f.Delete("dir/gone")
			}
			for range 50 {
				_ = f.WriteAtomic("dir/x", inside)
				if temp, err := f.TempDir("dir/t-*"); err == nil {
					_ = f.DeleteAll(temp)
				}
			}
			close(stop)
			swapper.Wait()
			data, err := os.ReadFile(filepath.Join(outside, "x"))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(secret, data))
			assert.Equal(t, []string{"x"}, namesIn(t, outside))
			assert.Equal(t, os.FileMode(0o644), modeOnHost(t, filepath.Join(outside, "x")))
			assert.NotZero(t, reads, "the race was never won by the reader")
		})
	}
}

func TestAFileSwappedForASymlinkLeadsNowhere(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	outside := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o644))
	require.NoError(t, f.Write("file", []byte("inside")))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "link")))
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() { swap(t, root, "file", "link", stop) })
	for range 3000 {
		if data, err := f.Read("file"); err == nil {
			require.Contains(t, []string{"", "inside"}, string(data))
		}
		_ = f.Write("file", []byte("inside"))
	}
	close(stop)
	swapper.Wait()
	data, err := os.ReadFile(outside)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(data))
}

// TestNoPathIsTakenForChecked swaps a directory between two calls: what was seen
// by the first must not be trusted by the second.
func TestNoPathIsTakenForChecked(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	outside := t.TempDir()
	require.NoError(t, f.EnsureDir("dir"))
	require.NoError(t, f.Write("dir/x", []byte("one")))
	require.NoError(t, os.Rename(filepath.Join(root, "dir"), filepath.Join(root, "old")))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "dir")))
	require.ErrorIs(t, f.Write("dir/x", []byte("two")), os.ErrPermission)
	require.ErrorIs(t, f.WriteAtomic("dir/x", []byte("two")), os.ErrPermission)
	assert.Empty(t, namesIn(t, outside))
}

func TestDeleteAllWhileTheTreeIsSwappedRemovesNothingOutside(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "safe"), nil, 0o644))
	for range 100 {
		require.NoError(t, f.EnsureDir("tree/dir/sub"))
		require.NoError(t, f.Write("tree/dir/sub/safe", nil))
		require.NoError(t, os.Symlink(outside, filepath.Join(root, "tree/link")))
		start := make(chan struct{})
		var swapper sync.WaitGroup
		swapper.Go(func() {
			close(start)
			for i := range 4 {
				names := []string{"dir", "link"}
				from, to := filepath.Join(root, "tree", names[i%2]), filepath.Join(root, "tree/swapping")
				_ = os.Rename(from, to)
				_ = os.Rename(filepath.Join(root, "tree", names[1-i%2]), from)
				_ = os.Rename(to, filepath.Join(root, "tree", names[1-i%2]))
			}
		})
		<-start
		_ = f.DeleteAll("tree")
		swapper.Wait()
		require.Equal(t, []string{"safe"}, namesIn(t, outside))
		require.NoError(t, f.DeleteAll("tree"))
	}
}
