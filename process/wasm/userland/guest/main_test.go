package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dappco.re/go/cloche/userland/internal/tool"
)

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// start runs a command in this process.
func start(stdin io.Reader, stdout io.Writer, args ...string) (code int, stderr string) {
	var messages bytes.Buffer
	code = tool.Run(command(args[0]), &tool.Env{Name: args[0], Args: args[1:], Stdin: stdin, Stdout: tool.NewOutput(stdout), Stderr: &messages})
	return code, messages.String()
}

// endless yields lines for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "x\n"[i%2]
	}
	return len(p) &^ 1, nil
}

func TestAReaderThatWentAwayEndsACommandQuietly(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"yes", "cat", "cat -n", "tr a b", "sed p", "grep x", "grep -n x", "cut -c1", "nl", "head -n -1", "tail -n +1", "tee", "base64", "jq -R .", "uniq -D", "seq inf"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, stderr := start(endless{}, failing{syscall.EPIPE}, strings.Fields(line)...)
			if code != 141 || stderr != "" {
				t.Errorf("exit status %d and %q, want 141 and nothing", code, stderr)
			}
		})
	}
}

func TestAFailedWriteIsReported(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"echo": 1, "grep": 2, "sort": 2} {
		args := map[string][]string{"echo": {"echo", "x"}, "grep": {"grep", "x"}, "sort": {"sort"}}[name]
		code, stderr := start(strings.NewReader("x\n"), failing{syscall.ENOSPC}, args...)
		if code != want || stderr != name+": write error: No space left on device\n" {
			t.Errorf("%s: exit status %d and %q", name, code, stderr)
		}
	}
}

func TestCatAndTeeHoldNothingBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cat", "tee"} {
		in, feed := io.Pipe()
		seen, out := io.Pipe()
		done := make(chan int)
		go func() {
			code, _ := start(in, out, name)
			out.Close()
			done <- code
		}()
		for _, part := range []string{"first", "second\n"} {
			if _, err := io.WriteString(feed, part); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(part))
			if _, err := io.ReadFull(seen, got); err != nil || string(got) != part {
				t.Fatalf("%s: %q, %v", name, got, err)
			}
		}
		feed.Close()
		if code := <-done; code != 0 {
			t.Errorf("%s: exit status %d", name, code)
		}
	}
}

func TestFindSaysThatItCannotRunPrograms(t *testing.T) {
	t.Parallel()
	code, stderr := start(nil, io.Discard, "find", ".", "-exec", "rm", "{}", ";")
	if code != 1 || !strings.Contains(stderr, "-exec: a sandboxed program cannot start another one") {
		t.Errorf("exit status %d and %q", code, stderr)
	}
}

func TestEnvSaysThatItCannotRunPrograms(t *testing.T) {
	t.Parallel()
	code, stderr := start(nil, io.Discard, "env", "A=1", "ls")
	if code != 126 || !strings.Contains(stderr, "cannot start another one") {
		t.Errorf("exit status %d and %q", code, stderr)
	}
}

func TestCommandsAreSortedAndFoundByName(t *testing.T) {
	t.Parallel()
	if all := names(); !slices.IsSorted(all) {
		t.Errorf("not sorted: %v", all)
	}
	if code := run([]string{"nope"}); code != 127 {
		t.Errorf("an unknown name gives %d", code)
	}
	for _, args := range [][]string{{"/bin/true"}, {"true.wasm"}, {"box", "true"}} {
		if code := run(args); code != 0 {
			t.Errorf("%q gives %d", args, code)
		}
	}
	if code := run([]string{"box", "false"}); code != 1 {
		t.Errorf("box false gives %d", code)
	}
}

func TestSedInPlaceLeavesTheFileAloneWhenTheScriptIsWrong(t *testing.T) {
	t.Parallel()
	name := t.TempDir() + "/f"
	if err := os.WriteFile(name, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _ := start(nil, io.Discard, "sed", "-i", "s/a/b", name)
	data, err := os.ReadFile(name)
	if code != 1 || err != nil || string(data) != "a\n" {
		t.Errorf("exit status %d, %q, %v", code, data, err)
	}
}
