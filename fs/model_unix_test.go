//go:build linux || darwin || freebsd

package fs_test

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dappco.re/go/cloche/fs"
)

// modelled opens a filesystem over the host directory root. Finish, if it has
// one, is to bring root to what the filesystem shows.
type modelled func(root string) (f *fs.Fs, finish func() error, err error)

// TestFsAnswersAsTheHostDoes does the same random operations to an Fs and, by
// package os, to a twin directory, and compares every answer and the trees.
func TestFsAnswersAsTheHostDoes(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]modelled{
		"host": func(root string) (*fs.Fs, func() error, error) {
			f, err := fs.New(root)
			return f, nil, err
		},
		"portable": func(root string) (*fs.Fs, func() error, error) {
			d, err := fs.OpenPortable(root)
			return fs.FromDir(d), nil, err
		},
		"sub": func(root string) (*fs.Fs, func() error, error) {
			above, err := fs.New(filepath.Dir(root))
			if err != nil {
				return nil, nil, err
			}
			defer above.Close()
			f, err := above.Sub(filepath.Base(root))
			return f, nil, err
		},
		"mounts": func(root string) (*fs.Fs, func() error, error) {
			f, err := fs.New(root)
			if err != nil {
				return nil, nil, err
			}
			defer f.Close()
			tree, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: f}})
			return tree, nil, err
		},
		"memory": func(string) (*fs.Fs, func() error, error) { return fs.Memory(), nil, nil },
		"overlay": func(root string) (*fs.Fs, func() error, error) {
			base, err := fs.New(root)
			if err != nil {
				return nil, nil, err
			}
			defer base.Close()
			layer, err := fs.Overlay(base)
			if err != nil {
				return nil, nil, err
			}
			return layer.Fs, layer.Commit, nil
		},
		"overlay of an overlay": func(root string) (*fs.Fs, func() error, error) {
			base, err := fs.New(root)
			if err != nil {
				return nil, nil, err
			}
			defer base.Close()
			below, err := fs.Overlay(base)
			if err != nil {
				return nil, nil, err
			}
			above, err := fs.Overlay(below.Fs)
			if err != nil {
				return nil, nil, err
			}
			return above.Fs, func() error { return errors.Join(above.Commit(), below.Commit(), below.Close()) }, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			rounds := 0
			rapid.Check(t, func(r *rapid.T) {
				rounds++
				compareRandomly(r, filepath.Join(top, fmt.Sprint(rounds)), open, name != "memory")
			})
		})
	}
}

// furnish gives a directory something to begin with.
func furnish(r *rapid.T, root string) {
	require.NoError(r, os.MkdirAll(filepath.Join(root, "a/a/b"), 0o755))
	require.NoError(r, os.Mkdir(filepath.Join(root, "b"), 0o755))
	require.NoError(r, os.WriteFile(filepath.Join(root, "a/b"), []byte("one"), 0o644))
	require.NoError(r, os.WriteFile(filepath.Join(root, "a/a/c"), []byte("two"), 0o644))
	require.NoError(r, os.WriteFile(filepath.Join(root, "c"), []byte("three"), 0o755))
	require.NoError(r, os.Symlink("a/a", filepath.Join(root, "link")))
}

func compareRandomly(r *rapid.T, top string, open modelled, furnished bool) {
	mine, twin := filepath.Join(top, "mine"), filepath.Join(top, "twin")
	for _, dir := range []string{mine, twin} {
		require.NoError(r, os.MkdirAll(dir, 0o755))
		if furnished {
			furnish(r, dir)
		}
	}
	defer os.RemoveAll(top)
	f, finish, err := open(mine)
	require.NoError(r, err)
	defer f.Close()

	element := rapid.SampledFrom([]string{"a", "b", "c", ".", "link"})
	path := rapid.Custom(func(r *rapid.T) string {
		p := strings.Join(rapid.SliceOfN(element, 1, 4).Draw(r, "elements"), "/")
		return p + rapid.SampledFrom([]string{"", "", "", "/"}).Draw(r, "slash")
	})
	host := func(p string) string { return twin + "/" + p }
	same := func(what string, got, want error) {
		require.Equal(r, errnoOf(want), errnoOf(got), "%s: host says %v, Fs says %v", what, want, got)
	}
	// Linux refuses to create "x/" before it looks at x, so that which of two
	// faults is told is not compared.
	sameNew := func(what, p string, got, want error) {
		if strings.HasSuffix(p, "/") {
			require.Error(r, want)
			require.Error(r, got)
			return
		}
		same(what+" "+p, got, want)
	}
	r.Repeat(map[string]func(*rapid.T){
		"write": func(r *rapid.T) {
			p, data := path.Draw(r, "path"), []byte(rapid.StringN(0, 8, 8).Draw(r, "data"))
			sameNew("write", p, f.Write(p, data), os.WriteFile(host(p), data, 0o644))
		},
		"read": func(r *rapid.T) {
			p := path.Draw(r, "path")
			got, gotErr := f.Read(p)
			want, wantErr := os.ReadFile(host(p))
			same("read "+p, gotErr, wantErr)
			if wantErr == nil {
				require.Equal(r, want, got)
			}
		},
		"append": func(r *rapid.T) {
			p := path.Draw(r, "path")
			got, gotErr := f.Append(p)
			want, wantErr := os.OpenFile(host(p), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
			sameNew("append", p, gotErr, wantErr)
			if gotErr == nil && wantErr == nil {
				got.Write([]byte("+"))
				want.Write([]byte("+"))
				got.Close()
				want.Close()
			}
		},
		"ensure": func(r *rapid.T) {
			p := path.Draw(r, "path")
			got, want := f.EnsureDir(p), os.MkdirAll(host(p), 0o755)
			require.Equal(r, want == nil, got == nil, "ensure %s: host says %v, Fs says %v", p, want, got)
		},
		"stat": func(r *rapid.T) {
			p := path.Draw(r, "path")
			got, gotErr := f.Stat(p)
			want, wantErr := os.Stat(host(p))
			same("stat "+p, gotErr, wantErr)
			if wantErr == nil {
				require.Equal(r, want.Mode(), got.Mode())
				require.True(r, want.IsDir() || want.Size() == got.Size())
			}
		},
		"lstat": func(r *rapid.T) {
			p := path.Draw(r, "path")
			_, gotErr := f.Lstat(p)
			_, wantErr := os.Lstat(host(p))
			same("lstat "+p, gotErr, wantErr)
		},
		"delete": func(r *rapid.T) {
			p := path.Draw(r, "path")
			if isDot(p) {
				return // refused here, whatever the host says
			}
			same("delete "+p, f.Delete(p), hostRemove(host(p)))
		},
		"delete all": func(r *rapid.T) {
			p := strings.TrimRight(path.Draw(r, "path"), "/")
			if isDot(p) {
				return
			}
			same("delete all "+p, f.DeleteAll(p), os.RemoveAll(host(p)))
		},
		"rename": func(r *rapid.T) {
			from, to := path.Draw(r, "from"), path.Draw(r, "to")
			if isDot(from) || isDot(to) {
				return
			}
			got, want := f.Rename(from, to), syscall.Rename(host(from), host(to))
			// Which of two faults is found first is the host's affair.
			require.Equal(r, want == nil, got == nil, "rename %s %s: host says %v, Fs says %v", from, to, want, got)
		},
		"symlink": func(r *rapid.T) {
			target := strings.TrimRight(path.Draw(r, "target"), "/") // see sameNew
			d, err := f.Dir()
			require.NoError(r, err)
			defer d.Close()
			same("symlink", d.Symlink(target, "link"), os.Symlink(target, host("link")))
		},
	})
	require.Equal(r, tree(r, os.DirFS(twin)), tree(r, f.IOFS()))
	if finish != nil {
		require.NoError(r, finish())
		require.Equal(r, tree(r, os.DirFS(twin)), tree(r, os.DirFS(mine)))
		require.Equal(r, tree(r, os.DirFS(twin)), tree(r, f.IOFS()))
	}
}

// isDot tells a path whose last element is ".", which has no entry of its own.
func isDot(p string) bool {
	p = strings.TrimRight(p, "/")
	return p == "." || strings.HasSuffix(p, "/.")
}

// hostRemove is os.Remove, which guesses between two errors; this does not.
func hostRemove(p string) error {
	if err := syscall.Unlink(p); err == nil || !errors.Is(err, syscall.EISDIR) && !errors.Is(err, syscall.EPERM) && !strings.HasSuffix(p, "/") {
		return err
	}
	return syscall.Rmdir(p)
}

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return 9999
	}
	return errno
}

// tree describes everything in f.
func tree(r *rapid.T, f iofs.FS) []string {
	var all []string
	require.NoError(r, iofs.WalkDir(f, ".", func(p string, d iofs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		line := p + " " + i.Mode().String()
		switch {
		case i.Mode().IsRegular():
			data, err := iofs.ReadFile(f, p)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %q", data)
		case i.Mode()&iofs.ModeSymlink != 0:
			target, err := iofs.ReadLink(f, p)
			if err != nil {
				return err
			}
			line += " -> " + target
		}
		all = append(all, line)
		return nil
	}))
	return all
}
