package wasi_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"golang.org/x/sys/unix"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// The attacks in this file are made by one hostile guest on every kind of
// filesystem, and on wazero's own WASI with WithDirMount: an attack that reached
// nothing there would prove nothing here.

// field is where an attack takes place: the guest sees inside, and nothing beside
// it.
type field struct{ inside, outside string }

const secret = "CANARY"

func newField(t testing.TB) field { return newFieldIn(t, scratch(t)) }

func newFieldIn(t testing.TB, top string) field {
	f := field{filepath.Join(top, "inside"), filepath.Join(top, "outside")}
	for _, dir := range []string{f.inside, f.outside, filepath.Join(f.outside, "dir"), filepath.Join(f.inside, "dir"), filepath.Join(f.inside, "empty")} {
		require.NoError(t, os.Mkdir(dir, 0o755))
	}
	for _, file := range []string{"canary", "victim", "dir/deep"} {
		require.NoError(t, os.WriteFile(filepath.Join(f.outside, file), []byte(secret), 0o644))
	}
	require.NoError(t, os.Symlink("canary", filepath.Join(f.outside, "pointer")))
	require.NoError(t, os.WriteFile(filepath.Join(f.inside, "file"), []byte("inside"), 0o644))
	return f
}

// state is all that can be seen of the outside.
func (f field) state(t testing.TB) string {
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(f.outside, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%s %s %d %s", path, info.Mode(), info.Size(), info.ModTime())
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&all, " %q", data)
		}
		all.WriteByte('\n')
		return nil
	}))
	return all.String()
}

// defences are what a guest can be given of a field.
var defences = map[string]func(t testing.TB, f field) *fs.Fs{
	"host": func(t testing.TB, f field) *fs.Fs { return hostOf(t, f.inside) },
	"sub": func(t testing.TB, f field) *fs.Fs {
		sub, err := hostOf(t, filepath.Dir(f.inside)).Sub("inside")
		require.NoError(t, err)
		return sub
	},
	"read-only": func(t testing.TB, f field) *fs.Fs { return hostOf(t, f.inside).ReadOnly() },
	"mounts": func(t testing.TB, f field) *fs.Fs {
		tree, err := fs.Mounts([]fs.Mount{
			{Target: "/", Fs: hostOf(t, f.inside)}, {Target: "/empty/other", Fs: fs.Memory()},
		})
		require.NoError(t, err)
		return tree
	},
	"overlay": func(t testing.TB, f field) *fs.Fs {
		layer, err := fs.Overlay(hostOf(t, f.inside))
		require.NoError(t, err)
		return layer.Fs
	},
	"io/fs": func(t testing.TB, f field) *fs.Fs {
		root, err := os.OpenRoot(f.inside)
		require.NoError(t, err)
		t.Cleanup(func() { root.Close() })
		return fs.FromFS(root.FS())
	},
}

func hostOf(t testing.TB, dir string) *fs.Fs {
	f, err := fs.New(dir)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// raider is the hostile guest.
type raider struct{ *proxy }

// newPeer is the guest on wazero's own WASI.
func newPeer(t testing.TB, dir string) raider {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	t.Cleanup(func() { r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, guest(t, "proxy.wasm"),
		wazero.NewModuleConfig().WithFSConfig(wazero.NewFSConfig().WithDirMount(dir, "/")))
	require.NoError(t, err)
	return raider{&proxy{t: t, mod: mod, ctx: ctx}}
}

// attack is one way out. It reports whether the guest learnt something of the
// outside; what it changed there is found out afterwards.
type attack struct {
	name    string
	arrange func(t testing.TB, f field)
	try     func(g raider, f field) bool
	// held says that wazero's WithDirMount withstands this one as well.
	held bool
}

const (
	oCreate, oDirectory, oExclusive, oTruncate = 1, 2, 4, 8
	readRights                                 = 1<<1 | 1<<2 | 1<<14 | 1<<21
	writeRights                                = readRights | 1<<6
)

// enter opens a path and returns the descriptor, or false.
func (g raider) enter(path string, oflags, rights uint64) (uint64, bool) {
	ptr, n := g.put(4096, path)
	ok := g.call("path_open", 3, 1, ptr, n, oflags, rights, rights, 0, 512) == 0
	return uint64(g.u32(512)), ok
}

// reads reports whether path leads to a canary.
func (g raider) reads(path string) bool {
	return bytes.Contains(g.content(path), []byte(secret))
}

// content is what path leads to, nil if it cannot be read.
func (g raider) content(path string) []byte {
	fd, ok := g.enter(path, 0, readRights)
	if !ok {
		return nil
	}
	defer g.call("fd_close", fd)
	iovs, count := g.iovs(1024, 65536, 4096)
	if g.call("fd_read", fd, iovs, count, 512) != 0 {
		return nil
	}
	return g.bytes(65536, g.u32(512))
}

// lists reports whether path leads to a directory with a canary in it.
func (g raider) lists(path string) bool {
	fd, ok := g.enter(path, oDirectory, readRights)
	if !ok {
		return false
	}
	defer g.call("fd_close", fd)
	if g.call("fd_readdir", fd, 65536, 4096, 0, 512) != 0 {
		return false
	}
	return bytes.Contains(g.bytes(65536, g.u32(512)), []byte("canary"))
}

// stats reports whether path leads to a canary's size.
func (g raider) stats(path string) bool {
	ptr, n := g.put(4096, path)
	return g.call("path_filestat_get", 3, 1, ptr, n, 512) == 0 && g.u64(512+32) == uint64(len(secret))
}

// path makes a call with one path.
func (g raider) path(name string, path string) {
	ptr, n := g.put(4096, path)
	g.call(name, 3, ptr, n)
}

func (g raider) symlink(target, path string) {
	t, tn := g.put(4096, target)
	p, pn := g.put(16384, path)
	g.call("path_symlink", t, tn, 3, p, pn)
}

func (g raider) rename(from, to string) {
	a, an := g.put(4096, from)
	b, bn := g.put(16384, to)
	g.call("path_rename", 3, a, an, 3, b, bn)
}

func (g raider) link(from, to string) {
	a, an := g.put(4096, from)
	b, bn := g.put(16384, to)
	g.call("path_link", 3, 1, a, an, 3, b, bn)
}

func (g raider) overwrite(path string, oflags uint64) {
	if fd, ok := g.enter(path, oflags, writeRights); ok {
		g.put(65536, "overwritten")
		iovs, count := g.iovs(1024, 65536, 11)
		g.call("fd_write", fd, iovs, count, 512)
		g.call("fd_close", fd)
	}
}

// through are the operations that an attack makes by way of a directory that
// leads outside.
var through = map[string]func(g raider, dir string) bool{
	"read":     func(g raider, dir string) bool { return g.reads(dir + "/canary") },
	"list":     func(g raider, dir string) bool { return g.lists(dir) || g.lists(dir+"/") || g.lists(dir+"/.") },
	"stat":     func(g raider, dir string) bool { return g.stats(dir + "/canary") },
	"go deep":  func(g raider, dir string) bool { return g.reads(dir + "/dir/deep") },
	"write":    func(g raider, dir string) bool { g.overwrite(dir+"/victim", 0); return false },
	"truncate": func(g raider, dir string) bool { g.overwrite(dir+"/victim", oTruncate); return false },
	"create":   func(g raider, dir string) bool { g.overwrite(dir+"/new", oCreate|oExclusive); return false },
	"mkdir":    func(g raider, dir string) bool { g.path("path_create_directory", dir+"/new"); return false },
	"unlink":   func(g raider, dir string) bool { g.path("path_unlink_file", dir+"/victim"); return false },
	"plant":    func(g raider, dir string) bool { g.rename("file", dir+"/planted"); return false },
	"steal": func(g raider, dir string) bool {
		g.rename(dir+"/victim", "stolen")
		return g.reads("stolen")
	},
	"link": func(g raider, dir string) bool {
		g.link(dir+"/canary", "linked")
		return g.reads("linked")
	},
	"symlink": func(g raider, dir string) bool { g.symlink("x", dir+"/new"); return false },
	"touch": func(g raider, dir string) bool {
		ptr, n := g.put(4096, dir+"/victim")
		g.call("path_filestat_set_times", 3, 1, ptr, n, 0, 0, 4)
		return false
	},
	"readlink": func(g raider, dir string) bool {
		ptr, n := g.put(4096, dir+"/pointer")
		return g.call("path_readlink", 3, ptr, n, 65536, 100, 512) == 0 &&
			string(g.bytes(65536, g.u32(512))) == "canary"
	},
}

// ways are directories that lead outside.
var ways = []struct {
	name    string
	path    string
	arrange func(t testing.TB, f field)
	prepare func(g raider)
	held    bool
}{
	{name: "..", path: "../outside", held: true},
	{name: "dir/../..", path: "dir/../../outside", held: true},
	{name: "./.././", path: "./.././outside", held: true},
	{name: "..//..", path: "dir//..//../outside", held: true},
	{name: "/..", path: "/../outside", held: true},
	{name: "a symlink", path: "way", arrange: native("../outside", "way")},
	{name: "a symlink to the parent", path: "way/outside", arrange: native("..", "way")},
	{name: "an absolute symlink", path: "way", arrange: func(t testing.TB, f field) {
		require.NoError(t, os.Symlink(f.outside, filepath.Join(f.inside, "way")))
	}},
	{name: "a chain of symlinks", path: "way", arrange: func(t testing.TB, f field) {
		native("a", "way")(t, f)
		native("dir/b", "a")(t, f)
		native("../../outside", "dir/b")(t, f)
	}},
	{name: "a symlink below a symlink", path: "way/up/outside", arrange: func(t testing.TB, f field) {
		native("dir", "way")(t, f)
		native("../..", "dir/up")(t, f)
	}},
	{name: "a symlink of the guest's", path: "way", prepare: func(g raider) { g.symlink("../outside", "way") }},
	{name: "a symlink that the guest moved up", path: "way", prepare: func(g raider) {
		g.symlink("../outside", "dir/way")
		g.rename("dir/way", "way")
	}},
	{name: "an absolute symlink of the guest's", path: "way/../outside", prepare: func(g raider) {
		g.symlink("/etc/..", "way")
	}, held: true},
}

// native makes a symlink in the field beforehand.
func native(target, path string) func(testing.TB, field) {
	return func(t testing.TB, f field) { require.NoError(t, os.Symlink(target, filepath.Join(f.inside, path))) }
}

// attacks are all of them.
func attacks() []attack {
	var all []attack
	for _, w := range ways {
		names := make([]string, 0, len(through))
		for name := range through {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			all = append(all, attack{
				name: w.name + ": " + name, arrange: w.arrange, held: w.held,
				try: func(g raider, _ field) bool {
					if w.prepare != nil {
						w.prepare(g)
					}
					return through[name](g, w.path)
				},
			})
		}
	}
	return append(all,
		attack{name: "a symlink to a file: read", arrange: native("../outside/canary", "way"),
			try: func(g raider, _ field) bool { return g.reads("way") }},
		attack{name: "a symlink to a file: write", arrange: native("../outside/victim", "way"),
			try: func(g raider, _ field) bool { g.overwrite("way", oTruncate); return false }},
		attack{name: "a dangling symlink: create", arrange: native("../outside/new", "way"),
			try: func(g raider, _ field) bool { g.overwrite("way", oCreate); return false }},
		attack{name: "a symlink: mkdir over it", arrange: native("../outside/new", "way"), held: true,
			try: func(g raider, _ field) bool { g.path("path_create_directory", "way/"); return false }},
		attack{name: "an absolute path", held: true,
			try: func(g raider, f field) bool { return g.reads(f.outside + "/canary") }},
		attack{name: "a directory that was moved: ..", held: true, try: func(g raider, _ field) bool {
			fd, ok := g.enter("dir", oDirectory, 1<<28-1&^(1<<6))
			if !ok {
				return false
			}
			g.rename("dir", "empty/dir")
			ptr, n := g.put(4096, "../../../outside/canary")
			return g.call("path_open", fd, 1, ptr, n, 0, readRights, 0, 0, 512) == 0
		}},
		attack{name: "a renumbered descriptor: ..", held: true, try: func(g raider, _ field) bool {
			fd, ok := g.enter("dir", oDirectory, 1<<28-1&^(1<<6))
			if !ok {
				return false
			}
			g.call("fd_renumber", fd, 3)
			return g.reads("../../outside/canary") || g.reads("../outside/canary")
		}},
		attack{name: "NUL in a path", held: true,
			try: func(g raider, _ field) bool {
				return g.reads("../outside/canary\x00") || g.reads("file\x00/../../outside/canary")
			}},
		attack{name: "not UTF-8 in a path", held: true,
			try: func(g raider, _ field) bool { return g.reads("\xff/../../outside/canary") }},
		attack{name: "the inode of ..", held: true, try: func(g raider, f field) bool {
			var st syscall.Stat_t
			require.NoError(g.t, syscall.Stat(filepath.Dir(f.inside), &st))
			if g.call("fd_readdir", 3, 65536, 4096, 0, 512) != 0 {
				return false
			}
			return bytes.Contains(g.bytes(65536, g.u32(512)), le.AppendUint64(nil, st.Ino))
		}},
	)
}

func TestNoAttackLeadsOut(t *testing.T) {
	t.Parallel()
	for name, defend := range defences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			for _, a := range attacks() {
				f := newField(t)
				if a.arrange != nil {
					a.arrange(t, f)
				}
				before := f.state(t)
				g := raider{newProxyIn(t, h, t.Context(), kernel.Config{Root: defend(t, f)})}
				assert.False(t, a.try(g, f), "%s: the guest saw the outside", a.name)
				assert.Equal(t, before, f.state(t), "%s: the guest changed the outside", a.name)
			}
		})
	}
}

// TestTheAttacksAreReal keeps the table honest in both directions.
func TestTheAttacksAreReal(t *testing.T) {
	t.Parallel()
	for _, a := range attacks() {
		f := newField(t)
		if a.arrange != nil {
			a.arrange(t, f)
		}
		before := f.state(t)
		escaped := a.try(newPeer(t, f.inside), f) || f.state(t) != before
		t.Logf("| %s | holds | %s |", a.name, map[bool]string{true: "**escapes**", false: "holds"}[escaped])
		assert.Equal(t, a.held, !escaped, a.name)
	}
}

// TestASwapDuringTheWalkLeadsNowhere has an attacker trade a directory for a
// symlink that leads out, as fast as it can, under a guest that uses it: once a
// native one, once a second guest.
func TestASwapDuringTheWalkLeadsNowhere(t *testing.T) {
	t.Parallel()
	tries := 5_000
	if testing.Short() {
		tries = 2_000
	}
	if n := os.Getenv("CLOCHE_ATTACK_TRIES"); n != "" {
		_, err := fmt.Sscan(n, &tries)
		require.NoError(t, err)
	}
	for name, defend := range defences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newField(t)
			root := defend(t, f)
			g := raider{newProxy(t, kernel.Config{Root: root})}
			f.setTrap(t)
			before := f.state(t)
			race := raceFor(g, tries, nativeSwap(t, f))
			t.Logf("against a native attacker: %v", race)
			assert.Zero(t, race.escapes)
			assert.NotZero(t, race.reads, "the guest never got in: there was no race")
			if name != "read-only" && name != "io/fs" {
				second := raider{newProxy(t, kernel.Config{Root: root})}
				race = raceFor(g, tries, second.swap)
				t.Logf("against a second guest: %v", race)
				assert.Zero(t, race.escapes)
			}
			assert.Equal(t, before, f.state(t))
		})
	}
	t.Run("wazero's mount loses this race", func(t *testing.T) {
		f := newField(t)
		f.setTrap(t)
		race := raceFor(newPeer(t, f.inside), tries, nativeSwap(t, f))
		t.Logf("against a native attacker: %v", race)
		assert.NotZero(t, race.escapes)
	})
}

// setTrap puts a directory and a symlink that leads out beside each other.
func (f field) setTrap(t *testing.T) {
	swap := filepath.Join(f.inside, "swap")
	require.NoError(t, os.Mkdir(swap, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(swap, "canary"), []byte("harmless"), 0o644))
	require.NoError(t, os.Symlink("../outside", filepath.Join(f.inside, "lure")))
}

// nativeSwap exchanges the two in one system call.
func nativeSwap(t *testing.T, f field) func() {
	swap, lure := filepath.Join(f.inside, "swap"), filepath.Join(f.inside, "lure")
	return func() {
		assert.NoError(t, unix.Renameat2(unix.AT_FDCWD, swap, unix.AT_FDCWD, lure, unix.RENAME_EXCHANGE))
	}
}

// swap does so with what a guest has.
func (g raider) swap() {
	g.rename("swap", "spare")
	g.rename("lure", "swap")
	g.rename("spare", "lure")
}

// race is how often a guest tried to read by a path that was swapped, how often it
// read something, and how often that was the canary.
type race struct{ tries, reads, escapes int }

func (r race) String() string {
	return fmt.Sprintf("%d tries, %d reads, %d of them outside", r.tries, r.reads, r.escapes)
}

// raceFor goes on swapping while g goes in.
func raceFor(g raider, tries int, swap func()) race {
	r := race{tries: tries}
	done := make(chan struct{})
	var attacker sync.WaitGroup
	attacker.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				swap()
			}
		}
	})
	for range tries {
		if text := g.content("swap/canary"); len(text) > 0 {
			r.reads++
			if bytes.Contains(text, []byte(secret)) {
				r.escapes++
			}
		}
		g.path("path_create_directory", "swap/made")
		g.path("path_remove_directory", "swap/made")
	}
	close(done)
	attacker.Wait()
	return r
}

// TestNoDeviceOpens takes the host's own, which are all in one place.
func TestNoDeviceOpens(t *testing.T) {
	t.Parallel()
	g := raider{newProxy(t, kernel.Config{Root: hostOf(t, "/dev")})}
	for _, device := range []string{"null", "zero", "full", "random", "tty", "ptmx"} {
		for _, rights := range []uint64{readRights, writeRights, 1 << 6} {
			_, opened := g.enter(device, 0, rights)
			assert.False(t, opened, device)
		}
	}
	_, opened := newPeer(t, "/dev").enter("zero", 0, readRights)
	assert.True(t, opened, "the attack is real")
}

// TestAFIFOBlocksNobody is not tried on wazero's mount, which waits for ever.
func TestAFIFOBlocksNobody(t *testing.T) {
	t.Parallel()
	for name, defend := range defences {
		f := newField(t)
		require.NoError(t, syscall.Mkfifo(filepath.Join(f.inside, "fifo"), 0o666))
		g := raider{newProxy(t, kernel.Config{Root: defend(t, f)})}
		for _, rights := range []uint64{readRights, writeRights, 1 << 6} {
			_, opened := g.enter("fifo", 0, rights)
			assert.False(t, opened, name)
		}
	}
}

func TestProcIsNoFilesystemForAGuest(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"/proc", "/proc/self", "/sys"} {
		_, err := fs.New(dir)
		var denied *fs.DeniedError
		assert.ErrorAs(t, err, &denied, dir)
	}
	g := newPeer(t, "/proc")
	fd, ok := g.enter("self/environ", 0, readRights)
	require.True(t, ok, "the attack is real: wazero's mount gives the host's environment away")
	g.call("fd_close", fd)
}
