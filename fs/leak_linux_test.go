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
	"go.uber.org/goleak"

	"dappco.re/go/cloche/fs"
)

func openDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

// Not parallel: nothing else may open or close meanwhile.
func TestNothingLeavesADescriptorOpen(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	root := t.TempDir()
	layout(t, root)
	before := openDescriptors(t)
	for name, open := range map[string]func() *fs.Fs{
		"host": func() *fs.Fs {
			f, err := fs.New(root)
			require.NoError(t, err)
			return f
		},
		"portable": func() *fs.Fs {
			d, err := fs.OpenPortable(root)
			require.NoError(t, err)
			return fs.FromDir(d)
		},
		"mounted": func() *fs.Fs {
			f, err := fs.New(root)
			require.NoError(t, err)
			defer f.Close()
			tree, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: f}, {Target: "/made/up", Fs: f}})
			require.NoError(t, err)
			_, err = fs.Mounts([]fs.Mount{{Target: "/", Fs: f}, {Target: "/", Fs: f}})
			require.Error(t, err)
			return tree
		},
		"read-only": func() *fs.Fs {
			f, err := fs.New(root)
			require.NoError(t, err)
			defer f.Close()
			return f.ReadOnly()
		},
		"whole": func() *fs.Fs {
			whole := (*fs.Fs)(nil).NewUnrestricted()
			defer whole.Close()
			f, err := whole.Sub(root)
			require.NoError(t, err)
			return f
		},
	} {
		f := open()
		for _, p := range []string{
			"a/b/c/file", "in/c/file", "top", "missing", "out", "rel/x", "loop", "a/../../top", "in/..", "dangling/x",
			strings.Repeat("deep/", 60) + "x", strings.Repeat("deep/", 60) + strings.Repeat("../", 50) + "x", ".", "made/up/top",
		} {
			for op, try := range openers(f) {
				held := openDescriptors(t)
				try(p)
				require.Equal(t, held, openDescriptors(t), "%s of %s", op, p)
			}
		}
		require.NoError(t, f.Close())
		assert.Equal(t, before, openDescriptors(t), name)
	}
	for _, bad := range []string{filepath.Join(root, "top"), "/proc", "/missing"} {
		_, err := fs.New(bad)
		require.Error(t, err)
	}
	assert.Equal(t, before, openDescriptors(t))
}

// openers is operations that close what they opened, made to happen.
func openers(f *fs.Fs) map[string]func(string) {
	return map[string]func(string){
		"read":   func(p string) { f.Read(p) },
		"write":  func(p string) { f.Write(p, []byte("x")) },
		"atomic": func(p string) { f.WriteAtomic(p, []byte("x")) },
		"update": func(p string) { f.Update(p, func([]byte) ([]byte, error) { return nil, errors.New("no") }) },
		"ensure": func(p string) { f.EnsureDir(p + "-dir/x") },
		"delete": func(p string) { f.DeleteAll(p + "-dir") },
		"rename": func(p string) { f.Rename(p, p) },
		"list":   func(p string) { f.List(p) },
		"walk":   func(p string) { f.Walk(p, func(string, os.DirEntry, error) error { return nil }) },
		"host":   func(p string) { f.HostDir(p) },
		"stat":   func(p string) { f.Stat(p) },
		"sub": func(p string) {
			if s, err := f.Sub(p); err == nil {
				s.Close()
			}
		},
		"open": func(p string) {
			for _, open := range []func(string) (*fs.File, error){f.Open, f.Create, f.Append} {
				if file, err := open(p); err == nil {
					file.ReadDir(-1)
					file.Close()
				}
			}
		},
		"temp": func(p string) {
			if d, err := f.TempDir(p + "/x"); err == nil {
				f.Delete(d)
			}
		},
		"locks": func(p string) {
			d, err := f.Dir()
			if err != nil {
				return
			}
			defer d.Close()
			if l, ok := d.(fs.Locker); ok {
				if unlock, err := l.Lock(); err == nil {
					unlock()
				}
			}
		},
	}
}

// Not parallel: it lowers the limit of the whole process.
func TestADeepPathTakesFewDescriptors(t *testing.T) {
	f, _ := newFs(t)
	deep := strings.Repeat("d/", 1000)
	require.NoError(t, f.EnsureDir(deep))
	var old syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	few := old
	few.Cur = uint64(openDescriptors(t) + 100)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	require.NoError(t, f.Write(deep+"x", nil))
	require.True(t, f.Exists(deep+strings.Repeat("../", 400)+strings.Repeat("d/", 400)+"x"))
	require.NoError(t, f.DeleteAll("d"))
}
