//go:build linux || darwin || freebsd

package fs_test

import (
	"archive/zip"
	"bytes"
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// filesystem is one kind of filesystem that the suites are run on.
type filesystem struct {
	name string

	// open returns one that shows what is in the host directory root.
	open func(t testing.TB, root string) *fs.Fs

	native   bool // what is written is written into root
	live     bool // what happens to root natively is seen
	specials bool // FIFOs and sockets in root are seen
	portable bool // through os.Root, with the weaknesses that package fs names
	readOnly bool
	noLinks  bool // symlinks cannot be told from what they lead to
	lateDirs bool // directory handles are names
}

// elsewhere is a name in the root that a tree of mounts has besides.
const elsewhere = "mnt"

// filesystems is every kind there is.
func filesystems() []filesystem {
	return append(writable(), reading()...)
}

// writable is every kind that takes writes.
func writable() []filesystem {
	return []filesystem{
		{name: "host", open: openHost, native: true, live: true, specials: true},
		{name: "portable", open: openPortable, native: true, live: true, specials: true, portable: true},
		{name: "whole host", native: true, live: true, specials: true, open: func(t testing.TB, root string) *fs.Fs {
			var none *fs.Fs
			whole := none.NewUnrestricted()
			defer whole.Close()
			return sub(t, whole, root)
		}},
		{name: "sub", native: true, live: true, specials: true, open: func(t testing.TB, root string) *fs.Fs {
			f := openHost(t, filepath.Dir(root))
			defer f.Close()
			return sub(t, f, filepath.Base(root))
		}},
		{name: "root of mounts", native: true, live: true, specials: true, open: func(t testing.TB, root string) *fs.Fs {
			return mountOn(t, openHost(t, root), "/", "/"+elsewhere+"/mount")
		}},
		{name: "below a mount", native: true, live: true, specials: true, open: func(t testing.TB, root string) *fs.Fs {
			tree := mountOn(t, openHost(t, root), "/a/b", "/a/c")
			defer tree.Close()
			return sub(t, tree, "/a/b")
		}},
		{name: "memory", open: func(t testing.TB, root string) *fs.Fs { return fill(t, fs.Memory(), root) }},
		{name: "overlay", specials: true, open: func(t testing.TB, root string) *fs.Fs {
			return overlay(t, openHost(t, root))
		}},
		{name: "overlay of memory", open: func(t testing.TB, root string) *fs.Fs {
			return overlay(t, fill(t, fs.Memory(), root))
		}},
		{name: "overlay of an overlay", specials: true, open: func(t testing.TB, root string) *fs.Fs {
			return overlay(t, overlay(t, openHost(t, root)))
		}},
		{name: "overlay of a read-only map", open: func(t testing.TB, root string) *fs.Fs {
			return overlay(t, fs.FromFS(mapOf(t, root)))
		}},
		{name: "overlay below a mount", specials: true, open: func(t testing.TB, root string) *fs.Fs {
			tree := mountOn(t, overlay(t, openHost(t, root)), "/a/b", "/a/c")
			defer tree.Close()
			return sub(t, tree, "/a/b")
		}},
	}
}

// reading is every kind that only reads.
func reading() []filesystem {
	return []filesystem{
		{name: "read-only", readOnly: true, live: true, specials: true, open: func(t testing.TB, root string) *fs.Fs {
			f := openHost(t, root)
			defer f.Close()
			return f.ReadOnly()
		}},
		{name: "read-only mount", readOnly: true, live: true, specials: true, open: func(t testing.TB, root string) *fs.Fs {
			f := openHost(t, root)
			defer f.Close()
			tree := mountOn(t, f.ReadOnly(), "/a/b", "/a/c")
			defer tree.Close()
			return sub(t, tree, "/a/b")
		}},
		{name: "io/fs with links", readOnly: true, specials: true, lateDirs: true, open: func(t testing.TB, root string) *fs.Fs {
			return fs.FromFS(os.DirFS(root))
		}},
		{name: "io/fs of a map", readOnly: true, lateDirs: true, open: func(t testing.TB, root string) *fs.Fs {
			return fs.FromFS(mapOf(t, root))
		}},
		{name: "io/fs of os.Root", readOnly: true, live: true, specials: true, lateDirs: true, open: func(t testing.TB, root string) *fs.Fs {
			r, err := os.OpenRoot(root)
			require.NoError(t, err)
			t.Cleanup(func() { r.Close() })
			return fs.FromFS(r.FS())
		}},
		{name: "io/fs of an Fs", readOnly: true, live: true, specials: true, lateDirs: true, open: func(t testing.TB, root string) *fs.Fs {
			f := openHost(t, root)
			t.Cleanup(func() { f.Close() })
			return fs.FromFS(f.IOFS())
		}},
		{name: "io/fs of a zip archive", readOnly: true, noLinks: true, lateDirs: true, open: func(t testing.TB, root string) *fs.Fs {
			return fs.FromFS(zipArchive(t, root))
		}},
	}
}

// each runs a test on every filesystem of a list.
func each(t *testing.T, list []filesystem, test func(t *testing.T, k filesystem)) {
	for _, k := range list {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

func openHost(t testing.TB, root string) *fs.Fs {
	f, err := fs.New(root)
	require.NoError(t, err)
	return f
}

func openPortable(t testing.TB, root string) *fs.Fs {
	d, err := fs.OpenPortable(root)
	require.NoError(t, err)
	return fs.FromDir(d)
}

func sub(t testing.TB, f *fs.Fs, dir string) *fs.Fs {
	s, err := f.Sub(dir)
	require.NoError(t, err)
	return s
}

// overlay lays one over f, and gives f up.
func overlay(t testing.TB, f *fs.Fs) *fs.Fs {
	defer f.Close()
	layer, err := fs.Overlay(f)
	require.NoError(t, err)
	return layer.Fs
}

// mountOn mounts f on target, something else on other, and gives f up.
func mountOn(t testing.TB, f *fs.Fs, target, other string) *fs.Fs {
	defer f.Close()
	g, _ := newFs(t)
	tree, err := fs.Mounts([]fs.Mount{{Target: target, Fs: f}, {Target: other, Fs: g}})
	require.NoError(t, err)
	return tree
}

// rootOf gives f's root, and f up.
func rootOf(t testing.TB, f *fs.Fs) fs.Dir {
	d, err := f.Dir()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return d
}

// mapOf copies root into a map.
func mapOf(t testing.TB, root string) fstest.MapFS {
	m := fstest.MapFS{}
	eachBelow(t, root, func(name string, i iofs.FileInfo, data []byte) {
		m[name] = &fstest.MapFile{Data: data, Mode: i.Mode(), ModTime: i.ModTime()}
	})
	return m
}

// zipArchive copies the files and directories in root into an archive.
func zipArchive(t testing.TB, root string) *zip.Reader {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	eachBelow(t, root, func(name string, i iofs.FileInfo, data []byte) {
		if i.Mode().Type() == iofs.ModeSymlink {
			return
		}
		if i.IsDir() {
			name += "/"
		}
		h, err := zip.FileInfoHeader(i)
		require.NoError(t, err)
		h.Name, h.Method = name, zip.Deflate
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		if !i.IsDir() {
			_, err = f.Write(data)
			require.NoError(t, err)
		}
	})
	require.NoError(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	require.NoError(t, err)
	return r
}

// eachBelow calls do for all files, directories and symlinks below root, whose
// data is the target; parents come first.
func eachBelow(t testing.TB, root string, do func(name string, i iofs.FileInfo, data []byte)) {
	require.NoError(t, filepath.WalkDir(root, func(p string, d iofs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		name, err := filepath.Rel(root, p)
		require.NoError(t, err)
		i, err := d.Info()
		require.NoError(t, err)
		var data []byte
		switch i.Mode().Type() {
		case 0:
			data, err = os.ReadFile(p)
		case iofs.ModeSymlink:
			var target string
			target, err = os.Readlink(p)
			data = []byte(target)
		case iofs.ModeDir:
		default:
			return nil
		}
		require.NoError(t, err)
		do(name, i, data)
		return nil
	}))
}

// fill copies root into f.
func fill(t testing.TB, f *fs.Fs, root string) *fs.Fs {
	eachBelow(t, root, func(name string, i iofs.FileInfo, data []byte) {
		var err error
		switch i.Mode().Type() {
		case 0:
			err = f.WriteMode(name, data, i.Mode().Perm())
		case iofs.ModeDir:
			err = f.EnsureDir(name)
		case iofs.ModeSymlink:
			err = symlink(f, string(data), name)
		}
		require.NoError(t, err)
	})
	return f
}

// at calls do with the place that path leads to in f.
func at(f *fs.Fs, path string, mode fs.Mode, do func(p fs.Place) error) error {
	d, err := f.Dir()
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := fs.Resolve(d, d, path, fs.Clamp|mode)
	if err != nil {
		return err
	}
	defer p.Close()
	return do(p)
}

func symlink(f *fs.Fs, target, path string) error {
	return at(f, path, 0, func(p fs.Place) error { return p.Dir.Symlink(target, p.Name) })
}

func readlink(f *fs.Fs, path string) (target string, err error) {
	err = at(f, path, 0, func(p fs.Place) error {
		target, err = p.Dir.Readlink(p.Name)
		return err
	})
	return target, err
}
