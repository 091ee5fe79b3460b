package fs_test

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"io"
	iofs "io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"dappco.re/go/cloche/fs"
)

var someFiles = fstest.MapFS{
	"top":       {Data: []byte("top")},
	"a/b/deep":  {Data: []byte("deep"), Mode: 0o755, ModTime: time.Unix(1, 0)},
	"a/link":    {Data: []byte("b/deep"), Mode: iofs.ModeSymlink | 0o777},
	"a/out":     {Data: []byte("../../x"), Mode: iofs.ModeSymlink | 0o777},
	"a/dirlink": {Data: []byte("/a/b"), Mode: iofs.ModeSymlink | 0o777},
}

//go:embed fromfs.go
var embedded embed.FS

func zipOf(t *testing.T, files map[string]string) iofs.FS {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, data := range files {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(f, data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	require.NoError(t, err)
	return r
}

func TestAnyIOFilesystemCanBeUsed(t *testing.T) {
	t.Parallel()
	inside := maps.Clone(someFiles)
	delete(inside, "a/out")     // cannot be opened, as the next test says
	delete(inside, "a/dirlink") // nor can this one in fs.Sub(inside, "a")
	require.NoError(t, fstest.TestFS(fs.FromFS(inside).IOFS(), "top", "a/b/deep"))
	archive := fs.FromFS(zipOf(t, map[string]string{"top": "top", "a/b/deep": "deep"}))
	require.NoError(t, fstest.TestFS(archive.IOFS(), "top", "a/b/deep"))

	require.NoError(t, fstest.TestFS(fs.FromFS(embedded).IOFS(), "fromfs.go"))

	text, err := txtar.FS(txtar.Parse([]byte("-- top --\ntop\n-- a/b/deep --\ndeep\n")))
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(fs.FromFS(text).IOFS(), "top", "a/b/deep"))

	below, err := fs.FromFS(someFiles).Sub("a")
	require.NoError(t, err)
	data, err := below.Read("b/deep")
	require.NoError(t, err)
	assert.Equal(t, "deep", string(data))
}

// folding is a filesystem that takes names in capitals for the same in small
// letters, as some hosts do.
type folding struct{ iofs.FS }

func (f folding) Open(name string) (iofs.File, error) { return f.FS.Open(strings.ToLower(name)) }

// What lies under a mount point is part of what was mounted around it. To reach it
// by a twin of the mount point's name is no way out, and to the mount itself there
// is none but its own name.
func TestATwinOfAMountPointLeadsToWhatWasMountedAroundIt(t *testing.T) {
	t.Parallel()
	around := fs.FromFS(folding{fstest.MapFS{"cfg/key": {Data: []byte("around")}, "other": {}}})
	mounted := fs.Memory()
	require.NoError(t, mounted.Write("key", []byte("mounted")))
	tree, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: around}, {Target: "/cfg", Fs: mounted}})
	require.NoError(t, err)
	for path, want := range map[string]string{"cfg/key": "mounted", "CFG/key": "around", "cFG/KEY": "around"} {
		text, err := tree.Read(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, string(text), path)
	}
	for _, path := range []string{"CFG/../../other", "Cfg/../CFG/../../../other"} {
		p, err := tree.Stat(path)
		require.NoError(t, err, path) // at the root, ".." stays there
		assert.Equal(t, "other", p.Name())
	}
}

func TestSymlinksOfAnIOFilesystemKeepToTheRules(t *testing.T) {
	t.Parallel()
	f := fs.FromFS(someFiles)
	for _, path := range []string{"a/link", "a/dirlink/deep", "/a/dirlink/../b/deep"} {
		data, err := f.Read(path)
		require.NoError(t, err, path)
		assert.Equal(t, "deep", string(data), path)
	}
	_, err := f.Read("a/out")
	var denied *fs.DeniedError
	require.ErrorAs(t, err, &denied)
	assert.Contains(t, denied.Rule, "symlink")
}

func TestAFileWithoutReadAtIsReadAnywhere(t *testing.T) {
	t.Parallel()
	f, err := fs.FromFS(zipOf(t, map[string]string{"f": "0123456789"})).Open("f")
	require.NoError(t, err)
	defer f.Close()
	p := make([]byte, 3)
	for _, off := range []int64{7, 0, 4} {
		_, err := f.ReadAt(p, off)
		require.NoError(t, err)
		assert.Equal(t, "0123456789"[off:off+3], string(p))
	}
	_, err = f.ReadAt(p, 8)
	assert.Equal(t, io.EOF, err)
}

// writes are all that a read-only filesystem refuses, on what exists and what
// does not.
var writes = map[string]func(f *fs.Fs) error{
	"write":       func(f *fs.Fs) error { return f.Write("top", nil) },
	"write new":   func(f *fs.Fs) error { return f.Write("new", nil) },
	"write mode":  func(f *fs.Fs) error { return f.WriteMode("top", nil, 0o600) },
	"atomic":      func(f *fs.Fs) error { return f.WriteAtomic("top", nil) },
	"update":      func(f *fs.Fs) error { return f.Update("top", func(old []byte) ([]byte, error) { return old, nil }) },
	"create":      func(f *fs.Fs) error { _, err := f.Create("new"); return err },
	"append":      func(f *fs.Fs) error { _, err := f.Append("top"); return err },
	"ensure":      func(f *fs.Fs) error { return f.EnsureDir("new/dir") },
	"temp":        func(f *fs.Fs) error { _, err := f.TempDir("x*"); return err },
	"delete":      func(f *fs.Fs) error { return f.Delete("top") },
	"delete dir":  func(f *fs.Fs) error { return f.Delete("empty") },
	"delete all":  func(f *fs.Fs) error { return f.DeleteAll("a") },
	"rename":      func(f *fs.Fs) error { return f.Rename("top", "new") },
	"rename over": func(f *fs.Fs) error { return f.Rename("top", "a/b/deep") },
	"symlink":     onDir(func(d fs.Dir) error { return d.Symlink("top", "new") }),
	"link":        onDir(func(d fs.Dir) error { return d.Link("top", d, "new") }),
	"times":       onDir(func(d fs.Dir) error { return d.SetTimes("top", time.Now(), time.Now()) }),
	"own times":   onDir(func(d fs.Dir) error { return d.SetOwnTimes(time.Now(), time.Now()) }),
	"file times": onDir(func(d fs.Dir) error {
		n, err := d.OpenFile("top", os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(n.SetTimes(time.Now(), time.Now()), n.Close())
	}),
	"file mode": onDir(func(d fs.Dir) error {
		n, err := d.OpenFile("top", os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(n.SetMode(0o600), n.Close())
	}),
}

func onDir(do func(fs.Dir) error) func(*fs.Fs) error {
	return func(f *fs.Fs) error {
		d, err := f.Dir()
		if err != nil {
			return err
		}
		defer d.Close()
		return do(d)
	}
}

func TestAReadOnlyFilesystemRefusesEveryWrite(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(root, "empty"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "top"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "a/b/deep"), nil, 0o644))
	host, err := fs.New(root)
	require.NoError(t, err)
	defer host.Close()
	layer, err := fs.Overlay(host)
	require.NoError(t, err)
	defer layer.Close()
	files := fstest.MapFS{"top": {}, "a/b/deep": {}, "empty": {Mode: iofs.ModeDir | 0o755}}
	mounted, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: host.ReadOnly()}})
	require.NoError(t, err)
	for name, f := range map[string]*fs.Fs{
		"host": host.ReadOnly(), "overlay": layer.ReadOnly(), "io/fs": fs.FromFS(files), "mounted": mounted,
	} {
		for what, write := range writes {
			err := write(f)
			var denied *fs.DeniedError
			if assert.ErrorAs(t, err, &denied, "%s: %s", name, what) {
				assert.ErrorIs(t, err, syscall.EROFS, "%s: %s", name, what)
				assert.NotEmpty(t, denied.Fix, "%s: %s", name, what)
			}
		}
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Len(t, entries, 3)
}

// liar is an io/fs.FS that keeps to nothing.
type liar struct{}

func (liar) Open(name string) (iofs.File, error) {
	if name == "." {
		return &lyingDir{}, nil
	}
	return nil, &iofs.PathError{Op: "open", Path: "/secret/of/the/host", Err: errors.New("at /secret/of/the/host")}
}

func (liar) Stat(name string) (iofs.FileInfo, error) {
	return lyingInfo{name: name, dir: name == "."}, nil
}

func (l liar) ReadDir(string) ([]iofs.DirEntry, error) {
	var list []iofs.DirEntry
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/etc", "fine", "not\xffutf-8"} {
		list = append(list, iofs.FileInfoToDirEntry(lyingInfo{name: name}))
	}
	return list, nil
}

type lyingDir struct{ iofs.File }

func (*lyingDir) Close() error { return nil }

type lyingInfo struct {
	name string
	dir  bool
}

func (i lyingInfo) Name() string       { return i.name }
func (i lyingInfo) Size() int64        { return -1 }
func (i lyingInfo) ModTime() time.Time { return time.Time{} }
func (i lyingInfo) IsDir() bool        { return i.dir }
func (i lyingInfo) Sys() any           { return nil }
func (i lyingInfo) Mode() iofs.FileMode {
	if i.dir {
		return iofs.ModeDir
	}
	return 0
}

func TestALyingIOFilesystemLeadsNowhere(t *testing.T) {
	t.Parallel()
	f := fs.FromFS(liar{})
	entries, err := f.List("/")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, "fine", entries[0].Name())
	info, err := f.Stat("fine")
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	_, err = f.Read("fine")
	require.ErrorIs(t, err, syscall.EIO)
	assert.NotContains(t, err.Error(), "secret")
}

// broken is a file that answers what no file may.
type broken struct {
	info iofs.FileInfo
	read func(p []byte) (int, error)
}

func (b broken) Stat() (iofs.FileInfo, error)   { return b.info, nil }
func (b broken) Read(p []byte) (int, error)     { return b.read(p) }
func (b broken) Close() error                   { return nil }
func (b broken) Open(string) (iofs.File, error) { return b, nil }

type brokenAt struct{ broken }

func (b brokenAt) ReadAt(p []byte, _ int64) (int, error) { return b.read(p) }
func (b brokenAt) Open(string) (iofs.File, error)        { return b, nil }

type brokenSeeker struct{ broken }

func (b brokenSeeker) Seek(int64, int) (int64, error) { return 0, nil }
func (b brokenSeeker) Open(string) (iofs.File, error) { return b, nil }

// none is a filesystem whose every answer is nothing.
type none struct{}

func (none) Open(string) (iofs.File, error)          { return nil, nil }
func (none) Stat(string) (iofs.FileInfo, error)      { return lyingInfo{name: "x"}, nil }
func (none) ReadDir(string) ([]iofs.DirEntry, error) { return []iofs.DirEntry{nil}, nil }

func TestAnIOFilesystemThatBreaksItsContractIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(p []byte) (int, error){
		"more than there is room for": func(p []byte) (int, error) { return len(p) + 1, nil },
		"less than nothing":           func(p []byte) (int, error) { return -1, nil },
		"more, at the end":            func(p []byte) (int, error) { return len(p) + 1, io.EOF },
		"nothing, for ever":           func(p []byte) (int, error) { return 0, nil },
	} {
		b := broken{lyingInfo{name: "x"}, read}
		for kind, fsys := range map[string]iofs.FS{"read": b, "at": brokenAt{b}, "seek": brokenSeeker{b}} {
			_, err := fs.FromFS(fsys).Read("x")
			assert.ErrorIs(t, err, syscall.EIO, "%s: %s", name, kind)
		}
	}
	_, err := fs.FromFS(broken{}).Stat("x")
	assert.ErrorIs(t, err, syscall.EIO)
	_, err = fs.FromFS(none{}).Read("x")
	assert.ErrorIs(t, err, syscall.EIO)
	d, err := fs.FromFS(none{}).Dir()
	require.NoError(t, err)
	_, err = d.ReadDir()
	assert.ErrorIs(t, err, syscall.EIO)
}

func TestAnIOFilesystemThatIsNilDenies(t *testing.T) {
	t.Parallel()
	_, err := fs.FromFS(nil).Read("x")
	var denied *fs.DeniedError
	require.ErrorAs(t, err, &denied)
}
