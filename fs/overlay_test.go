package fs_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// layered is an overlay over a directory that holds the given files.
func layered(t *testing.T, files map[string]string) (*fs.Layer, string) {
	t.Helper()
	root := t.TempDir()
	for path, data := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(data), 0o644))
	}
	base, err := fs.New(root)
	require.NoError(t, err)
	layer, err := fs.Overlay(base)
	require.NoError(t, err)
	require.NoError(t, base.Close())
	t.Cleanup(func() { layer.Close() })
	return layer, root
}

// brief is a Diff without the details.
func brief(t *testing.T, l *fs.Layer) []string {
	t.Helper()
	changes, err := l.Diff()
	require.NoError(t, err)
	var all []string
	for _, c := range changes {
		all = append(all, string(c.Kind)+" "+c.Path)
	}
	return all
}

func hostFile(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(data)
}

func TestMemoryAndOverlaysAreIOFilesystems(t *testing.T) {
	t.Parallel()
	m := fs.Memory()
	require.NoError(t, m.EnsureDir("a/b"))
	require.NoError(t, m.Write("a/b/c", []byte("x")))
	require.NoError(t, fstest.TestFS(m.IOFS(), "a/b/c"))

	l, err := fs.Overlay(m)
	require.NoError(t, err)
	require.NoError(t, l.Write("a/d", []byte("y")))
	require.NoError(t, fstest.TestFS(l.IOFS(), "a/b/c", "a/d"))
}

func TestDiffTellsWhatChangedAndNothingElse(t *testing.T) {
	t.Parallel()
	l, _ := layered(t, map[string]string{"same": "1", "rewritten": "2", "edited": "3", "gone": "4", "dir/moved": "5", "dir/sub/deep": "6"})
	assert.Empty(t, brief(t, l))

	_, err := l.Read("same")
	require.NoError(t, err)
	require.NoError(t, l.Write("rewritten", []byte("2")))
	require.NoError(t, l.Write("edited", []byte("three")))
	require.NoError(t, l.Delete("gone"))
	require.NoError(t, l.Rename("dir", "folder"))
	require.NoError(t, l.Write("folder/new", nil))
	require.NoError(t, l.Write("made", nil))
	require.NoError(t, l.Delete("made"))
	assert.Equal(t, []string{
		"removed dir", "removed dir/moved", "removed dir/sub", "removed dir/sub/deep",
		"changed edited",
		"added folder", "added folder/moved", "added folder/new", "added folder/sub", "added folder/sub/deep",
		"removed gone",
	}, brief(t, l))

	require.NoError(t, l.Discard())
	assert.Empty(t, brief(t, l))
	data, err := l.Read("dir/sub/deep")
	require.NoError(t, err)
	assert.Equal(t, "6", string(data))
}

func TestTheBaseStaysAsItIsUntilCommit(t *testing.T) {
	t.Parallel()
	l, root := layered(t, map[string]string{"f": "old"})
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	require.NoError(t, os.Chmod(filepath.Join(root, "f"), 0o751))
	require.NoError(t, os.Chtimes(filepath.Join(root, "f"), old, old))

	require.NoError(t, l.Write("f", []byte("new")))
	assert.Equal(t, "old", hostFile(t, root, "f"))
	info, err := os.Stat(filepath.Join(root, "f"))
	require.NoError(t, err)
	assert.True(t, info.ModTime().Equal(old))

	require.NoError(t, l.Commit())
	assert.Equal(t, "new", hostFile(t, root, "f"))
	info, err = os.Stat(filepath.Join(root, "f"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o751, info.Mode())
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary is left")
	assert.Empty(t, brief(t, l))
}

func TestEntriesCanTradePlaces(t *testing.T) {
	t.Parallel()
	l, root := layered(t, map[string]string{"a": "A", "b": "B", "dir/f": "F", "file": "file"})
	for _, swap := range [][2]string{{"a", "b"}, {"dir", "file"}} {
		require.NoError(t, l.Rename(swap[0], "t"))
		require.NoError(t, l.Rename(swap[1], swap[0]))
		require.NoError(t, l.Rename("t", swap[1]))
	}
	require.NoError(t, l.Commit())
	assert.Equal(t, "B", hostFile(t, root, "a"))
	assert.Equal(t, "A", hostFile(t, root, "b"))
	assert.Equal(t, "file", hostFile(t, root, "dir"))
	assert.Equal(t, "F", hostFile(t, root, "file/f"))
}

func TestNamesOfOneFileStayNamesOfOneFile(t *testing.T) {
	t.Parallel()
	l, root := layered(t, nil)
	require.NoError(t, l.Write("a", []byte("x")))
	d, err := l.Dir()
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Link("a", d, "b"))
	require.NoError(t, l.Commit())
	a, err := os.Stat(filepath.Join(root, "a"))
	require.NoError(t, err)
	b, err := os.Stat(filepath.Join(root, "b"))
	require.NoError(t, err)
	assert.True(t, os.SameFile(a, b))
}

// conflicting changes a base behind its overlay's back.
var conflicting = map[string]struct {
	layer func(l *fs.Layer) error
	base  func(root string) error
	paths []string
}{
	"both wrote": {
		func(l *fs.Layer) error { return l.Write("f", []byte("mine")) },
		func(root string) error { return os.WriteFile(root+"/f", []byte("theirs"), 0o644) },
		[]string{"f"},
	},
	"same size, same time": {
		func(l *fs.Layer) error { return l.Write("f", []byte("mine")) },
		func(root string) error {
			info, err := os.Stat(root + "/f")
			if err != nil {
				return err
			}
			if err := os.WriteFile(root+"/f", []byte("OLD"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(root+"/f", time.Time{}, info.ModTime())
		},
		[]string{"f"},
	},
	"both made": {
		func(l *fs.Layer) error { return l.Write("new", []byte("mine")) },
		func(root string) error { return os.WriteFile(root+"/new", nil, 0o644) },
		[]string{"new"},
	},
	"removed there": {
		func(l *fs.Layer) error { return l.Write("dir/g", []byte("mine")) },
		func(root string) error { return os.Remove(root + "/dir/g") },
		[]string{"dir/g"},
	},
	"removed here": {
		func(l *fs.Layer) error { return l.DeleteAll("dir") },
		func(root string) error { return os.WriteFile(root+"/dir/g", []byte("theirs"), 0o644) },
		[]string{"dir/g"},
	},
	"removed here, filled there": {
		func(l *fs.Layer) error { return l.DeleteAll("dir") },
		func(root string) error { return os.WriteFile(root+"/dir/new", nil, 0o644) },
		[]string{"dir/new"},
	},
	"several": {
		func(l *fs.Layer) error {
			if err := l.Write("f", nil); err != nil {
				return err
			}
			return l.Delete("dir/g")
		},
		func(root string) error {
			if err := os.Remove(root + "/f"); err != nil {
				return err
			}
			return os.WriteFile(root+"/dir/g", nil, 0o644)
		},
		[]string{"dir/g", "f"},
	},
	"a directory became a symlink": {
		func(l *fs.Layer) error { return l.Write("dir/new", nil) },
		func(root string) error {
			if err := os.Rename(root+"/dir", root+"/elsewhere"); err != nil {
				return err
			}
			return os.Symlink("elsewhere", root+"/dir")
		},
		[]string{"dir"},
	},
}

func TestCommitRefusesWhatTheBaseChangedToo(t *testing.T) {
	t.Parallel()
	for name, c := range conflicting {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, root := layered(t, map[string]string{"f": "old", "dir/g": "old", "untouched": "old"})
			require.NoError(t, l.Write("another", []byte("mine")))
			require.NoError(t, c.layer(l))
			require.NoError(t, c.base(root))
			require.NoError(t, os.WriteFile(root+"/untouched", []byte("theirs"), 0o644))

			err := l.Commit()
			var conflict *fs.ConflictError
			require.ErrorAs(t, err, &conflict)
			assert.Equal(t, c.paths, conflict.Paths)
			assert.NoFileExists(t, filepath.Join(root, "another"), "nothing is written")
		})
	}
}

func TestAReadOnlyBaseRefusesTheCommit(t *testing.T) {
	t.Parallel()
	base := fs.Memory()
	l, err := fs.Overlay(base.ReadOnly())
	require.NoError(t, err)
	require.NoError(t, l.Write("f", nil))
	var denied *fs.DeniedError
	require.ErrorAs(t, l.Commit(), &denied)
	assert.Equal(t, []string{"added f"}, brief(t, l), "the change is still there")
}

func TestAnUnrestrictedBaseIsRefused(t *testing.T) {
	t.Parallel()
	var none *fs.Fs
	whole := none.NewUnrestricted()
	defer whole.Close()
	_, err := fs.Overlay(whole)
	var denied *fs.DeniedError
	require.ErrorAs(t, err, &denied)
	assert.Contains(t, denied.Fix, "Sub")
}

func TestSymlinksThatLeadOutAreMarked(t *testing.T) {
	t.Parallel()
	l, _ := layered(t, map[string]string{"dir/f": ""})
	d, err := l.Dir()
	require.NoError(t, err)
	defer d.Close()
	sub, err := d.OpenDir("dir")
	require.NoError(t, err)
	defer sub.Close()
	require.NoError(t, sub.Symlink("../x", "inside"))
	require.NoError(t, sub.Symlink("../../etc/passwd", "outside"))
	require.NoError(t, sub.Symlink("f/../../..", "winding"))
	require.NoError(t, d.Symlink("/etc", "absolute"))
	changes, err := l.Diff()
	require.NoError(t, err)
	got := make(map[string]bool)
	for _, c := range changes {
		got[c.Path] = c.Outward
	}
	assert.Equal(t, map[string]bool{"absolute": true, "dir/inside": false, "dir/outside": true, "dir/winding": true}, got)
}

func TestGitAppliesThePatch(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	lines := func(n int, change map[int]string) string {
		var b strings.Builder
		for i := range n {
			line, ok := change[i]
			if !ok {
				line = strings.Repeat("x", i%7)
			}
			b.WriteString(line + "\n")
		}
		return b.String()
	}
	l, root := layered(t, map[string]string{
		"long": lines(100, nil), "no newline": "end", "gone": "1\n2\n", "mode": "#!/bin/sh\n", "dir/café": "a\n", "empty": "",
	})
	twin := t.TempDir()
	require.NoError(t, os.CopyFS(twin, os.DirFS(root)))

	require.NoError(t, l.Write("long", []byte(lines(100, map[int]string{0: "first", 40: "a\nb", 46: "c", 99: "last"}))))
	require.NoError(t, l.Write("no newline", []byte("end\nmore")))
	require.NoError(t, l.Delete("gone"))
	require.NoError(t, l.WriteMode("mode", []byte("#!/bin/sh\n"), 0o755))
	require.NoError(t, l.Rename("dir/café", "dir/\ttab \"quoted\""))
	require.NoError(t, l.Write("empty", []byte("no longer\n")))
	require.NoError(t, l.EnsureDir("new/dir"))
	require.NoError(t, l.Write("new/dir/f", []byte("f")))
	require.NoError(t, l.Write("new/nothing", nil))
	d, err := l.Dir()
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Symlink("dir/x", "link"))

	var patch bytes.Buffer
	require.NoError(t, l.Patch(&patch))
	git := exec.CommandContext(t.Context(), "git", "apply", "-")
	git.Dir, git.Stdin = twin, &patch
	git.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(twin))
	text := patch.String()
	out, err := git.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, text)

	require.NoError(t, l.Commit())
	assert.Equal(t, listing(t, root), listing(t, twin))
}

// listing describes the files below root.
func listing(t *testing.T, root string) map[string]string {
	all := make(map[string]string)
	f, err := fs.New(root)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Walk(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[path] = info.Mode().String()
		if info.Mode().IsRegular() {
			all[path] += " " + hostFile(t, root, path)
		}
		return nil
	}))
	return all
}

func TestAPatchTellsByALineWhatItCannotHold(t *testing.T) {
	t.Parallel()
	l, _ := layered(t, map[string]string{"bin": "\x00"})
	require.NoError(t, l.Write("bin", []byte("\x00\x01")))
	require.NoError(t, l.EnsureDir("alone"))
	var patch bytes.Buffer
	require.NoError(t, l.Patch(&patch))
	assert.Equal(t, "cloche: directory alone added\ncloche: binary file bin changed\n", patch.String())
}

func TestHolesTakeNoMemory(t *testing.T) {
	t.Parallel()
	m := fs.Memory()
	f, err := m.Create("huge")
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(1<<50))
	_, err = f.WriteAt([]byte("end"), 1<<50-3)
	require.NoError(t, err)
	p := make([]byte, 8)
	_, err = f.ReadAt(p, 1<<50-8)
	require.NoError(t, err)
	assert.Equal(t, "\x00\x00\x00\x00\x00end", string(p))
	require.Error(t, f.Truncate(1<<50+1))
	require.NoError(t, f.Truncate(1<<50-1))
	require.NoError(t, f.Truncate(1<<50))
	_, err = f.ReadAt(p, 1<<50-8)
	require.NoError(t, err)
	assert.Equal(t, "\x00\x00\x00\x00\x00en\x00", string(p), "what was cut off is zero")
}

func TestReadingAndWritingMemoryAllocatesNothing(t *testing.T) {
	m := fs.Memory()
	f, err := m.Create("f")
	require.NoError(t, err)
	defer f.Close()
	p := make([]byte, 4096)
	_, err = f.WriteAt(p, 0)
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		f.WriteAt(p, 0)
		f.ReadAt(p, 0)
	}))
}

func TestReadingTheBaseLeavesNothingInMemory(t *testing.T) {
	t.Parallel()
	l, _ := layered(t, map[string]string{"a/b/c": "x", "d": "y"})
	require.NoError(t, l.Walk(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, err = l.Read(path)
		return err
	}))
	assert.Zero(t, l.Known())
}

func TestMemoryIsBoundedAndGivenBack(t *testing.T) {
	t.Parallel()
	layer, _ := layered(t, map[string]string{"base": strings.Repeat("x", 300<<10)})
	for name, f := range map[string]*fs.Fs{"memory": fs.Memory(), "overlay": layer.Fs} {
		before := fs.Room(f)
		fs.SetRoom(f, 256<<10)
		require.ErrorIs(t, f.Write("big", make([]byte, 1<<20)), syscall.ENOSPC, name)
		require.NoError(t, f.Delete("big"), name)
		assert.Equal(t, before, fs.Room(f), name)

		var err error
		made := 0
		for ; err == nil; made++ {
			err = f.EnsureDir(fmt.Sprint(made))
		}
		require.ErrorIs(t, err, syscall.ENOSPC, name)
		for i := range made - 1 {
			require.NoError(t, f.Delete(fmt.Sprint(i)), name)
		}
		assert.Equal(t, before, fs.Room(f), name)

		open, err := f.Create("open")
		require.NoError(t, err)
		_, err = open.Write(make([]byte, 100<<10))
		require.NoError(t, err)
		require.NoError(t, f.Delete("open"), name)
		assert.Greater(t, fs.Room(f), before, "it can still be read")
		require.NoError(t, open.Close())
		assert.Equal(t, before, fs.Room(f), name)
	}
	file, err := layer.Append("base")
	require.NoError(t, err)
	_, err = file.Write([]byte("y"))
	require.ErrorIs(t, err, syscall.ENOSPC, "it is copied first")
	require.NoError(t, file.Close())
	data, err := layer.Read("base")
	require.NoError(t, err)
	assert.Len(t, data, 300<<10)
}

func TestADiffThatWouldFillTheHostsMemoryIsRefused(t *testing.T) {
	t.Parallel()
	layer, err := fs.Overlay(fs.Memory())
	require.NoError(t, err)
	defer layer.Close()
	deep := strings.Repeat(strings.Repeat("d", 250)+"/", 16)
	require.NoError(t, layer.Fs.EnsureDir(deep))
	for i := range 64<<20/len(deep) + 1 {
		require.NoError(t, layer.Fs.Write(deep+strconv.Itoa(i), nil))
	}
	_, err = layer.Diff()
	assert.ErrorIs(t, err, syscall.EFBIG)
	assert.ErrorIs(t, layer.Patch(io.Discard), syscall.EFBIG)
	assert.ErrorIs(t, layer.Commit(), syscall.EFBIG)
}
