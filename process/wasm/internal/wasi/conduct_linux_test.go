package wasi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	iofs "io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// conduct is what one function must answer: to a call that is right, to that call
// made wrong in one point after the other, and to the calls in rows.
type conduct struct {
	fn       string
	call     []any
	answer   int // to call
	pointers []pointer
	fds      []descriptors
	rights   []right
	flags    []flagBits
	rows     []row
}

// pointer is a parameter that points to size bytes, or to size bytes for each of
// what parameter count counts.
type pointer struct{ param, size, count int }

func to(param, size int) pointer            { return pointer{param, size, -1} }
func toEach(param, size, count int) pointer { return pointer{param, size, count} }
func text(param int) pointer                { return pointer{param, 1, param + 1} }
func (p pointer) bytes(args []uint64) uint64 {
	if p.count < 0 {
		return uint64(p.size)
	}
	return uint64(p.size) * args[p.count]
}

// descriptors is what the call answers with each kind of descriptor in param.
type descriptors struct{ param, none, stdin, stdout, file, dir int }

// right is one that the descriptor in param must have, and the answer without it.
type right struct {
	param  int
	right  kernel.Rights
	answer int
}

// flagBits says that param has no meaning from the value first on.
type flagBits struct {
	param int
	first uint64
}

// row is a call of its own.
type row struct {
	name   string
	setup  func(*world)
	args   []any
	want   int
	effect func(*world)
}

// Descriptors of a world.
const (
	fdStdin  = 0
	fdStdout = 1
	fdRoot   = 3
	fdMount  = 4 // the preopen /d
	fdFile   = 5 // f, with every right
	fdDir    = 6 // d, opened by the guest, with every right
	fdNone   = 99
)

// Rights that a guest can ask for.
const (
	allRights  = 1<<28 - 1
	dirRights  = allRights &^ int(kernel.RightWrite) // with it, a directory is EISDIR
	justToRead = int(kernel.RightRead | kernel.RightSeek | kernel.RightTell | kernel.RightFilestatGet | kernel.RightFilestatSetSize)
)

// Places in the proxy's memory.
const (
	res       = 512   // results
	res2      = 528   // a second one
	inputs    = 1024  // strings and arrays, one behind the other
	buffers   = 65536 // what iovecs and buffers point to
	canary    = "canary: this is outside"
	outsider  = "secret"
	filler    = "abcdefghijklmnopqrstuvwxyz"
	edge      = memorySize
	noPointer = math.MaxUint32
)

// world is a guest that can be asked anything, and the tree that it sees.
type world struct {
	*proxy
	root   string // on the host
	stop   func()
	stdout bytes.Buffer
	next   uint32
	buffer uint32
}

// newWorld makes the tree that every case begins with. Beside its root lies a
// canary.
func newWorld(t testing.TB, h *host) *world {
	w := &world{root: filepath.Join(scratch(t), "root")}
	plant(t, w.root)
	root, err := fs.New(w.root)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	w.proxy = newProxyIn(t, h, ctx, kernel.Config{
		Args:     []string{"prog", "a"},
		Env:      []string{"K=V"},
		Root:     root,
		Preopens: []string{"/d"},
		Stdin:    io.NopCloser(strings.NewReader("input")),
		Stdout:   &w.stdout,
	})
	t.Cleanup(func() {
		w.mod.Close(context.Background())
		stop()
	})
	w.reset()
	require.EqualValues(t, fdFile, w.openAs("f", allRights))
	require.EqualValues(t, fdDir, w.openAs("d", dirRights))
	w.reset()
	return w
}

// scratch is a directory in memory where the system has such, because there are
// thousands of trees, and else on disk.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "cloche-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// plant makes the files of a world under root.
func plant(t testing.TB, root string) {
	for _, dir := range []string{"d/sub", "empty"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for name, content := range map[string]string{"f": "0123456789", "g": "other", "d/x": "x", "../" + outsider: canary} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o644))
	}
	for name, target := range map[string]string{
		"lf": "f", "ld": "d", "dangling": "nowhere", "loop": "loop", "up": "../" + outsider,
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
}

// reset forgets the inputs of earlier calls, and fills the buffers with letters.
func (w *world) reset() {
	w.next = inputs
	w.buffer = buffers
	fill := strings.Repeat(filler, (memorySize-buffers)/len(filler)+1)
	w.mod.Memory().Write(buffers, []byte(fill)[:memorySize-buffers])
}

// iov are the lengths of an iovec array; it stands for two parameters.
type iov []uint32

// area is a buffer of so many bytes; it stands for two parameters.
type area uint32

// lower puts a call's arguments into memory. A string is two parameters.
func (w *world) lower(args []any) (low []uint64) {
	for _, a := range args {
		switch a := a.(type) {
		case int:
			low = append(low, uint64(a))
		case uint64:
			low = append(low, a)
		case kernel.Rights:
			low = append(low, uint64(a))
		case string:
			ptr, n := w.put(w.next, a)
			w.next += uint32(len(a))
			low = append(low, ptr, n)
		case area:
			low = append(low, uint64(w.buffer), uint64(a))
			w.buffer += uint32(a)
		case iov:
			var pairs []uint32
			for _, n := range a {
				pairs = append(pairs, w.buffer, n)
				w.buffer += n
			}
			ptr, n := w.iovs(w.next, pairs...)
			w.next += uint32(4 * len(pairs))
			low = append(low, ptr, n)
		case []byte: // a record in memory
			ptr, _ := w.put(w.next, string(a))
			w.next += uint32(len(a))
			low = append(low, ptr)
		default:
			w.t.Fatalf("no way to pass %T", a)
		}
	}
	return low
}

// do calls a function.
func (w *world) do(fn string, args ...any) int {
	w.t.Helper()
	return w.call(fn, w.lower(args)...)
}

// must calls a function that must succeed.
func (w *world) must(fn string, args ...any) {
	w.t.Helper()
	require.Equal(w.t, success, w.do(fn, args...), "%s%v", fn, args)
}

// openAs opens a path from the root with these rights.
func (w *world) openAs(path string, rights int) int {
	w.t.Helper()
	w.must("path_open", fdRoot, 0, path, 0, rights, rights, 0, res)
	return int(w.u32(res))
}

// host is where a path of the guest's is on the host.
func (w *world) host(path string) string { return filepath.Join(w.root, path) }

// content is what is in a file of the guest's.
func (w *world) content(path string) string {
	w.t.Helper()
	f, err := os.Open(w.host(path))
	require.NoError(w.t, err)
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, memorySize)) // it may be sparse
	require.NoError(w.t, err)
	return string(b)
}

// moved is the number that a call answered with.
func (w *world) moved() uint32 { return w.u32(res) }

// buf is what is at the beginning of the buffers.
func (w *world) buf(n uint32) string { return string(w.bytes(buffers, n)) }

// without takes a right from a descriptor.
func (w *world) without(fd uint64, r kernel.Rights) {
	w.t.Helper()
	w.must("fd_fdstat_get", fd, res)
	base, inheriting := w.u64(res+8), w.u64(res+16)
	require.NotZero(w.t, base&uint64(r), "the right is there to be taken")
	w.must("fd_fdstat_set_rights", fd, base&^uint64(r), inheriting)
}

// keeping takes every right from a descriptor but these.
func (w *world) keeping(fd uint64, r kernel.Rights) {
	w.t.Helper()
	w.must("fd_fdstat_get", fd, res)
	w.must("fd_fdstat_set_rights", fd, uint64(r), w.u64(res+16))
}

// unharmed checks that the canary is as it was, and that the guest has not read it.
func (w *world) unharmed() {
	w.t.Helper()
	got, err := os.ReadFile(filepath.Join(w.root, "..", outsider))
	require.NoError(w.t, err)
	assert.Equal(w.t, canary, string(got))
	assert.False(w.t, bytes.Contains(w.bytes(0, memorySize), []byte(canary)), "the guest has read what is outside")
}

// TestConduct goes through the tables, which name all functions.
func TestConduct(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	var all []string
	for _, c := range slices.Concat(environmentConduct(), fdConduct(), pathConduct(), pollConduct(), otherConduct()) {
		all = append(all, c.fn)
		t.Run(c.fn, func(t *testing.T) {
			t.Parallel()
			c.check(t, h)
		})
	}
	slices.Sort(all)
	assert.Equal(t, exported(newProxyIn(t, h, t.Context(), kernel.Config{}).mod), all)
}

func (c *conduct) check(t *testing.T, h *host) {
	worlds := &worlds{t: t, h: h}
	if c.call != nil {
		w := worlds.take()
		assert.Equal(t, c.answer, w.do(c.fn, c.call...), "the call that is right")
		w.unharmed()
	}
	c.checkPointers(t, worlds)
	c.checkDescriptors(t, worlds)
	c.checkRights(t, worlds)
	c.checkFlags(t, worlds)
	for _, r := range c.rows {
		t.Run(r.name, func(t *testing.T) {
			w := worlds.take()
			w.t = t
			if r.setup != nil {
				r.setup(w)
				w.reset()
			}
			errno := w.do(c.fn, r.args...)
			assert.Equal(t, r.want, errno)
			if r.effect != nil {
				r.effect(w)
			}
			w.unharmed()
			if r.setup == nil {
				worlds.give(w, errno)
			}
		})
	}
}

// worlds hands out worlds, the same again after a call that failed: that changes
// nothing, as every table checks.
type worlds struct {
	t    *testing.T
	h    *host
	same *world
}

func (s *worlds) take() *world {
	w := s.same
	s.same = nil
	if w == nil {
		return newWorld(s.t, s.h)
	}
	w.t = s.t
	w.reset()
	return w
}

func (s *worlds) give(w *world, errno int) {
	if errno != success {
		s.same = w
	}
}

// changed answers what the call does with one parameter changed.
func (c *conduct) changed(worlds *worlds, param int, value uint64, before func(*world, []uint64)) int {
	w := worlds.take()
	args := w.lower(c.call)
	if before != nil {
		before(w, args)
	}
	args[param] = value
	errno := w.call(c.fn, args...)
	worlds.give(w, errno)
	return errno
}

// checkPointers moves what each pointer points to: to the end of memory, where it
// just fits, and beyond.
func (c *conduct) checkPointers(t *testing.T, worlds *worlds) {
	for _, p := range c.pointers {
		w := worlds.take()
		args := w.lower(c.call)
		worlds.same = w
		size := p.bytes(args)
		last := edge - size
		move := func(w *world, args []uint64) {
			old := slices.Clone(w.bytes(uint32(args[p.param]), uint32(size)))
			w.put(uint32(last), string(old))
		}
		assert.Equal(t, success, c.changed(worlds, p.param, last, move), "parameter %d just fits", p.param)
		for _, bad := range []uint64{last + 1, edge, math.MaxUint32 - size + 1, noPointer} {
			assert.Equal(t, fault, c.changed(worlds, p.param, bad, nil), "parameter %d is %#x", p.param, bad)
		}
	}
}

func (c *conduct) checkDescriptors(t *testing.T, worlds *worlds) {
	for _, d := range c.fds {
		for _, k := range []struct{ fd, want int }{
			{fdNone, d.none}, {math.MaxUint32, d.none}, {fdStdin, d.stdin}, {fdStdout, d.stdout}, {fdFile, d.file}, {fdDir, d.dir},
		} {
			assert.Equal(t, k.want, c.changed(worlds, d.param, uint64(k.fd), nil), "descriptor %d as parameter %d", k.fd, d.param)
		}
	}
}

// checkRights takes each right from the descriptor, and then all the others.
func (c *conduct) checkRights(t *testing.T, worlds *worlds) {
	needed := map[uint64]kernel.Rights{}
	for _, r := range c.rights {
		w := worlds.take()
		args := w.lower(c.call)
		needed[args[r.param]] |= r.right
		w.without(args[r.param], r.right)
		assert.Equal(t, r.answer, w.call(c.fn, args...), "without right %#x", r.right)
	}
	if len(needed) > 0 {
		w := worlds.take()
		args := w.lower(c.call)
		for fd, rights := range needed {
			w.keeping(fd, rights)
		}
		assert.Equal(t, success, w.call(c.fn, args...), "with the needed rights alone")
	}
}

func (c *conduct) checkFlags(t *testing.T, worlds *worlds) {
	for _, f := range c.flags {
		for _, bad := range []uint64{f.first, f.first << 1, 1 << 15, 1 << 16, 1 << 31, math.MaxUint32} {
			if bad >= f.first {
				assert.Equal(t, inval, c.changed(worlds, f.param, bad, nil), "parameter %d is %#x", f.param, bad)
			}
		}
	}
}

// each makes a row per value.
func each[T any](values []T, make func(T) row) (rows []row) {
	for _, v := range values {
		r := make(v)
		r.name = fmt.Sprintf("%s %v", r.name, v)
		rows = append(rows, r)
	}
	return rows
}

// described is a tree in words.
func described(t testing.TB, root string) (all []string) {
	require.NoError(t, filepath.WalkDir(root, func(path string, e iofs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		line := fmt.Sprintf("%s %s links %d", strings.TrimPrefix(path, root), e.Type(), info.Sys().(*syscall.Stat_t).Nlink)
		switch e.Type() {
		case 0:
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			line += fmt.Sprintf(" %q", content)
		case iofs.ModeSymlink:
			target, err := os.Readlink(path)
			require.NoError(t, err)
			line += " -> " + target
		}
		all = append(all, line)
		return nil
	}))
	return all
}
