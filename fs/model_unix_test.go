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

// TestFsAnswersAsTheHostDoes does the same random operations to an Fs and, by
// package os, to a twin directory, and compares every answer and the trees.
func TestFsAnswersAsTheHostDoes(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(root string) (fs.Dir, error){
		"host": func(root string) (fs.Dir, error) {
			f, err := fs.New(root)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return f.Dir()
		},
		"portable": fs.OpenPortable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			rounds := 0
			rapid.Check(t, func(r *rapid.T) {
				rounds++
				compareRandomly(r, filepath.Join(top, fmt.Sprint(rounds)), open)
			})
		})
	}
}

func compareRandomly(r *rapid.T, top string, open func(string) (fs.Dir, error)) {
	mine, twin := filepath.Join(top, "mine"), filepath.Join(top, "twin")
	for _, dir := range []string{mine, twin} {
		require.NoError(r, os.MkdirAll(dir, 0o755))
	}
	defer os.RemoveAll(top)
	d, err := open(mine)
	require.NoError(r, err)
	f := fs.FromDir(d)
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
	require.Equal(r, tree(r, twin), tree(r, mine))
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

// tree describes everything below root.
func tree(r *rapid.T, root string) []string {
	var all []string
	require.NoError(r, filepath.WalkDir(root, func(p string, d iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		i, err := d.Info()
		if err != nil {
			return err
		}
		line := rel + " " + i.Mode().String()
		switch {
		case i.Mode().IsRegular():
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %q", data)
		case i.Mode()&iofs.ModeSymlink != 0:
			target, err := os.Readlink(p)
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
