package fs_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dappco.re/go/cloche/fs"
)

// attackTries is how often a race is tried, or what CLOCHE_ATTACK_TRIES says.
func attackTries(t *testing.T, usual int) int {
	if s := os.Getenv("CLOCHE_ATTACK_TRIES"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return usual
}

// changes are ways to change something in the directory "dir", while that is traded
// for a symlink that leads out. Their errors do not matter, nor does it when they
// change the directory under its other name.
func changes(t *testing.T, f *fs.Fs) map[string]func() error {
	data := []byte("new")
	return map[string]func() error{
		"write":         func() error { return f.Write("dir/x", data) },
		"write mode":    func() error { return f.WriteMode("dir/x", data, 0o600) },
		"write atomic":  func() error { return f.WriteAtomic("dir/x", data) },
		"update":        func() error { return f.Update("dir/x", func([]byte) ([]byte, error) { return data, nil }) },
		"make and move": func() error { _ = f.Write("y", data); return f.Rename("y", "dir/y") },
		"steal":         func() error { _ = f.Write("dir/x", data); return f.Rename("dir/x", "stolen") },
		"delete":        func() error { _ = f.Write("dir/x", data); return f.Delete("dir/x") },
		"make a tree": func() error {
			if err := f.EnsureDir("dir/a/b/c"); err != nil {
				return err
			}
			return f.DeleteAll("dir/a")
		},
		"delete all": func() error { _ = f.EnsureDir("dir/full/of"); return f.DeleteAll("dir/full") },
		"temporary": func() error {
			temp, err := f.TempDir("dir/t-*")
			if err == nil {
				err = f.DeleteAll(temp)
			}
			return err
		},
		"commit": func() error {
			layer, err := fs.Overlay(f)
			require.NoError(t, err)
			defer layer.Close()
			_ = layer.Write("dir/x", data)
			_ = layer.EnsureDir("dir/committed")
			_ = layer.Write("dir/committed/z", data)
			_ = layer.Delete("dir/y")
			_ = layer.DeleteAll("dir/full")
			return layer.Commit()
		},
	}
}

func TestNoChangeLandsOutsideWhileADirectoryIsSwapped(t *testing.T) {
	t.Parallel()
	tries := attackTries(t, 300)
	for name, open := range hostDirs {
		for change := range changes(t, nil) {
			t.Run(name+"/"+change, func(t *testing.T) {
				root, outside := t.TempDir(), t.TempDir()
				for _, top := range []string{filepath.Join(root, "dir"), outside} {
					require.NoError(t, os.MkdirAll(filepath.Join(top, "full/of"), 0o755))
					for _, file := range []string{"x", "y", "full/of/z"} {
						require.NoError(t, os.WriteFile(filepath.Join(top, file), []byte("old"), 0o644))
					}
				}
				require.NoError(t, os.Symlink(outside, filepath.Join(root, "link")))
				before := wholeTree(t, outside)
				f := open(t, root)
				defer f.Close()
				done := raced(t, root, outside, tries, changes(t, f)[change])
				t.Logf("%d came through", done)
				assert.NotZero(t, done, "there was no race")
				assert.Equal(t, before, wholeTree(t, outside))
			})
		}
	}
	t.Run("os.WriteFile loses this race", func(t *testing.T) {
		root, outside := t.TempDir(), t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(root, "dir"), 0o755))
		require.NoError(t, os.Symlink(outside, filepath.Join(root, "link")))
		lost := raced(t, root, outside, tries, func() error {
			_ = os.WriteFile(filepath.Join(root, "dir/x"), nil, 0o644)
			_, err := os.Stat(filepath.Join(outside, "x"))
			return err
		})
		assert.NotZero(t, lost)
	})
}

// raced tries to change something while "dir" and "link" are swapped, until both have
// happened so many times, and returns how often there was no error.
func raced(t *testing.T, root, outside string, tries int, change func() error) (done int) {
	dir, link := filepath.Join(root, "dir"), filepath.Join(root, "link")
	var swaps atomic.Int64
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE) != nil {
				// What is raced took one of them away.
				_ = os.Mkdir(dir, 0o755)
				_ = os.Symlink(outside, link)
			}
			swaps.Add(1)
		}
	})
	defer swapper.Wait()
	defer close(stop)
	for n := 0; n < tries || (swaps.Load() < int64(tries) || done == 0) && n < 1000*tries; n++ {
		if change() == nil {
			done++
		}
	}
	return done
}

// wholeTree is every path below dir with its mode and content.
func wholeTree(t *testing.T, dir string) map[string]string {
	tree := map[string]string{}
	require.NoError(t, filepath.Walk(dir, func(path string, i os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		text := i.Mode().String()
		if i.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(data)
		}
		tree[path] = text
		return nil
	}))
	return tree
}
