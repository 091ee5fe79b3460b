package wasi_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// told collects what a process tells of.
type told struct {
	mu      sync.Mutex
	denials []*fs.DeniedError
	outward []kernel.OutwardLink
}

func (r *told) denied(d *fs.DeniedError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denials = append(r.denials, d)
}

func (r *told) link(l kernel.OutwardLink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outward = append(r.outward, l)
}

func (r *told) take() []*fs.DeniedError {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.denials
	r.denials = nil
	return all
}

// denialTree has something behind every rule: "/" can be written, "/ro" cannot,
// "/made/up" is a mount below a directory that does not exist otherwise.
func denialTree(t testing.TB) *fs.Fs {
	base, ro, up := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{base, ro} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), []byte("kept"), 0o644))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "d/e"), 0o755))
		require.NoError(t, os.Symlink("../../../outside", filepath.Join(dir, "d/out")))
		require.NoError(t, os.Symlink("/etc/outside", filepath.Join(dir, "d/abs")))
		require.NoError(t, os.Symlink("f", filepath.Join(dir, "l")))
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	}
	var parts []fs.Mount
	for target, dir := range map[string]string{"/": base, "/ro": ro, "/made/up": up} {
		f, err := fs.New(dir)
		require.NoError(t, err)
		defer f.Close()
		if target == "/ro" {
			f = f.ReadOnly()
			defer f.Close()
		}
		parts = append(parts, fs.Mount{Target: target, Fs: f})
	}
	tree, err := fs.Mounts(parts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tree.Close() })
	return tree
}

// Where call puts strings, away from each other.
const (
	firstPath, secondPath = 1024, 8192
	fileRead              = 1 << 1
	fileWrite             = 1 << 6
	everyRight            = 1<<28 - 1
)

// openAt is path_open from any directory.
func (g *proxy) openAt(dir uint64, path string, oflags, rights uint64) int {
	ptr, n := g.put(firstPath, path)
	return g.call("path_open", dir, 1, ptr, n, oflags, rights, everyRight, 0, 512)
}

// dirAt opens a directory from another.
func (g *proxy) dirAt(dir uint64, path string) uint64 {
	ptr, n := g.put(firstPath, path)
	g.ok("path_open", dir, 1, ptr, n, 2, everyRight&^fileWrite, everyRight, 0, 512)
	return uint64(g.u32(512))
}

// on calls a function of (fd, path).
func (g *proxy) on(name string, dir uint64, path string) int {
	ptr, n := g.put(firstPath, path)
	return g.call(name, dir, ptr, n)
}

func (g *proxy) rename(from, to string) int {
	a, an := g.put(firstPath, from)
	b, bn := g.put(secondPath, to)
	return g.call("path_rename", 3, a, an, 3, b, bn)
}

func (g *proxy) link(from, to string) int {
	a, an := g.put(firstPath, from)
	b, bn := g.put(secondPath, to)
	return g.call("path_link", 3, 0, a, an, 3, b, bn)
}

func (g *proxy) symlink(target string, dir uint64, path string) int {
	a, an := g.put(firstPath, target)
	b, bn := g.put(secondPath, path)
	return g.call("path_symlink", a, an, dir, b, bn)
}

func (g *proxy) touch(dir uint64, path string) int {
	ptr, n := g.put(firstPath, path)
	return g.call("path_filestat_set_times", dir, 0, ptr, n, 1, 1, 5)
}

func (g *proxy) stat(dir uint64, path string) int {
	ptr, n := g.put(firstPath, path)
	return g.call("path_filestat_get", dir, 1, ptr, n, 600)
}

func TestEveryRefusalIsToldOnceWithPathRuleAndErrno(t *testing.T) {
	t.Parallel()
	const (
		acces, busy, exist, inval, isdir, noent, notdir = 2, 10, 20, 28, 31, 44, 54
		notcapable, perm, rofs, xdev                    = 76, 63, 69, 75
		creat, directory, excl, trunc                   = 1, 2, 4, 8
	)
	var seen told
	g := newProxy(t, kernel.Config{Root: denialTree(t), Denied: seen.denied})
	ro, d := g.dirAt(3, "ro"), g.dirAt(3, "ro/d")
	deep := g.dirAt(d, "./e")
	require.Equal(t, success, g.openAt(ro, "f", 0, fileRead|1<<23))
	file := uint64(g.u32(512))

	for _, c := range []struct {
		name  string
		call  func() int
		errno int
		op    string // "" when nothing is to be told
		path  string
		rule  string
	}{
		{"create read-only", func() int { return g.openAt(3, "ro/new", creat, fileWrite) }, rofs, "open", "/ro/new", fs.RuleReadOnly},
		{"create read-only for reading", func() int { return g.openAt(3, "ro/new", creat, fileRead) }, rofs, "open", "/ro/new", fs.RuleReadOnly},
		{"create exclusively", func() int { return g.openAt(ro, "new", creat|excl, fileWrite) }, rofs, "open", "/ro/new", fs.RuleReadOnly},
		{"write read-only", func() int { return g.openAt(ro, "./f", 0, fileWrite) }, rofs, "open", "/ro/./f", fs.RuleReadOnly},
		{"write through a link", func() int { return g.openAt(ro, "l", 0, fileWrite) }, rofs, "open", "/ro/l", fs.RuleReadOnly},
		{"truncate read-only", func() int { return g.openAt(ro, "f", trunc, fileRead) }, rofs, "open", "/ro/f", fs.RuleReadOnly},
		{"write from a deep handle", func() int { return g.openAt(deep, "new", creat, fileWrite) }, rofs, "open", "/ro/d/./e/new", fs.RuleReadOnly},
		{"mkdir read-only", func() int { return g.on("path_create_directory", 3, "ro//x") }, rofs, "mkdir", "/ro//x", fs.RuleReadOnly},
		{"rmdir read-only", func() int { return g.on("path_remove_directory", d, "e") }, rofs, "rmdir", "/ro/d/e", fs.RuleReadOnly},
		{"unlink read-only", func() int { return g.on("path_unlink_file", ro, "f") }, rofs, "unlink", "/ro/f", fs.RuleReadOnly},
		{"symlink read-only", func() int { return g.symlink("f", ro, "s") }, rofs, "symlink", "/ro/s", fs.RuleReadOnly},
		{"link read-only", func() int { return g.link("ro/f", "ro/h") }, rofs, "link", "/ro/h", fs.RuleReadOnly},
		{"rename read-only", func() int { return g.rename("ro/f", "ro/g") }, rofs, "rename", "/ro/f", fs.RuleReadOnly},
		{"touch read-only", func() int { return g.touch(ro, "f") }, rofs, "set times", "/ro/f", fs.RuleReadOnly},
		{"touch read-only itself", func() int { return g.touch(ro, ".") }, rofs, "set times", "/ro/.", fs.RuleReadOnly},
		{"touch an open file", func() int { return g.call("fd_filestat_set_times", file, 1, 1, 5) }, rofs, "set times", "/ro/f", fs.RuleReadOnly},
		{"touch an open directory", func() int { return g.call("fd_filestat_set_times", deep, 1, 1, 5) }, rofs, "set times", "/ro/d/./e", fs.RuleReadOnly},

		{"create where mounts begin", func() int { return g.openAt(3, "made/new", creat, fileWrite) }, rofs, "open", "/made/new", fs.RuleMountsOnly},
		{"mkdir where mounts begin", func() int { return g.on("path_create_directory", 3, "made/new") }, rofs, "mkdir", "/made/new", fs.RuleMountsOnly},
		{"move to where mounts begin", func() int { return g.rename("f", "made/f") }, rofs, "rename", "/made/f", fs.RuleMountsOnly},
		{"remove a mount point", func() int { return g.on("path_remove_directory", 3, "made/up") }, busy, "rmdir", "/made/up", fs.RuleMountPoint},
		{"rename a mount point", func() int { return g.rename("ro", "rw") }, busy, "rename", "/ro", fs.RuleMountPoint},
		{"replace a mount point", func() int { return g.rename("d", "./ro") }, busy, "rename", "/./ro", fs.RuleMountPoint},

		{"through a link outside", func() int { return g.stat(3, "d/out/x") }, perm, "stat", "/d/out/x", fs.RuleLinkOutside},
		{"by a link outside", func() int { return g.openAt(3, "ro/d/out", 0, fileRead) }, perm, "open", "/ro/d/out", fs.RuleLinkOutside},
		{"by an absolute link", func() int { return g.openAt(d, "abs", 0, fileRead) }, perm, "open", "/ro/d/abs", fs.RuleAbsoluteLinkOutside},
		{"out of a directory", func() int { return g.stat(d, "../f") }, perm, "stat", "/ro/d/../f", fs.RuleAbove},
		{"by an absolute path", func() int { return g.stat(d, "/f") }, perm, "stat", "/f", fs.RuleAbsolutePath},
		{"make an absolute link", func() int { return g.symlink("/f", 3, "s") }, perm, "symlink", "/s", fs.RuleAbsoluteLink},
		{"open a FIFO", func() int { return g.openAt(3, "fifo", 0, fileRead) }, acces, "open", "/fifo", fs.RuleSpecialFile},
		{"write a FIFO", func() int { return g.openAt(3, "fifo", 0, fileWrite) }, acces, "open", "/fifo", fs.RuleSpecialFile},

		// What POSIX answers is no refusal.
		{"absent", func() int { return g.openAt(3, "absent", 0, fileRead) }, noent, "", "", ""},
		{"absent, read-only", func() int { return g.openAt(ro, "absent", 0, fileRead) }, noent, "", "", ""},
		{"absent below absent", func() int { return g.on("path_create_directory", ro, "no/x") }, noent, "", "", ""},
		{"unlink absent, read-only", func() int { return g.on("path_unlink_file", ro, "no") }, noent, "", "", ""},
		{"rename absent, read-only", func() int { return g.rename("ro/no", "ro/x") }, noent, "", "", ""},
		{"mkdir over what is there", func() int { return g.on("path_create_directory", ro, "d") }, exist, "", "", ""},
		{"from mount to mount", func() int { return g.rename("ro/f", "f2") }, xdev, "", "", ""},
		{"link from mount to mount", func() int { return g.link("f", "ro/f2") }, xdev, "", "", ""},
		{"a file as a directory", func() int { return g.stat(3, "f/x") }, notdir, "", "", ""},
		{"look at a FIFO", func() int { return g.stat(3, "fifo") }, success, "", "", ""},
		{"the root's parent", func() int { return g.stat(3, "../../f") }, success, "", "", ""},
		{"write to a directory", func() int { return g.call("fd_write", ro, 0, 0, 600) }, 8, "", "", ""},
		{"unlink a directory", func() int { return g.on("path_unlink_file", 3, "ro") }, isdir, "", "", ""},
		{"rmdir .", func() int { return g.on("path_remove_directory", ro, ".") }, inval, "", "", ""},
	} {
		assert.Equal(t, c.errno, c.call(), c.name)
		denials := seen.take()
		if c.op == "" {
			assert.Empty(t, denials, c.name)
			continue
		}
		if !assert.Len(t, denials, 1, c.name) {
			continue
		}
		got := denials[0]
		assert.Equal(t, c.op, got.Op, c.name)
		assert.Equal(t, c.path, got.Path, c.name)
		assert.Equal(t, c.rule, got.Rule, c.name)
		assert.NotEmpty(t, got.Fix, c.name)
		_, errno := errors.AsType[syscall.Errno](got)
		assert.True(t, errno, c.name)
	}
}

func TestKernelFilesystemsAreRefusedAndToldOf(t *testing.T) {
	t.Parallel()
	host, err := fs.New("/")
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Close() })
	var seen told
	g := newProxy(t, kernel.Config{Root: host, Denied: seen.denied})
	assert.Equal(t, 2, g.openAt(3, "proc/self/environ", 0, fileRead))
	assert.Equal(t, 2, g.openAt(3, "sys", 2, everyRight))
	denials := seen.take()
	require.Len(t, denials, 2)
	assert.Equal(t, "/proc/self/environ", denials[0].Path)
	assert.Equal(t, "/sys", denials[1].Path)
	assert.Equal(t, fs.RuleKernelFiles, denials[0].Rule)
}

func TestAGuestGetsTheErrnoOfEachLimit(t *testing.T) {
	t.Parallel()
	const dquot, fbig, mfile, nametoolong, creat = 19, 22, 33, 37, 1
	var seen told
	f := tree(t, map[string]string{"d/e/f": "", "f": ""})
	g := newProxy(t, kernel.Config{Root: f, Denied: seen.denied, Account: kernel.NewAccount(kernel.Limits{
		Descriptors: 6, Written: 20, Created: 2, FileSize: 16, Depth: 1, PathLength: 10,
	})})
	require.Equal(t, success, g.openAt(3, "f", 0, fileWrite|1<<2|1<<8|1<<22))
	fd := uint64(g.u32(512))
	vec, n := g.iovs(700, 0, 4, 0, 100)
	g.ok("fd_write", fd, vec, n, 600)
	assert.EqualValues(t, 16, g.u32(600), "up to the size")
	g.ok("fd_pwrite", fd, vec, n, 0, 600)
	assert.EqualValues(t, 4, g.u32(600), "up to what may be written")
	for _, c := range []struct {
		errno int
		call  func() int
		op    string
		path  string
	}{
		{fbig, func() int { return g.call("fd_write", fd, vec, n, 600) }, "write", "/f"},
		{dquot, func() int { return g.call("fd_pwrite", fd, vec, n, 0, 600) }, "write", "/f"},
		{fbig, func() int { return g.call("fd_filestat_set_size", fd, 17) }, "truncate", "/f"},
		{nametoolong, func() int { return g.stat(3, "01234567890") }, "stat", "/01234567890"},
		{nametoolong, func() int { return g.stat(3, "d/e/f") }, "stat", "/d/e/f"},
		{nametoolong, func() int { return g.on("path_create_directory", 3, "d/x") }, "mkdir", "/d/x"},
		{success, func() int { return g.symlink("f", 3, "s") }, "", ""},
		{success, func() int { return g.openAt(3, "new", creat, fileRead) }, "", ""},
		{mfile, func() int { return g.openAt(3, "f", 0, fileRead) }, "open", "/f"},
		{dquot, func() int { return g.link("f", "hard") }, "link", "/hard"},
		{success, func() int { return g.call("fd_close", fd) }, "", ""},
		{dquot, func() int { return g.openAt(3, "new2", creat, fileRead) }, "open", "/new2"},
	} {
		assert.Equal(t, c.errno, c.call(), "%s %s", c.op, c.path)
		denials := seen.take()
		if c.op == "" {
			assert.Empty(t, denials)
			continue
		}
		if assert.Len(t, denials, 1, "%s %s", c.op, c.path) {
			assert.Equal(t, c.op, denials[0].Op)
			assert.Equal(t, c.path, denials[0].Path)
			assert.Equal(t, fs.RuleLimit, denials[0].Rule)
		}
	}
}

func TestAnOutwardSymlinkIsMadeAndTold(t *testing.T) {
	t.Parallel()
	var seen told
	g := newProxy(t, kernel.Config{Root: tree(t, map[string]string{"d/f": ""}), Outward: seen.link})
	assert.Equal(t, success, g.symlink("../../x", 3, "d/l"))
	assert.Equal(t, []kernel.OutwardLink{{Path: "/d/l", Target: "../../x"}}, seen.outward)
}
