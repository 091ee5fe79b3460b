package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/internal/hermetic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded is a directory with the input "in", the files "src" and, beside them, the
// receipt of a run that worked on them.
func recorded(t *testing.T, args ...string) (dir, receipt string, run result) {
	t.Helper()
	dir = t.TempDir()
	receipt = filepath.Join(dir, "receipt.json")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "src"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "src", "f"), []byte("old\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "in"), []byte("input"), 0o644))
	run = cloche("", append([]string{"run", "--hermetic", "--receipt", receipt, "--stdin=" + filepath.Join(dir, "in"),
		"--overlay", filepath.Join(dir, "src") + ":/d"}, args...)...)
	return dir, receipt, run
}

func TestAReceiptIsVerified(t *testing.T) {
	t.Parallel()
	_, receipt, run := recorded(t, "--diff="+os.DevNull, "--seed", "7", "--time", "2030-05-06T07:08:09Z", "--env", "A=1",
		"--max-written", "1K", "--workdir", "/d", "sed", "-i", "s/old/new/;w g", "f")
	require.Equal(t, result{}, run)
	assert.Equal(t, result{}, cloche("", "verify", receipt))

	got, err := hermetic.Read([]byte(contents(t, receipt)))
	require.NoError(t, err)
	assert.Equal(t, hermetic.Source{Program: "sed", Stdin: "in", Mounts: []string{"src"}}, got.Source)
	assert.Equal(t, uint64(7), got.Run.Seed)
	assert.Equal(t, time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC), got.Run.Time)
	assert.Equal(t, int64(1024), got.Run.Limits.Written)
	assert.Len(t, got.Result.Changes, 2)
}

func TestAReceiptIsVerifiedWhereverItAndItsFilesAre(t *testing.T) {
	t.Parallel()
	dir, _, run := recorded(t, "--workdir", "/d", testprog(t), "chance")
	require.Zero(t, run.code, run.errors)
	moved := filepath.Join(t.TempDir(), "moved")
	require.NoError(t, os.CopyFS(moved, os.DirFS(dir)))
	// What the program is stays elsewhere.
	text := contents(t, filepath.Join(moved, "receipt.json"))
	rel, err := filepath.Rel(dir, testprog(t))
	require.NoError(t, err)
	there, err := filepath.Rel(moved, testprog(t))
	require.NoError(t, err)
	require.Contains(t, text, rel)
	receipt := filepath.Join(moved, "receipt.json")
	require.NoError(t, os.WriteFile(receipt, []byte(strings.Replace(text, rel, there, 1)), 0o644))
	require.NoError(t, os.RemoveAll(dir))
	assert.Equal(t, result{}, cloche("", "verify", receipt))
}

func TestWhatIsNotAsItWasIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"input":     {func(dir string) error { return os.WriteFile(filepath.Join(dir, "in"), []byte("inpuT"), 0o644) }, "stdin: was "},
		"content":   {func(dir string) error { return os.WriteFile(filepath.Join(dir, "src/f"), []byte("olD\n"), 0o644) }, "/d/f: was "},
		"mode":      {func(dir string) error { return os.Chmod(filepath.Join(dir, "src/f"), 0o755) }, " x\n"},
		"more":      {func(dir string) error { return os.Symlink("f", filepath.Join(dir, "src/g")) }, "/d/g: new: -> f\n"},
		"less":      {func(dir string) error { return os.Remove(filepath.Join(dir, "src/f")) }, "/d/f: missing: "},
		"directory": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "src/n\n"), 0o755) }, `/d/n\n: new: dir`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, receipt, run := recorded(t, "cat", "/d/f")
			require.Equal(t, result{0, "old\n", ""}, run)
			require.NoError(t, c.change(dir))
			r := cloche("", "verify", receipt)
			assert.Equal(t, exitDifferent, r.code, r.errors)
			assert.Contains(t, r.out, c.want)
			assert.Empty(t, r.errors)
			assert.Equal(t, 1, strings.Count(r.out, "\n"), r.out)
		})
	}
}

// A result that this engine would not have had.
func TestAnotherResultIsNamed(t *testing.T) {
	t.Parallel()
	_, receipt, run := recorded(t, "--diff="+os.DevNull, "sed", "-i", "s/old/new/", "/d/f")
	require.Equal(t, result{}, run)
	text := contents(t, receipt)
	was, err := hermetic.Read([]byte(text))
	require.NoError(t, err)
	is := was.Result
	was.Result.Exit, was.Result.Stdout, was.Result.Stderr = 3, was.Run.Stdin, was.Run.Stdin
	was.Result.Changes = hermetic.Changes{"/d/gone": "removed"}
	file, err := os.Create(receipt)
	require.NoError(t, err)
	require.NoError(t, was.Write(file))
	require.NoError(t, file.Close())

	r := cloche("", "verify", receipt)
	assert.Equal(t, exitDifferent, r.code, r.errors)
	assert.Equal(t, "exit: was 3, is 0\n"+
		"stdout: was "+was.Run.Stdin.String()+", is "+is.Stdout.String()+"\n"+
		"stderr: was "+was.Run.Stdin.String()+", is "+is.Stderr.String()+"\n"+
		"/d/f: new: "+is.Changes["/d/f"]+"\n"+
		"/d/gone: missing: removed\n", r.out)
}

func TestAnInputFromElsewhereIsGivenAgain(t *testing.T) {
	t.Parallel()
	receipt := filepath.Join(t.TempDir(), "receipt.json")
	require.Equal(t, result{0, "in", ""}, cloche("in", "run", "--hermetic", "--receipt", receipt, "cat"))
	assert.Equal(t, result{}, cloche("in", "verify", receipt))
	r := cloche("out", "verify", receipt)
	assert.Equal(t, exitDifferent, r.code)
	assert.Contains(t, r.out, "stdin: was ")
}

func TestAFailureAndATrapAreVerifiedToo(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{testprog(t), "exit", "3"}, {"../../process/wasm/testdata/divide.wasm"}, {"--max-fuel", "5000000", testprog(t), "spin"}, {"--max-output", "100", testprog(t), "flood"}} {
		_, receipt, run := recorded(t, args...)
		require.NotZero(t, run.code)
		require.FileExists(t, receipt, run.errors)
		assert.Equal(t, result{}, cloche("", "verify", receipt), args)
	}
}

func TestNoReceiptIsWrittenOfWhatWouldEndOtherwise(t *testing.T) {
	t.Parallel()
	_, receipt, run := recorded(t, "--timeout", "50ms", testprog(t), "spin")
	assert.Equal(t, 124, run.code)
	assert.Contains(t, run.errors, "--receipt: none is written")
	assert.NoFileExists(t, receipt)
}

func TestNoReceiptIsWrittenAmongWhatTheProgramSees(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	r := cloche("", "run", "--hermetic", "--receipt", filepath.Join(dir, "r.json"), "--dir", dir+":/d:ro", "true")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.errors, "write it elsewhere")
}

func TestFilesThatChangeMeanwhileAreNotWrittenDown(t *testing.T) {
	t.Parallel()
	dir, file := project(t)
	receipt := filepath.Join(t.TempDir(), "receipt.json")
	out := writerFunc(func(p []byte) (int, error) {
		return len(p), os.WriteFile(file, []byte("meanwhile"), 0o640)
	})
	var errs strings.Builder
	code := Main([]string{"run", "--hermetic", "--receipt", receipt, "--dir", dir + ":/d:ro", "cat", "/d/f"}, Stdio{In: strings.NewReader(""), Out: out, Err: &errs})
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, errs.String(), "the files changed while the program ran")
	assert.Contains(t, errs.String(), "/d/f")
	assert.NoFileExists(t, receipt)
}

func TestWhatCannotBeVerifiedIsAFailureOfTheCommand(t *testing.T) {
	t.Parallel()
	dir, receipt, run := recorded(t, "cat", "/d/f")
	require.Zero(t, run.code)
	text := contents(t, receipt)
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return file
	}
	for _, c := range []struct{ file, part string }{
		{"", "one argument"},
		{filepath.Join(dir, "gone"), "gone"},
		{write("text", "hello"), "not a receipt"},
		{write("empty", "{}"), "version 0"},
		{write("newer", strings.Replace(text, `"version": 1`, `"version": 2`, 1)), "version 2"},
		{write("seed", strings.Replace(text, `"seed": 0`, `"seed": 1`, 1)), "was changed"},
		{write("moved", strings.Replace(text, `"src"`, `"sauce"`, 1)), "sauce"},
		{write("program", strings.Replace(text, `"program": "cat"`, `"program": "kat"`, 1)), "kat"},
	} {
		args := []string{"verify"}
		if c.file != "" {
			args = append(args, c.file)
		}
		r := cloche("", args...)
		assert.Equal(t, exitFailed, r.code, c.part)
		assert.Contains(t, r.errors, c.part)
		assert.Empty(t, r.out)
	}
}
