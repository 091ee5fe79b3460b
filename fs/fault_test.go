//go:build linux || darwin || freebsd

package fs_test

import (
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// faults makes one operation of many fail.
type faults struct {
	count atomic.Int64
	at    int64 // the operation that fails, counted from 1; 0 means none
	err   error
	hit   string // the one that failed
}

func (f *faults) next(op string) error {
	if f.count.Add(1) == f.at {
		f.hit = op
		return f.err
	}
	return nil
}

// faultyDir is a Dir whose operations may fail before they do anything.
type faultyDir struct {
	fs.Dir
	*faults
}

func (d faultyDir) Lookup(name string) (fs.Stat, error) {
	if err := d.next("lookup"); err != nil {
		return fs.Stat{}, err
	}
	return d.Dir.Lookup(name)
}

func (d faultyDir) OpenFile(name string, flag int, perm iofs.FileMode) (fs.Node, error) {
	if err := d.next("open"); err != nil {
		return nil, err
	}
	n, err := d.Dir.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultyNode{n, d.faults}, nil
}

func (d faultyDir) Rename(name string, to fs.Dir, newname string) error {
	if err := d.next("rename"); err != nil {
		return err
	}
	return d.Dir.Rename(name, to.(faultyDir).Dir, newname)
}

func (d faultyDir) Sync() error {
	if err := d.next("sync dir"); err != nil {
		return err
	}
	return d.Dir.Sync()
}

// faultyNode fails half-way through a write.
type faultyNode struct {
	fs.Node
	*faults
}

func (n faultyNode) WriteAt(p []byte, off int64) (int, error) {
	if err := n.next("write"); err != nil {
		m, _ := n.Node.WriteAt(p[:len(p)/2], off)
		return m, err
	}
	return n.Node.WriteAt(p, off)
}

func (n faultyNode) SetMode(perm iofs.FileMode) error {
	if err := n.next("chmod"); err != nil {
		return err
	}
	return n.Node.SetMode(perm)
}

func (n faultyNode) Sync() error {
	if err := n.next("sync"); err != nil {
		return err
	}
	return n.Node.Sync()
}

func (n faultyNode) Close() error {
	err := n.Node.Close()
	if ferr := n.next("close"); ferr != nil {
		return ferr
	}
	return err
}

func TestWriteAtomicLeavesTheOldFileAndNoTemporaryAfterAnyFailure(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{true, false} {
		for _, fault := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
			hits := map[string]bool{}
			for at := int64(1); ; at++ {
				root := t.TempDir()
				target := filepath.Join(root, "x")
				if old {
					require.NoError(t, os.WriteFile(target, []byte("old"), 0o640))
				}
				f, faults := faultyFs(t, root, at, fault)
				err := f.WriteAtomic("x", []byte("the new content"))
				if faults.hit == "" {
					require.NoError(t, err)
					break
				}
				hits[faults.hit] = true
				requireErrno(t, err, fault)
				names := namesIn(t, root)
				data, _ := os.ReadFile(target)
				switch {
				case faults.hit == "sync dir":
					// Too late to go back: the new file is complete.
					assert.Equal(t, "the new content", string(data))
					assert.Equal(t, []string{"x"}, names)
				case old:
					assert.Equal(t, "old", string(data), faults.hit)
					assert.Equal(t, []string{"x"}, names, faults.hit)
				default:
					assert.Empty(t, names, faults.hit)
				}
			}
			for _, op := range []string{"lookup", "open", "write", "sync", "close", "rename", "sync dir"} {
				assert.True(t, hits[op], op)
			}
			assert.Equal(t, old, hits["chmod"])
		}
	}
}

func faultyFs(t *testing.T, root string, at int64, err error) (*fs.Fs, *faults) {
	f, nerr := fs.New(root)
	require.NoError(t, nerr)
	faults := &faults{at: at, err: err}
	faulty := fs.FromDir(faultyDir{rootOf(t, f), faults})
	t.Cleanup(func() { faulty.Close() })
	return faulty, faults
}

func namesIn(t *testing.T, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// renameDir records what is renamed over what.
type renameDir struct {
	fs.Dir
	temps *[]string
	hook  func(temp string)
}

func (d renameDir) Rename(name string, to fs.Dir, newname string) error {
	*d.temps = append(*d.temps, name)
	if d.hook != nil {
		d.hook(name)
	}
	return d.Dir.Rename(name, to.(renameDir).Dir, newname)
}

func TestWriteAtomicNamesNoTwoTemporariesAlike(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	var temps []string
	g := fs.FromDir(renameDir{Dir: rootOf(t, f), temps: &temps, hook: func(temp string) {
		i, err := os.Lstat(filepath.Join(root, temp))
		require.NoError(t, err)
		assert.Equal(t, iofs.FileMode(0o600), i.Mode().Perm()&0o600)
	}})
	defer g.Close()
	seen := map[string]bool{}
	for i := range 50 {
		require.NoError(t, g.WriteAtomic("x", fmt.Append(nil, i)))
	}
	for _, temp := range temps {
		assert.False(t, seen[temp], "a guessable name")
		seen[temp] = true
		random := strings.TrimPrefix(temp, ".cloche-")
		assert.GreaterOrEqual(t, len(random), 26)
	}
	assert.Len(t, seen, 50)
	assert.Equal(t, []string{"x"}, namesIn(t, root))
}

// planter plants a symlink where the temporary is about to be made.
type planter struct {
	fs.Dir
	target string
}

func (d planter) OpenFile(name string, flag int, perm iofs.FileMode) (fs.Node, error) {
	if flag&os.O_CREATE != 0 {
		if err := d.Dir.Symlink(d.target, name); err != nil {
			return nil, err
		}
	}
	return d.Dir.OpenFile(name, flag, perm)
}

func TestWriteAtomicNeverFollowsAPlantedSymlink(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	victim := filepath.Join(t.TempDir(), "victim")
	require.NoError(t, os.WriteFile(victim, []byte("safe"), 0o644))
	require.NoError(t, f.Write("x", []byte("old")))
	g := fs.FromDir(planter{rootOf(t, f), victim})
	defer g.Close()
	err := g.WriteAtomic("x", []byte("new"))
	requireErrno(t, err, syscall.EEXIST)
	data, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "safe", string(data))
	data, err = os.ReadFile(filepath.Join(root, "x"))
	require.NoError(t, err)
	assert.Equal(t, "old", string(data))
}
