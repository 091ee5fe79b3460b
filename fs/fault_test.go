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

// faults makes one operation of many fail, or all changes from that one on.
type faults struct {
	count atomic.Int64
	at    int64 // the operation that fails, counted from 1; 0 means none
	err   error
	stays bool   // as when the filesystem was remounted read-only
	hit   string // the first that failed
}

func (f *faults) next(op string) error {
	n := f.count.Add(1)
	if n == f.at || f.at > 0 && n > f.at && f.stays && !reads[op] {
		if f.hit == "" {
			f.hit = op
		}
		return f.err
	}
	return nil
}

// reads are the operations that change nothing.
var reads = map[string]bool{"lookup": true, "open": true, "read": true, "stat": true, "lock": true, "close": true}

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
	op := "open"
	if flag&os.O_CREATE != 0 {
		op = "create"
	}
	if err := d.next(op); err != nil {
		return nil, err
	}
	n, err := d.Dir.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultyNode{n, d.faults, flag&os.O_WRONLY == 0}, nil
}

func (d faultyDir) Stat() (fs.Stat, error) {
	if err := d.next("stat"); err != nil {
		return fs.Stat{}, err
	}
	return d.Dir.Stat()
}

func (d faultyDir) Lock() (unlock func(), err error) {
	if err := d.next("lock"); err != nil {
		return nil, err
	}
	if l, ok := d.Dir.(fs.Locker); ok {
		return l.Lock()
	}
	return func() {}, nil
}

func (d faultyDir) Unlink(name string) error {
	if err := d.next("unlink"); err != nil {
		return err
	}
	return d.Dir.Unlink(name)
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
	reading bool
}

func (n faultyNode) WriteAt(p []byte, off int64) (int, error) {
	if err := n.next("write"); err != nil {
		m, _ := n.Node.WriteAt(p[:len(p)/2], off)
		return m, err
	}
	return n.Node.WriteAt(p, off)
}

func (n faultyNode) ReadAt(p []byte, off int64) (int, error) {
	if err := n.next("read"); err != nil {
		return 0, err
	}
	return n.Node.ReadAt(p, off)
}

func (n faultyNode) Stat() (fs.Stat, error) {
	if err := n.next("stat"); err != nil {
		return fs.Stat{}, err
	}
	return n.Node.Stat()
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
	if n.reading {
		return err // nobody would care
	}
	if ferr := n.next("close"); ferr != nil {
		return ferr
	}
	return err
}

// TestWriteAtomicLeavesTheOldFileAndNoTemporaryAfterAnyFailure has every call of a
// WriteAtomic and of an Update fail in its turn.
func TestWriteAtomicLeavesTheOldFileAndNoTemporaryAfterAnyFailure(t *testing.T) {
	t.Parallel()
	for by, save := range savers {
		for _, old := range []string{"the old content", ""} {
			for _, fault := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
				for _, stays := range []bool{false, true} {
					hits := map[string]bool{}
					for at := int64(1); ; at++ {
						f := failing{save: save, old: old, faults: faults{at: at, err: fault, stays: stays}}
						if f.check(t); f.hit == "" {
							break
						}
						hits[f.hit] = true
					}
					for _, op := range []string{"lookup", "create", "write", "sync", "close", "rename", "sync dir"} {
						assert.True(t, hits[op], op)
					}
					assert.Equal(t, old != "", hits["chmod"])
					assert.Equal(t, by == "Update", hits["lock"])
					assert.Equal(t, by == "Update" && old != "", hits["read"])
				}
			}
		}
	}
}

// failing is a save during which something fails.
type failing struct {
	save saver
	old  string // "" for none
	faults
}

func (f *failing) check(t *testing.T) {
	host, root := newFs(t)
	if f.old != "" {
		require.NoError(t, os.WriteFile(filepath.Join(root, "status"), []byte(f.old), 0o640))
	}
	faulty := fs.FromDir(faultyDir{rootOf(t, host), &f.faults})
	defer faulty.Close()
	const data = "the new content, which is longer"
	err := f.save(faulty, []byte(data))
	names := namesIn(t, root)
	got, _ := os.ReadFile(filepath.Join(root, "status"))
	if f.hit == "" {
		require.NoError(t, err)
		assert.Equal(t, data, string(got))
		return
	}
	requireErrno(t, err, f.err.(syscall.Errno))
	assert.ErrorIs(t, err, f.err)
	switch {
	case f.hit == "sync dir":
		// Too late to go back: the new file is complete.
		assert.Equal(t, data, string(got))
		assert.Equal(t, []string{"status"}, names)
		return
	case f.stays && len(names) > 0 && strings.HasPrefix(names[0], ".cloche-"):
		// Nobody can remove it now.
		assert.Contains(t, []string{"write", "chmod", "sync", "close", "rename"}, f.hit)
		names = names[1:]
	}
	assert.Equal(t, f.old, string(got), f.hit)
	if f.old == "" {
		assert.Empty(t, names, f.hit)
		return
	}
	assert.Equal(t, []string{"status"}, names, f.hit)
	assert.Equal(t, iofs.FileMode(0o640), modeOnHost(t, filepath.Join(root, "status")))
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
