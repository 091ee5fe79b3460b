package kernel

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// sight is all that a process can learn of a tree without reading files.
func sight(t *testing.T, p *Process, paths ...string) (seen []any) {
	t.Helper()
	d := openDir(t, p, root, ".")
	entries, err := p.ReadDir(d, 0)
	require.NoError(t, err)
	seen = append(seen, entries)
	for _, path := range paths {
		st, err := p.PathStat(root, path, true)
		require.NoError(t, err)
		seen = append(seen, st)
	}
	own, err := p.Stat(d)
	require.NoError(t, err)
	return append(seen, own)
}

type fixedClock struct{ hostClock }

func (fixedClock) Now() time.Time { return time.Unix(1e9, 0) }

func TestASteadyProcessSeesOfFilesOnlyWhatIsInThem(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "sub/c", "z"}
	var want []any
	for range 3 {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
		for _, i := range rand.Perm(len(names)) {
			file := filepath.Join(dir, names[i])
			require.NoError(t, os.WriteFile(file, []byte(names[i]), 0o644))
			when := time.Unix(rand.Int64N(1e9), 0)
			require.NoError(t, os.Chtimes(file, when, when))
		}
		require.NoError(t, os.Link(filepath.Join(dir, "a"), filepath.Join(t.TempDir(), "elsewhere")))
		base, err := fs.New(dir)
		require.NoError(t, err)
		layer, err := fs.Overlay(base)
		require.NoError(t, err)
		require.NoError(t, layer.Write("new", nil))
		p := start(t, Config{Root: layer.Fs, Clock: fixedClock{newHostClock()}, Steady: true})
		got := sight(t, p, append(names, "new", "sub")...)
		if want == nil {
			want = got
		}
		assert.Equal(t, want, got)
	}
	assert.Equal(t, fs.Stat{
		Mode: 0o644, Size: 1, Dev: 1, Ino: 2, Nlink: 1,
		Atime: time.Unix(1e9, 0), Mtime: time.Unix(1e9, 0), Ctime: time.Unix(1e9, 0),
	}, want[1])
}

func TestASteadyProcessStillTellsFilesApart(t *testing.T) {
	t.Parallel()
	f, dir := tree(t, map[string]string{"a": "same", "b": "same"})
	require.NoError(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "c")))
	p := start(t, Config{Root: f, Steady: true})
	ino := func(path string) uint64 {
		st, err := p.PathStat(root, path, false)
		require.NoError(t, err)
		return st.Ino
	}
	a, b := ino("a"), ino("b")
	assert.NotEqual(t, a, b)
	assert.Equal(t, a, ino("c"), "another name of a")
	require.NoError(t, p.Rename(root, "a", root, "moved"))
	assert.Equal(t, a, ino("moved"))

	entries, err := p.ReadDir(root, 0)
	require.NoError(t, err)
	for _, e := range entries[2:] {
		assert.Equal(t, ino(e.Name), e.Ino, e.Name)
	}
}

func TestASteadyProcessTellsNoMoreFilesApartThanIsAllowed(t *testing.T) {
	t.Parallel()
	s := newSteady(time.Now())
	for i := range uint64(maxNumbered) {
		_, err := s.number(fs.Stat{Dev: 1, Ino: i + 1})
		require.NoError(t, err)
	}
	_, err := s.stat(fs.Stat{Dev: 1, Ino: maxNumbered + 1})
	assert.Equal(t, syscall.ENOMEM, err)
	_, err = s.stat(fs.Stat{Dev: 1, Ino: maxNumbered})
	assert.NoError(t, err)
}

// slowly gives one byte at a time, a second apart.
type slowly struct{ left int }

func (s *slowly) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(time.Second)
	s.left--
	return copy(b, fmt.Sprint(s.left)), nil
}

func (*slowly) Close() error { return nil }

func TestASteadyProcessDoesNotSeeHowSoonItsInputComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := New(t.Context(), Config{Stdin: &slowly{3}, Steady: true})
		require.NoError(t, err)
		defer p.Close()
		events, err := p.Poll([]Subscription{{Kind: EventRead}, {Userdata: 1}}, nil)
		require.NoError(t, err)
		assert.Equal(t, []Event{{Kind: EventRead, Bytes: 3}, {Userdata: 1, Kind: EventClock}}, events)
		require.NoError(t, p.SetFlags(0, FlagNonblock))
		all, err := read(p, 0, 10)
		require.NoError(t, err)
		assert.Equal(t, "210", all)
	})
}

func TestASteadyProcessThatWaitsForItsInputIsStopped(t *testing.T) {
	t.Parallel()
	in, _ := stdin(t)
	ctx, stop := context.WithCancel(t.Context())
	p, err := New(ctx, Config{Stdin: in, Steady: true})
	require.NoError(t, err)
	defer p.Close()
	stop()
	_, err = read(p, 0, 1)
	assert.Equal(t, ErrStopped, err)
}
