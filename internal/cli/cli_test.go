package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// result is what a person at a shell would see.
type result struct {
	code        int
	out, errors string
}

func cloche(stdin string, args ...string) result {
	var out, errs bytes.Buffer
	code := Main(args, Stdio{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return result{code, out.String(), errs.String()}
}

// testprog is the file of the program that the backends are tested with.
func testprog(t *testing.T) string {
	_, wasm := processtest.Build(t)
	return wasm
}

func TestAModuleFileRunsAndItsOutputIsItsOwn(t *testing.T) {
	t.Parallel()
	r := cloche("a\x00b\r\n\xff", "run", testprog(t), "cat")
	assert.Equal(t, result{0, "a\x00b\r\n\xff", ""}, r)
}

func TestTheGuestsExitCodeIsTheCommands(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]int{"0": 0, "1": 1, "42": 42, "124": 124, "255": 255} {
		r := cloche("", "run", testprog(t), "exit", arg)
		assert.Equal(t, result{want, "", ""}, r)
	}
}

func TestACodeThatDoesNotFitBecomes255AndIsTold(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"-1", "256"} {
		r := cloche("", "run", testprog(t), "exit", code)
		assert.Equal(t, 255, r.code)
		assert.Contains(t, r.errors, "exit code "+code+" ")
	}
}

func TestNothingIsVisibleByDefault(t *testing.T) {
	t.Setenv("CLOCHE_SECRET", "here")
	r := cloche("", "run", testprog(t), "env")
	assert.Equal(t, result{0, "", ""}, r)

	r = cloche("", "run", "--env", "CLOCHE_SECRET", "--env", "A=1=2", "--env", "CLOCHE_NOT_SET", testprog(t), "env")
	assert.Equal(t, 0, r.code)
	assert.ElementsMatch(t, []string{"CLOCHE_SECRET=here", "A=1=2"}, strings.FieldsFunc(r.out, func(c rune) bool { return c == 0 || c == '\n' }))
}

func TestStdinComesFromWhereTheFlagSays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "in")
	require.NoError(t, os.WriteFile(file, []byte("from the file"), 0o600))
	for flag, want := range map[string]string{"--stdin": "own", "--stdin=-": "own", "--stdin=none": "", "--stdin=" + file: "from the file"} {
		r := cloche("own", "run", flag, testprog(t), "cat")
		assert.Equal(t, result{0, want, ""}, r, flag)
	}
	r := cloche("", "run", "--stdin="+file+".gone", testprog(t), "cat")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.errors, "--stdin")
}

func TestATimeoutEndsASpinningGuestWith124(t *testing.T) {
	t.Parallel()
	r := cloche("", "run", "--timeout", "100ms", testprog(t), "spin")
	assert.Equal(t, 124, r.code)
	assert.Contains(t, r.errors, "timed out after 100ms")
}

func TestTheReportIsOneObjectBehindTheGuestsOwnErrors(t *testing.T) {
	t.Parallel()
	r := cloche("", "run", "--json", "--timeout", "100ms", testprog(t), "spin")
	assert.Equal(t, 124, r.code)
	var got report
	require.NoError(t, json.Unmarshal([]byte(r.errors), &got))
	assert.Equal(t, 124, got.Exit)
	assert.Equal(t, "timeout", got.Reason)
	assert.GreaterOrEqual(t, got.Duration, 0.1)
	assert.Empty(t, got.Denials)
	assert.Positive(t, got.Usage.Memory)
	assert.Positive(t, got.Usage.Fuel)

	r = cloche("", "run", "--json", "no-such-program")
	require.NoError(t, json.Unmarshal([]byte(r.errors), &got))
	assert.Equal(t, 127, r.code)
	assert.Equal(t, "not found", got.Reason)
	assert.Contains(t, got.Error, "no-such-program")
}

func TestADenialIsInTheReportWithItsFix(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), []byte("kept"), 0o600))
	r := cloche("", "run", "--json", "--dir", dir+":/d:ro", "--workdir", "/d", testprog(t), "files", "write:f:x")
	assert.Contains(t, r.out, "write f: read-only")
	lines := strings.Split(strings.TrimSpace(r.errors), "\n")
	var got report
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &got), r.errors)
	require.NotEmpty(t, got.Denials, r.errors)
	assert.NotEmpty(t, got.Denials[0].Op)
	assert.NotEmpty(t, got.Denials[0].Fix)
	assert.NotContains(t, r.errors, dir, "a host path")
}

func TestWhatCannotStartHasItsExitCodeAndNamesTheCulprit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.wasm")
	require.NoError(t, os.WriteFile(text, []byte("hello\n"), 0o600))
	cut := filepath.Join(dir, "cut.wasm")
	require.NoError(t, os.WriteFile(cut, []byte("\x00asm\x01\x00\x00\x00\x01\x7f"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dir.wasm"), 0o700))

	for _, c := range []struct {
		name    string
		args    []string
		code    int
		culprit string
	}{
		{"no command", nil, 125, "Usage"},
		{"unknown command", []string{"rum"}, 125, "rum"},
		{"no program", []string{"run"}, 125, "no program"},
		{"empty program", []string{"run", ""}, 125, "command"},
		{"unknown program", []string{"run", "nope"}, 127, "nope"},
		{"missing module", []string{"run", filepath.Join(dir, "gone.wasm")}, 127, "gone"},
		{"text as module", []string{"run", text}, 126, "text"},
		{"truncated module", []string{"run", cut}, 126, "cut"},
		{"directory as module", []string{"run", filepath.Join(dir, "dir.wasm")}, 126, "dir"},
		{"unknown flag", []string{"run", "--nope", "true"}, 125, "nope"},
		{"missing dir", []string{"run", "--dir", filepath.Join(dir, "gone"), testprog(t)}, 125, "gone"},
		{"file as dir", []string{"run", "--dir", text, testprog(t)}, 125, "text.wasm"},
		{"two mounts on one path", []string{"run", "--dir", dir + ":/d", "--dir", dir + ":/d/", testprog(t)}, 125, "/d"},
		{"missing workdir", []string{"run", "--workdir", "/gone", testprog(t)}, 125, "/gone"},
		{"NUL in an argument", []string{"run", testprog(t), "a\x00b"}, 125, "args"},
		{"NUL in a variable", []string{"run", "--env", "A=\x00", testprog(t)}, 125, "env"},
		{"nameless variable", []string{"run", "--env", "=x", testprog(t)}, 125, "no name"},
		{"integer timeout", []string{"run", "--timeout", "5", testprog(t)}, 125, "timeout"},
		{"size without sense", []string{"run", "--memory", "lots", testprog(t)}, 125, "lots"},
		{"memory below the module's own", []string{"run", "--memory", "64K", testprog(t), "exit", "0"}, 126, "memory"},
		{"mounts natively", []string{"run", "--native", "--dir", dir, "true"}, 125, "mounts"},
		{"confined but not native", []string{"run", "--confine", dir, "true"}, 125, "--native"},
		{"in a cgroup but not native", []string{"run", "--cgroup", dir, "true"}, 125, "--native"},
		{"native program not there", []string{"run", "--native", "no-such-program-anywhere"}, 127, "no-such-program-anywhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := cloche("", c.args...)
			assert.Equal(t, c.code, r.code, r.errors)
			assert.Contains(t, r.errors, c.culprit)
			assert.Empty(t, r.out)
		})
	}
}

func TestAFullDiskBehindStdoutIsAFailureOfTheCommand(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	defer full.Close()
	var errs bytes.Buffer
	code := Main([]string{"run", testprog(t), "print", "stdout", "text"}, Stdio{In: strings.NewReader(""), Out: full, Err: &errs})
	assert.Equal(t, exitFailed, code, errs.String())
	assert.Contains(t, errs.String(), "no space left on device")
}

func TestAClosedPipeBehindStdoutIsAsQuietAsAnyPipeline(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	defer w.Close()
	var errs bytes.Buffer
	code := Main([]string{"run", testprog(t), "flood"}, Stdio{In: strings.NewReader(""), Out: w, Err: &errs})
	assert.Equal(t, exitSignal+int(syscall.SIGPIPE), code, errs.String())
	assert.Empty(t, errs.String())
}

func TestANativeRunIsTheSameCommandWithoutTheSandbox(t *testing.T) {
	t.Parallel()
	native, _ := processtest.Build(t)
	r := cloche("in", "run", "--native", native, "cat")
	assert.Equal(t, result{0, "in", ""}, r)
}

func TestALimitThatCannotBeKeptIsRefusedUnlessByBestEffort(t *testing.T) {
	t.Parallel()
	native, _ := processtest.Build(t)
	r := cloche("in", "run", "--native", "--max-written", "1K", native, "cat")
	assert.Equal(t, 125, r.code)
	assert.Empty(t, r.out)
	assert.Contains(t, r.errors, "limits.written")

	r = cloche("in", "run", "--native", "--max-written", "1K", "--best-effort", native, "cat")
	assert.Equal(t, 0, r.code)
	assert.Equal(t, "in", r.out)
	assert.Equal(t, "cloche: --best-effort: the written limit does not hold, or not for all processes together\n", r.errors)

	r = cloche("in", "run", "--native", "--max-written", "1K", "--best-effort", "--json", native, "cat")
	assert.Contains(t, r.errors, `"unmet":["written"]`)
}

func TestFuelBeyondItsLimitEndsTheGuest(t *testing.T) {
	t.Parallel()
	r := cloche("", "run", "--max-fuel", "5000000000", testprog(t), "spin")
	assert.Equal(t, 137, r.code)
	assert.Contains(t, r.errors, "fuel limit of 5000000000 exceeded")
}

func TestOutputBeyondItsLimitEndsTheGuest(t *testing.T) {
	t.Parallel()
	r := cloche("", "run", "--max-output", "1000", testprog(t), "flood")
	assert.Equal(t, 137, r.code)
	assert.Len(t, r.out, 1000)
	assert.Contains(t, r.errors, "output limit of 1000 bytes")
}

func TestHelpIsNotAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"--help"}, {"run", "--help"}, {"list", "-h"}, {"verify", "--help"}} {
		r := cloche("", args...)
		assert.Zero(t, r.code, args)
		assert.Contains(t, r.out, "Usage", args)
		assert.Empty(t, r.errors, args)
	}
}
