//go:build unix

package hermetic

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// world is all that a run may be given, before it is read.
type world struct {
	t       testing.TB
	dir     string
	module  []byte
	stdin   []byte
	run     Run
	targets []string
	overlay []bool
}

func newWorld(t *testing.T, rt *rapid.T) *world {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	require.NoError(rt, err)
	text := rapid.StringMatching("[a-z]{1,8}")
	bytes := rapid.SliceOfN(rapid.Byte(), 1, 40)
	w := &world{
		t: t, dir: dir, module: bytes.Draw(rt, "module"), stdin: bytes.Draw(rt, "stdin"),
		targets: []string{"/a", "/b"}, overlay: []bool{false, true},
		run: Run{
			Engine: "engine", Args: rapid.SliceOfN(text, 2, 4).Draw(rt, "args"),
			Env: []string{"A=" + text.Draw(rt, "A"), "B=" + text.Draw(rt, "B")},
			Dir: "/a/" + text.Draw(rt, "dir"), Seed: rapid.Uint64().Draw(rt, "seed"),
			Time:    time.Unix(rapid.Int64Range(0, 1<<33).Draw(rt, "time"), 5),
			Timeout: time.Duration(rapid.Int64Range(1, 1<<40).Draw(rt, "timeout")),
		},
	}
	w.run.Limits.Memory, w.run.Limits.Fuel, w.run.Limits.Written = 1<<20, 1<<30, 1<<10
	for _, m := range []string{"m0", "m1"} {
		require.NoError(rt, os.MkdirAll(filepath.Join(dir, m, "sub"), 0o755))
		require.NoError(rt, os.WriteFile(filepath.Join(dir, m, "sub", text.Draw(rt, "name")), bytes.Draw(rt, "content"), 0o600))
		require.NoError(rt, os.WriteFile(filepath.Join(dir, m, "FILE"), bytes.Draw(rt, "content"), 0o644))
		require.NoError(rt, os.Symlink(text.Draw(rt, "target"), filepath.Join(dir, m, "LINK")))
	}
	return w
}

// key reads the world anew.
func (w *world) key(rt *rapid.T) string {
	r := w.run
	r.Module, r.Stdin = reapi.Sum(w.module), reapi.Sum(w.stdin)
	for i, target := range w.targets {
		f, err := fs.New(filepath.Join(w.dir, "m"+string(rune('0'+i))))
		require.NoError(rt, err)
		m, err := ReadMount(f, target, w.overlay[i])
		require.NoError(rt, err)
		require.NoError(rt, f.Close())
		r.Mounts = append(r.Mounts, m)
	}
	key, err := r.Key()
	require.NoError(rt, err)
	return key
}

// flip returns s with another bit somewhere, and still as text of ASCII without slash.
func flip(rt *rapid.T, s string) string {
	b := []byte(s)
	i := rapid.IntRange(0, len(b)-1).Draw(rt, "byte")
	for bit := rapid.IntRange(0, 6).Draw(rt, "bit"); ; bit = (bit + 1) % 7 {
		if c := b[i] ^ 1<<bit; c > ' ' && c != '/' && c != 0x7f {
			b[i] = c
			return string(b)
		}
	}
}

func flipBit(rt *rapid.T, b []byte) []byte {
	b = slices.Clone(b)
	n := rapid.IntRange(0, 8*len(b)-1).Draw(rt, "bit")
	b[n/8] ^= 1 << (n % 8)
	return b
}

// mutations change one bit of one thing each.
var mutations = map[string]func(rt *rapid.T, w *world, mount string){
	"module":  func(rt *rapid.T, w *world, _ string) { w.module = flipBit(rt, w.module) },
	"stdin":   func(rt *rapid.T, w *world, _ string) { w.stdin = flipBit(rt, w.stdin) },
	"seed":    func(rt *rapid.T, w *world, _ string) { w.run.Seed ^= 1 << rapid.IntRange(0, 63).Draw(rt, "bit") },
	"engine":  func(rt *rapid.T, w *world, _ string) { w.run.Engine = flip(rt, w.run.Engine) },
	"dir":     func(rt *rapid.T, w *world, _ string) { w.run.Dir = "/a/" + flip(rt, w.run.Dir[3:]) },
	"timeout": func(rt *rapid.T, w *world, _ string) { w.run.Timeout ^= 1 << rapid.IntRange(0, 61).Draw(rt, "bit") },
	"time": func(rt *rapid.T, w *world, _ string) {
		w.run.Time = time.Unix(0, w.run.Time.UnixNano()^1<<rapid.IntRange(0, 60).Draw(rt, "bit"))
	},
	"argument": func(rt *rapid.T, w *world, _ string) {
		i := rapid.IntRange(0, len(w.run.Args)-1).Draw(rt, "argument")
		w.run.Args[i] = flip(rt, w.run.Args[i])
	},
	"variable": func(rt *rapid.T, w *world, _ string) {
		i := rapid.IntRange(0, 1).Draw(rt, "variable")
		w.run.Env[i] = flip(rt, w.run.Env[i])
	},
	"order of variables": func(_ *rapid.T, w *world, _ string) { slices.Reverse(w.run.Env) },
	"border of arguments": func(_ *rapid.T, w *world, _ string) {
		w.run.Args = append([]string{w.run.Args[0] + w.run.Args[1]}, w.run.Args[2:]...)
	},
	"limit": func(rt *rapid.T, w *world, _ string) {
		l := &w.run.Limits
		bit := int64(1) << rapid.IntRange(0, 61).Draw(rt, "bit")
		*rapid.SampledFrom([]*int64{&l.Memory, &l.Output, &l.Fuel, &l.Written, &l.Created, &l.FileSize}).Draw(rt, "limit") ^= bit
	},
	"small limit": func(rt *rapid.T, w *world, _ string) {
		l := &w.run.Limits
		*rapid.SampledFrom([]*int{&l.Processes, &l.Descriptors, &l.Depth, &l.PathLength}).Draw(rt, "limit") ^= 1 << rapid.IntRange(0, 30).Draw(rt, "bit")
	},
	"best effort": func(_ *rapid.T, w *world, _ string) { w.run.Limits.BestEffort = true },
	"mount's path": func(rt *rapid.T, w *world, _ string) {
		w.targets[0] = "/" + flip(rt, "a")
	},
	"mount's kind": func(rt *rapid.T, w *world, _ string) {
		i := rapid.IntRange(0, 1).Draw(rt, "mount")
		w.overlay[i] = !w.overlay[i]
	},
	"mounts' order": func(_ *rapid.T, w *world, _ string) { slices.Reverse(w.targets); slices.Reverse(w.overlay) },
	"content": func(rt *rapid.T, w *world, mount string) {
		file := filepath.Join(mount, "FILE")
		b, err := os.ReadFile(file)
		require.NoError(rt, err)
		require.NoError(rt, os.WriteFile(file, flipBit(rt, b), 0o644))
	},
	"mode": func(rt *rapid.T, w *world, mount string) {
		name := rapid.SampledFrom([]string{"FILE", "sub"}).Draw(rt, "entry")
		info, err := os.Stat(filepath.Join(mount, name))
		require.NoError(rt, err)
		// The owner must still read it, or nobody but root could.
		bit := rapid.SampledFrom([]os.FileMode{0o200, 0o040, 0o020, 0o010, 0o004, 0o002, 0o001}).Draw(rt, "mode")
		require.NoError(rt, os.Chmod(filepath.Join(mount, name), info.Mode().Perm()^bit))
	},
	"setuid": func(rt *rapid.T, w *world, mount string) {
		bit := rapid.SampledFrom([]os.FileMode{os.ModeSetuid, os.ModeSetgid}).Draw(rt, "mode")
		require.NoError(rt, os.Chmod(filepath.Join(mount, "FILE"), 0o644|bit))
	},
	"name": func(rt *rapid.T, w *world, mount string) {
		name := rapid.SampledFrom([]string{"FILE", "LINK", "sub"}).Draw(rt, "entry")
		require.NoError(rt, os.Rename(filepath.Join(mount, name), filepath.Join(mount, flip(rt, name))))
	},
	"target": func(rt *rapid.T, w *world, mount string) {
		link := filepath.Join(mount, "LINK")
		target, err := os.Readlink(link)
		require.NoError(rt, err)
		require.NoError(rt, os.Remove(link))
		require.NoError(rt, os.Symlink(flip(rt, target), link))
	},
	"twins": func(rt *rapid.T, w *world, mount string) {
		require.NoError(rt, os.WriteFile(filepath.Join(mount, "FILE2"), []byte("x"), 0o644))
		require.NoError(rt, os.WriteFile(filepath.Join(mount, "FILE3"), []byte("x"), 0o644))
		two := w.key(rt)
		require.NoError(rt, os.Remove(filepath.Join(mount, "FILE3")))
		require.NoError(rt, syscall.Link(filepath.Join(mount, "FILE2"), filepath.Join(mount, "FILE3")))
		require.NotEqual(rt, two, w.key(rt))
	},
}

// With -rapid.checks it can be run for long.
func TestAnyOtherBitOfAnInputMakesAnotherKey(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(mutations))
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt)
		before := w.key(rt)
		require.Equal(rt, before, w.key(rt))
		mount := filepath.Join(w.dir, rapid.SampledFrom([]string{"m0", "m1"}).Draw(rt, "mount"))
		mutations[rapid.SampledFrom(names).Draw(rt, "mutation")](rt, w, mount)
		require.NotEqual(rt, before, w.key(rt))
	})
}

// What a hermetic guest does not see does not count.
func TestTimesAndPlacesOfFilesMakeNoOtherKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt)
		before := w.key(rt)
		copied, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(rt, err)
		require.NoError(rt, os.CopyFS(filepath.Join(copied, "w"), os.DirFS(w.dir)))
		require.NoError(rt, os.Chtimes(filepath.Join(copied, "w", "m0", "FILE"), time.Unix(1, 0), time.Unix(1, 0)))
		for _, m := range []string{"m0", "m1"} { // CopyFS has modes of its own
			entries, err := os.ReadDir(filepath.Join(w.dir, m, "sub"))
			require.NoError(rt, err)
			require.NoError(rt, os.Chmod(filepath.Join(copied, "w", m, "sub", entries[0].Name()), 0o600))
			require.NoError(rt, os.Chmod(filepath.Join(copied, "w", m, "sub"), 0o755))
			require.NoError(rt, os.Chmod(filepath.Join(copied, "w", m, "FILE"), 0o644))
		}
		w.dir = filepath.Join(copied, "w")
		require.Equal(rt, before, w.key(rt))
	})
}
