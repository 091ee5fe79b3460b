package processtest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sources = "-- src/main.c --\nint main() {}\n-- notes (quoted) --\n\"no part of it\"\n-- old/a.o --\nstale\n-- link -> old --\n"

// compiler makes an object of a source, like a program that is not installed everywhere.
func compiler(f *fs.Fs) processtest.Fake {
	return processtest.Fake{"cc": func(p *processtest.Process) int {
		said, _ := io.ReadAll(p.Stdin)
		_, _ = io.WriteString(p.Stdout, "compiled "+string(said))
		if len(p.Args) < 2 {
			_, _ = io.WriteString(p.Stderr, "cc: no input files\n\a")
			return 4
		}
		source, err := f.Read(p.Args[1])
		if err != nil {
			return 1
		}
		_ = f.EnsureDir("out/bin")
		_ = f.Write("out/bin/main.o", append([]byte{0x7f, 'E', 'L', 'F', 0}, source...))
		_ = f.Write("notes", []byte("changed\n"))
		_ = f.DeleteAll("old")
		_ = f.Delete("link")
		_ = f.EnsureDir("link/empty")
		return 0
	}}
}

// build is what the tests do with a compiler.
func build(t testing.TB, exec process.Executor) {
	t.Helper()
	s := process.New(exec)
	defer s.Shutdown(context.Background())
	out, err := s.Run(t.Context(), process.Spec{
		Command: "cc", Args: []string{"-c", "src/main.c"}, Env: []string{"HOME=/home/somebody", "LANG=C"}, Stdin: strings.NewReader("quickly"),
	})
	require.NoError(t, err)
	assert.Equal(t, "compiled quickly", string(out.Stdout))
	_, err = s.Run(t.Context(), process.Spec{Command: "cc"})
	exit, failed := errors.AsType[*process.ExitError](err)
	require.True(t, failed, "%v", err)
	assert.Equal(t, 4, exit.Exit.Code)
	assert.Equal(t, "cc: no input files\n\a", string(exit.Stderr))
}

// recorded returns the cassette of build, and the tree that build leaves.
func recorded(t testing.TB) (c processtest.Cassette, tree string) {
	t.Helper()
	f := processtest.Fixture(t, sources)
	c = processtest.Cassette{
		Path: filepath.Join(t.TempDir(), "testdata", "cc.txtar"), Fs: f, Inputs: []string{"src/*.c"}, IgnoreEnv: []string{"HOME"},
		Update: true, Executor: compiler(f),
	}
	require.Empty(t, failing(t, func(tb testing.TB) { build(tb, processtest.Strict(t, c.Open(tb))) }))
	c.Update, c.Executor = false, nil
	return c, processtest.Tree(t, f)
}

func TestACassetteIsReadable(t *testing.T) {
	t.Parallel()
	c, _ := recorded(t)
	got, err := os.ReadFile(c.Path)
	require.NoError(t, err)
	processtest.Golden(t, *update, "testdata/cassette.golden", got)
}

func TestACassettePlaysBackWhatWasRecorded(t *testing.T) {
	t.Parallel()
	c, want := recorded(t)
	c.Fs = processtest.Fixture(t, sources)
	build(t, processtest.Strict(t, c.Open(t)))
	assert.Equal(t, want, processtest.Tree(t, c.Fs))
}

func TestACassetteFailsReadably(t *testing.T) {
	t.Parallel()
	right := process.Spec{Command: "cc", Args: []string{"-c", "src/main.c"}, Env: []string{"LANG=C"}}
	for name, test := range map[string]struct {
		change func(s *process.Spec, f *fs.Fs)
		input  string
		want   string
	}{
		"argument":   {func(s *process.Spec, _ *fs.Fs) { s.Args = []string{"-O2", "src/main.c"} }, "quickly", "-arg \"-c\"\n+arg \"-O2\"\n arg \"src/main.c\"\n"},
		"variable":   {func(s *process.Spec, _ *fs.Fs) { s.Env = []string{"LANG=de"} }, "quickly", "-env \"LANG=C\"\n+env \"LANG=de\"\n"},
		"dir":        {func(s *process.Spec, _ *fs.Fs) { s.Dir = "src" }, "quickly", "+dir \"src\"\n"},
		"merged":     {func(s *process.Spec, _ *fs.Fs) { s.Merge = true }, "quickly", "+stderr goes to stdout\n"},
		"input":      {nil, "slowly", "-\"quickly\"\n+\"slowly\"\n"},
		"input file": {func(_ *process.Spec, f *fs.Fs) { require.NoError(t, f.Write("src/main.c", nil)) }, "quickly", "-input \"src/main.c\" sha256:"},
		"more files": {func(_ *process.Spec, f *fs.Fs) { require.NoError(t, f.Write("src/util.c", nil)) }, "quickly", "+input \"src/util.c\" sha256:"},
		"command":    {func(s *process.Spec, _ *fs.Fs) { s.Command = "gcc" }, "quickly", "-command \"cc\"\n+command \"gcc\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := recorded(t)
			c.Fs = processtest.Fixture(t, sources)
			spec := right
			if test.change != nil {
				test.change(&spec, c.Fs)
			}
			spec.Stdin = strings.NewReader(test.input)
			said := failing(t, func(tb testing.TB) {
				_, err := service(t, c.Open(tb)).Run(t.Context(), spec)
				assert.ErrorContains(t, err, "record it with Update")
			})
			assert.True(t, strings.HasPrefix(said, c.Path+": no recording of this call is left; if the call is right, record it with Update\n"), said)
			assert.Contains(t, said, test.want)
			assert.NotContains(t, said, "not called for", "one failure is enough")
		})
	}
}

func TestARecordingIsPlayedOnce(t *testing.T) {
	t.Parallel()
	c, _ := recorded(t)
	c.Fs = processtest.Fixture(t, sources)
	said := failing(t, func(tb testing.TB) {
		s := service(t, c.Open(tb))
		_, err := s.Run(t.Context(), process.Spec{Command: "cc"})
		assert.Equal(t, 4, process.ExitCode(err))
		assert.False(t, tb.Failed())
		_, err = s.Run(t.Context(), process.Spec{Command: "cc"})
		assert.ErrorContains(t, err, "record it with Update")
	})
	assert.Contains(t, said, "no recording of this call is left")
}

func TestACassetteTakesAllFilesForInputUnlessToldLess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		inputs []string
		plays  bool
	}{
		{"all", nil, false},
		{"none", []string{}, true},
		{"others", []string{"other"}, true},
		{"its directory", []string{"dir"}, false},
		{"its pattern", []string{"dir/f*"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := processtest.Cassette{
				Path: filepath.Join(t.TempDir(), "x.txtar"), Fs: processtest.Fixture(t, "-- dir/file --\none\n-- other --\n"),
				Inputs: test.inputs, Update: true, Executor: processtest.Fake{"true": processtest.Answers(t, processtest.Answer{})},
			}
			play := func(tb testing.TB) { _, _ = service(t, c.Open(tb)).Run(t.Context(), process.Spec{Command: "true"}) }
			require.Empty(t, failing(t, play))
			c.Update = false
			require.Empty(t, failing(t, play))
			require.NoError(t, c.Fs.Write("dir/file", []byte("two\n")))
			assert.Equal(t, test.plays, failing(t, play) == "")
		})
	}
}

func TestARecordingThatIsNotPlayedFailsTheTest(t *testing.T) {
	t.Parallel()
	c, _ := recorded(t)
	c.Fs = processtest.Fixture(t, sources)
	said := failing(t, func(tb testing.TB) {
		_, err := service(t, c.Open(tb)).Run(t.Context(), process.Spec{Command: "cc"})
		assert.Equal(t, 4, process.ExitCode(err))
	})
	assert.True(t, strings.HasPrefix(said, c.Path+": a recording was not called for; if that is right, record it with Update\ncommand \"cc\"\narg \"-c\"\n"), said)
}

func TestACassetteThatIsNotThereSaysHowToRecordIt(t *testing.T) {
	t.Parallel()
	c := processtest.Cassette{Path: filepath.Join(t.TempDir(), "none.txtar"), Fs: fs.Memory()}
	said := failing(t, func(tb testing.TB) { c.Open(tb) })
	assert.Contains(t, said, "none.txtar: no such file or directory; record it with Update\n")
}

func TestWhatACassetteCannotHoldIsRefused(t *testing.T) {
	t.Parallel()
	f := fs.Memory()
	c := processtest.Cassette{Path: filepath.Join(t.TempDir(), "x.txtar"), Fs: f, Update: true, Executor: compiler(f)}
	s := service(t, c.Open(t))
	for field, spec := range map[string]process.Spec{
		"mounts":   {Mounts: []process.Mount{{Fs: f, Target: "/"}}},
		"terminal": {Terminal: &process.Terminal{}},
		"starting": {Starting: func(process.Identity) error { return nil }},
	} {
		spec.Command = "cc"
		_, err := s.Run(t.Context(), spec)
		unsupported, ok := errors.AsType[*process.UnsupportedError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, field, unsupported.Field)
	}
}

func TestOnlyOneProcessIsRecordedAtATime(t *testing.T) {
	t.Parallel()
	f, hold := fs.Memory(), make(chan struct{})
	c := processtest.Cassette{
		Path: filepath.Join(t.TempDir(), "x.txtar"), Fs: f, Update: true,
		Executor: processtest.Fake{"wait": func(*processtest.Process) int { <-hold; return 0 }},
	}
	s := service(t, c.Open(t))
	h, err := s.Start(t.Context(), process.Spec{Command: "wait"})
	require.NoError(t, err)
	_, err = s.Start(t.Context(), process.Spec{Command: "wait"})
	assert.ErrorContains(t, err, "records one process at a time")
	close(hold)
	_, err = h.Wait(t.Context())
	require.NoError(t, err)
	run(t, s, "wait")
}

func TestAKilledProcessIsNotRecorded(t *testing.T) {
	t.Parallel()
	f := fs.Memory()
	c := processtest.Cassette{
		Path: filepath.Join(t.TempDir(), "x.txtar"), Fs: f, Update: true,
		Executor: processtest.Fake{"wait": func(p *processtest.Process) int { <-p.Context.Done(); return 0 }},
	}
	said := failing(t, func(tb testing.TB) {
		s := service(t, c.Open(tb))
		h, err := s.Start(t.Context(), process.Spec{Command: "wait", GracePeriod: -1})
		require.NoError(t, err)
		require.NoError(t, h.Kill(t.Context()))
		_, _ = h.Wait(t.Context())
	})
	assert.Contains(t, said, "command \"wait\" is not recorded, since it did not end by itself")
	assert.NoFileExists(t, c.Path)
}

func TestANativeProgramIsPlayedBackWhereItIsNot(t *testing.T) {
	t.Parallel()
	program, _ := processtest.Build(t)
	dir, err := fs.New(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	c := processtest.Cassette{
		Path: filepath.Join(t.TempDir(), "testprog.txtar"), Fs: dir, Update: true,
		Executor: native.New(dir, native.WithPath([]string{filepath.Dir(program)})),
	}
	work := func(t testing.TB) (stdout, tree string) {
		exec := c.Open(t)
		backend := processtest.Core(t, c.Fs, func(c *core.Core) core.Result { return process.Register(c, exec) })
		return output(t, backend, process.Spec{Command: "testprog", Args: []string{"files", "mkdir:d", "write:d/f:text", "symlink:l:d"}}),
			processtest.Tree(t, c.Fs)
	}
	var wantStdout, wantTree string
	require.Empty(t, failing(t, func(t testing.TB) { wantStdout, wantTree = work(t) }))
	c.Update, c.Executor, c.Fs = false, nil, fs.Memory()
	stdout, tree := work(t)
	assert.Equal(t, wantStdout, stdout)
	assert.Equal(t, wantTree, tree)
	assert.Equal(t, "-- d/f (quoted) --\n\"text\"\n-- l -> d --\n", tree)
}
