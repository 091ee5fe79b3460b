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
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// plant makes a tree in root with every kind of entry below w/w/w, so that a
// path of three elements can climb without leaving.
func plant(t testing.TB, root string, links bool) {
	deep := filepath.Join(root, "w/w/w")
	require.NoError(t, os.MkdirAll(filepath.Join(deep, "a/a"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(deep, "file"), []byte("file"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(deep, "a/file"), []byte("a/file"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "w/file"), nil, 0o755))
	if !links {
		return
	}
	for name, target := range map[string]string{
		"dir": "a", "up": "..", "to": "file", "dangling": "nowhere", "loop": "loop", "slash": "a/", "not": "file/",
		"a/dir": "../dir/a", "a/to": "../a/./file",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(deep, name)))
	}
}

// spellings is paths of up to three elements; dirs are those that lead on.
func spellings(elements, dirs []string, most int) []string {
	all, last := elements, elements
	for n := 2; n <= most; n++ {
		var longer []string
		first := elements
		if n > 2 {
			first = dirs
		}
		for _, e := range first {
			for _, p := range last {
				longer = append(longer, e+"/"+p)
			}
		}
		all, last = append(all[:len(all):len(all)], longer...), longer
	}
	return all
}

// answers tells what four ways of reading say about path.
func answers(path string, f iofs.FS, lstat func(string) (iofs.FileInfo, error)) string {
	describe := func(i iofs.FileInfo, err error) string {
		if err != nil {
			return errnoOf(err).Error()
		}
		if i.IsDir() {
			return "dir" // some have no modes for these
		}
		return fmt.Sprint(i.Mode(), i.Size())
	}
	data, err := iofs.ReadFile(f, path)
	list, lerr := iofs.ReadDir(f, path)
	var names []string
	for _, e := range list {
		if e.Name() != elsewhere {
			names = append(names, e.Name()+e.Type().String())
		}
	}
	i, serr := iofs.Stat(f, path)
	return fmt.Sprintf("stat %s, lstat %s, read %q %v, list %v %v",
		describe(i, serr), describe(lstat(path)), data, errnoOf(err), names, errnoOf(lerr))
}

// native is package os below a directory, where any spelling is allowed.
type native string

func (n native) Open(path string) (iofs.File, error)     { return os.Open(string(n) + "/" + path) }
func (n native) Stat(path string) (iofs.FileInfo, error) { return os.Stat(string(n) + "/" + path) }
func (n native) ReadFile(path string) ([]byte, error)    { return os.ReadFile(string(n) + "/" + path) }
func (n native) ReadDir(path string) ([]iofs.DirEntry, error) {
	return os.ReadDir(string(n) + "/" + path)
}
func (n native) lstat(path string) (iofs.FileInfo, error) { return os.Lstat(string(n) + "/" + path) }

// spelled is an Fs below a directory, where any spelling is allowed.
type spelled struct {
	*fs.Fs
	below string
}

func (s spelled) Open(path string) (iofs.File, error)          { return s.Fs.Open(s.below + path) }
func (s spelled) Stat(path string) (iofs.FileInfo, error)      { return s.Fs.Stat(s.below + path) }
func (s spelled) ReadFile(path string) ([]byte, error)         { return s.Fs.Read(s.below + path) }
func (s spelled) ReadDir(path string) ([]iofs.DirEntry, error) { return s.Fs.List(s.below + path) }
func (s spelled) lstat(path string) (iofs.FileInfo, error)     { return s.Fs.Lstat(s.below + path) }

func TestEverySpellingOfAPathLeadsWhereTheHostSays(t *testing.T) {
	t.Parallel()
	most := 3
	if testing.Short() {
		most = 2
	}
	var roots [2]string
	want := [2]map[string]string{{}, {}}
	for links := range 2 {
		roots[links] = t.TempDir()
		plant(t, roots[links], links == 1)
		elements, dirs := []string{"a", "file", "no", "", ".", ".."}, []string{"a", "", ".", ".."}
		if links == 1 {
			elements = append(elements, "dir", "up", "to", "dangling", "loop", "slash", "not")
			dirs = append(dirs, "dir", "up", "slash")
		}
		host := native(roots[links] + "/w/w/w")
		for _, p := range spellings(elements, dirs, most) {
			want[links][p] = answers(p, host, host.lstat)
		}
	}
	t.Run("each", func(t *testing.T) {
		each(t, filesystems(), func(t *testing.T, k filesystem) {
			links := 1
			if k.noLinks {
				links = 0
			}
			f := k.open(t, roots[links])
			defer f.Close()
			s := spelled{f, "//w/./w/../w/w//"}
			for p, want := range want[links] {
				require.Equal(t, want, answers(p, s, s.lstat), "%q", s.below+p)
			}
		})
	})
}

func TestEveryFilesystemPassesTheStandardSuite(t *testing.T) {
	t.Parallel()
	each(t, filesystems(), func(t *testing.T, k filesystem) {
		root := t.TempDir()
		for p, data := range map[string]string{"a/b/c/deep": "deep", "top": "top", "a/empty": ""} {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, p)), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(root, p), []byte(data), 0o644))
		}
		expected := []string{"a/b/c/deep", "top", "a/empty"}
		if !k.noLinks {
			require.NoError(t, os.Symlink("b/c", filepath.Join(root, "a/link")))
			require.NoError(t, os.Symlink("/top", filepath.Join(root, "abs")))
			expected = append(expected, "a/link", "abs")
		}
		f := k.open(t, root)
		defer f.Close()
		require.NoError(t, fstest.TestFS(f.IOFS(), expected...))
		s := sub(t, f, "a/b")
		defer s.Close()
		require.NoError(t, fstest.TestFS(s.IOFS(), "c/deep"))
		ro := f.ReadOnly()
		defer ro.Close()
		require.NoError(t, fstest.TestFS(ro.IOFS(), expected...))
	})
}

func TestPathsEndWhereTheHostsDo(t *testing.T) {
	t.Parallel()
	each(t, filesystems(), func(t *testing.T, k filesystem) {
		root := t.TempDir()
		plant(t, root, !k.noLinks)
		name := func(i int) string { return "l" + strings.Repeat("i", i) }
		require.NoError(t, os.WriteFile(filepath.Join(root, name(0)), []byte("end"), 0o644))
		long := strings.Repeat("n", 255)
		require.NoError(t, os.WriteFile(filepath.Join(root, long), []byte("long"), 0o644))
		if !k.noLinks {
			for i := 1; i <= 41; i++ {
				require.NoError(t, os.Symlink(name(i-1), filepath.Join(root, name(i))))
			}
		}
		f := k.open(t, root)
		defer f.Close()
		got, err := f.Read(strings.Repeat("./", 2047) + "l")
		require.NoError(t, err, "4095 bytes")
		assert.Equal(t, "end", string(got))
		_, err = f.Read("/" + strings.Repeat("./", 2047) + "l")
		requireErrno(t, err, syscall.ENAMETOOLONG)
		got, err = f.Read(long)
		require.NoError(t, err)
		assert.Equal(t, "long", string(got))
		_, err = f.Read(long + "n")
		requireErrno(t, err, syscall.ENAMETOOLONG)
		_, err = f.Read("bad\xff")
		requireErrno(t, err, syscall.ENOENT)
		if !k.noLinks {
			got, err = f.Read(name(40))
			require.NoError(t, err)
			assert.Equal(t, "end", string(got))
			_, err = f.Read(name(41))
			requireErrno(t, err, syscall.ELOOP)
		}
	})
}

func TestEveryWriteToAReadOnlyFilesystemIsRefused(t *testing.T) {
	t.Parallel()
	each(t, reading(), func(t *testing.T, k filesystem) {
		root := t.TempDir()
		plant(t, root, !k.noLinks)
		f := k.open(t, root)
		defer f.Close()
		s := sub(t, f, "w/w/w")
		defer s.Close()
		before := describeTree(t, f)
		for op, err := range refusals(t, s) {
			denied, ok := errors.AsType[*fs.DeniedError](err)
			if !assert.True(t, ok, "%s: %v", op, err) {
				continue
			}
			assert.Equal(t, "read-only", denied.Rule, op)
			assert.Contains(t, denied.Fix, "mount", op)
			assert.ErrorIs(t, err, syscall.EROFS, op)
			assert.ErrorIs(t, err, iofs.ErrPermission, op)
		}
		assert.Equal(t, before, describeTree(t, f))
		require.NoError(t, s.EnsureDir("a/a"), "what exists is ensured")
		d := rootOf(t, sub(t, f, "w/w/w"))
		defer d.Close()
		requireErrno(t, d.Mkdir("a", 0o755), syscall.EEXIST)
		requireErrno(t, d.Unlink("no"), syscall.ENOENT)
		_, err := d.OpenFile("file", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		requireErrno(t, err, syscall.EEXIST)
	})
}

// refusals tries every way to write to a tree planted without links.
func refusals(t *testing.T, f *fs.Fs) map[string]error {
	err := func(_ any, err error) error { return err }
	d, derr := f.Dir()
	require.NoError(t, derr)
	defer d.Close()
	n, nerr := d.OpenFile("file", os.O_RDONLY|os.O_CREATE, 0o644)
	require.NoError(t, nerr, "what exists is opened")
	defer n.Close()
	now := time.Now()
	all := map[string]error{
		"Write": f.Write("file", nil), "Write new": f.Write("new", nil), "WriteMode": f.WriteMode("file", nil, 0o777),
		"WriteAtomic": f.WriteAtomic("file", nil), "WriteAtomic new": f.WriteAtomic("new", nil),
		"Update":    f.Update("file", func([]byte) ([]byte, error) { t.Error("called"); return nil, nil }),
		"EnsureDir": f.EnsureDir("new/dir"), "Delete": f.Delete("file"), "DeleteAll": f.DeleteAll("a"),
		"Rename": f.Rename("file", "other"), "Rename over": f.Rename("file", "a/file"), "TempDir": err(f.TempDir("x")),
		"Create": err(f.Create("file")), "Append": err(f.Append("file")), "WriteStream": err(f.WriteStream("file")),

		"d.Mkdir": d.Mkdir("new", 0o755), "d.Symlink": d.Symlink("to", "new"), "d.Link": d.Link("file", d, "new"),
		"d.Rename": d.Rename("file", d, "new"), "d.Unlink": d.Unlink("file"), "d.Unlink dir": d.Unlink("a"), "d.Rmdir": d.Rmdir("a"),
		"d.SetTimes": d.SetTimes("file", now, now), "d.SetOwnTimes": d.SetOwnTimes(now, now),
		"n.SetTimes": n.SetTimes(now, now), "n.SetMode": n.SetMode(0o777),
	}
	if l, ok := d.(fs.Locker); ok {
		_, err := l.Lock()
		all["d.Lock"] = err
	}
	for _, flag := range []int{
		os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_CREATE | os.O_TRUNC,
	} {
		all[fmt.Sprintf("open %#x", flag)] = err(d.OpenFile("file", flag, 0o644))
	}
	for _, flag := range []int{os.O_RDONLY | os.O_CREATE, os.O_RDWR | os.O_CREATE, os.O_RDWR | os.O_CREATE | os.O_EXCL} {
		all[fmt.Sprintf("create %#x", flag)] = err(d.OpenFile("new", flag, 0o644))
	}
	_, werr := n.WriteAt([]byte("x"), 0)
	requireErrno(t, werr, syscall.EBADF)
	_, _, werr = n.Append([]byte("x"))
	requireErrno(t, werr, syscall.EBADF)
	requireErrno(t, n.Truncate(0), syscall.EINVAL)
	return all
}

// describeTree tells all that is in f, a line for each entry.
func describeTree(t require.TestingT, f *fs.Fs) []string {
	var all []string
	require.NoError(t, f.Walk(".", func(p string, d iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == elsewhere {
			return iofs.SkipDir
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		line := p + " " + i.Mode().String()
		switch i.Mode().Type() {
		case 0:
			data, err := f.Read(p)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %q", data)
		case iofs.ModeSymlink:
			target, err := readlink(f, p)
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
