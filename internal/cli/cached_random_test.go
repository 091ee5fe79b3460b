package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dappco.re/go/cloche/internal/hermetic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is what the command does with the cache, but for what it does once for all.
func asked(t testing.TB, engine string, cache *hermetic.Cache, f runFlags, stdin string) (r result, hit bool) {
	t.Helper()
	dirs, err := openDirs(f.dirs)
	require.NoError(t, err)
	defer dirs.close()
	rec, err := newRecording(engine, f, dirs)
	require.NoError(t, err)
	rec.cache = cache
	require.NoError(t, rec.readInput(t.Context(), strings.NewReader(stdin)))
	var out, errs bytes.Buffer
	var found findings
	output, err := rec.run(t.Context(), Stdio{Out: &out, Err: &errs}, &found)
	return result{exitCode(output, err), out.String(), errs.String()}, found.cached
}

// givens are what programs are given that show it.
type givens struct {
	dir         string // with the module "show.wasm", the files "d/FILE" and "d/sub/LINK"
	stdin       []byte
	word, value []byte
	seed        uint64
	when        uint64 // the year
	testprog    string
}

// shows are programs, each with what it shows.
var shows = map[string]struct {
	args func(g *givens) []string
	flip func(g *givens, random *rand.Rand) (back func())
}{
	"module": {func(g *givens) []string { return []string{filepath.Join(g.dir, "show.wasm")} }, flipFile("show.wasm", "hello")},
	"stdin": {func(*givens) []string { return []string{"../../process/wasm/testdata/cat.wasm"} }, func(g *givens, random *rand.Rand) func() {
		return flipIn(g.stdin, 8, random)
	}},
	"argument": {func(g *givens) []string { return []string{"printf", "%s.", string(g.word)} }, func(g *givens, random *rand.Rand) func() {
		return flipIn(g.word, 5, random)
	}},
	"variable": {func(g *givens) []string { return []string{"--env", "A=" + string(g.value), "env"} }, func(g *givens, random *rand.Rand) func() {
		return flipIn(g.value, 5, random)
	}},
	"content": {func(g *givens) []string {
		return []string{"--dir", filepath.Join(g.dir, "d") + ":/d:ro", "base64", "/d/FILE"}
	}, flipFile("d/FILE", "")},
	"name": {func(g *givens) []string { return []string{"--dir", filepath.Join(g.dir, "d") + ":/d:ro", "find", "/d"} }, func(g *givens, random *rand.Rand) func() {
		name := []byte("FILE")
		flipIn(name, 5, random)
		from, to := filepath.Join(g.dir, "d/FILE"), filepath.Join(g.dir, "d", string(name))
		must(os.Rename(from, to))
		return func() { must(os.Rename(to, from)) }
	}},
	"target": {func(g *givens) []string {
		return []string{"--dir", filepath.Join(g.dir, "d") + ":/d:ro", "readlink", "/d/sub/LINK"}
	}, func(g *givens, random *rand.Rand) func() {
		link := filepath.Join(g.dir, "d/sub/LINK")
		target := []byte("TARGET")
		flipIn(target, 5, random)
		relink := func(target string) {
			must(os.Remove(link))
			must(os.Symlink(target, link))
		}
		relink(string(target))
		return func() { relink("TARGET") }
	}},
	"seed": {func(g *givens) []string {
		return []string{"--seed", fmt.Sprint(g.seed), "--overlay", filepath.Join(g.dir, "d") + ":/d", "--workdir", "/d", g.testprog, "chance"}
	}, func(g *givens, random *rand.Rand) func() { return flipNumber(&g.seed, 64, random) }},
	"time": {func(g *givens) []string {
		return []string{"--time", fmt.Sprintf("20%02d-01-01T00:00:00Z", g.when), "date"}
	}, func(g *givens, random *rand.Rand) func() { return flipNumber(&g.when, 5, random) }},
}

func TestNoAnswerOfTheCacheIsAnothers(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	rounds := 1
	if os.Getenv("CLOCHE_FULL") != "" {
		rounds = 1000
	}
	engine, err := hermetic.Engine()
	require.NoError(t, err)
	cache, err := hermetic.OpenCache(filepath.Join(t.TempDir(), "cache"))
	require.NoError(t, err)
	g := newGivens(t)
	check := func(name string) (hit bool) {
		args := append([]string{"--hermetic"}, shows[name].args(g)...)
		f, err := parseRun(args)
		require.NoError(t, err)
		got, hit := asked(t, engine, cache, f, string(g.stdin))
		var out, errs bytes.Buffer
		dirs, err := openDirs(f.dirs)
		require.NoError(t, err)
		defer dirs.close()
		output, err := run(t.Context(), f, dirs.mounts, Stdio{In: bytes.NewReader(g.stdin), Out: &out, Err: &errs}, new(findings))
		require.Equal(t, result{exitCode(output, err), out.String(), errs.String()}, got, name)
		return hit
	}
	for range rounds {
		for name, show := range shows {
			check(name)
			back := show.flip(g, random)
			check(name)
			back()
			assert.True(t, check(name), name)
		}
	}
}

func newGivens(t *testing.T) *givens {
	g := &givens{testprog: testprog(t), dir: t.TempDir(), stdin: []byte("some input"), word: []byte("WORD"), value: []byte("VALUE"), seed: 7, when: 30}
	module, err := os.ReadFile("../../process/wasm/testdata/hello.wasm")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(g.dir, "d/sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(g.dir, "show.wasm"), module, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(g.dir, "d/FILE"), []byte("content"), 0o644))
	require.NoError(t, os.Symlink("TARGET", filepath.Join(g.dir, "d/sub/LINK")))
	return g
}

// flipIn flips one of the lowest bits of one byte: with five of them, a capital letter
// stays text without a slash.
func flipIn(b []byte, bits int, random *rand.Rand) (back func()) {
	i, bit := random.IntN(len(b)), byte(1)<<random.IntN(bits)
	b[i] ^= bit
	return func() { b[i] ^= bit }
}

func flipNumber(n *uint64, bits int, random *rand.Rand) (back func()) {
	bit := uint64(1) << random.IntN(bits)
	*n ^= bit
	return func() { *n ^= bit }
}

// flipFile flips a bit of the file, or only within the text that is in it.
func flipFile(name, within string) func(*givens, *rand.Rand) func() {
	return func(g *givens, random *rand.Rand) func() {
		file := filepath.Join(g.dir, name)
		b, err := os.ReadFile(file)
		must(err)
		part := b
		if within != "" {
			at := bytes.Index(b, []byte(within))
			part = b[at : at+len(within)]
		}
		back := flipIn(part, 8, random)
		must(os.WriteFile(file, b, 0o644))
		return func() {
			back()
			must(os.WriteFile(file, b, 0o644))
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
