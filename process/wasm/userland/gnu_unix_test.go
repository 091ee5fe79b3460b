//go:build unix

package userland_test

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// These tests compare the userland with the machine's GNU tools: the same command line on two copies of the same tree has to
// give the same output, the same messages, the same exit status and the same tree afterwards.
//
// Each line of a file in testdata/gnu is one command line, written as for a shell: quotes, backslashes and $'…' work, `< file` gives it
// standard input, and nothing else is special. Words with an exclamation mark before the command are marks, see gnuCase.
//
//go:embed testdata/gnu
var cases embed.FS

// call is one run of a command.
type call struct {
	Dir   string // working directory, on the host
	Args  []string
	Env   []string
	Stdin []byte
	User  bool // run without privileges
}

// result is what a run leaves.
type result struct {
	Stdout, Stderr []byte
	Code           int
}

// runner runs a command of the userland.
type runner func(t testing.TB, call call) result

// gnuCase is one command line.
type gnuCase struct {
	Line  string
	Args  []string
	Stdin string // file in the tree, "" for none

	Loose  bool // !loose: the texts of the messages differ, that there is one does not
	Native bool // !native: needs modes, owners or links that WASI does not carry
	User   bool // !user: has to run without privileges
	Fresh  bool // !fresh: changes the tree
	Tree   bool // !tree: changes the tree, and may leave another one than the original
	Order  bool // !order: the lines of the output come in the order of the directory, which differs
}

// compareWithGNU compares every case. A tool that the machine lacks is skipped, and fails where CLOCHE_CI is set. Without native, cases
// that need what WASI does not carry are left out.
func compareWithGNU(t *testing.T, run runner, native bool) {
	files, err := iofs.Glob(cases, "testdata/gnu/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		text, err := cases.ReadFile(file)
		require.NoError(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			runFile(t, string(text), run, native)
		})
	}
}

func runFile(t *testing.T, text string, run runner, native bool) {
	shared := [2]string{newTree(t, true), newTree(t, true)}
	for number, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c, err := parse(line)
		require.NoError(t, err, "line %d: %s", number+1, line)
		if c.Native && !native {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", number+1, c.Line), func(t *testing.T) {
			dirs := shared
			if c.Fresh {
				large := strings.Contains(line, "long")
				dirs = [2]string{newTree(t, large), newTree(t, large)}
			}
			c.compare(t, run, dirs)
		})
	}
}

func (c gnuCase) compare(t *testing.T, run runner, dirs [2]string) {
	tool, err := exec.LookPath(c.Args[0])
	if err != nil {
		if os.Getenv("CLOCHE_CI") != "" {
			require.NoError(t, err, "install the package that holds %s", c.Args[0])
		}
		t.Skipf("this machine has no %s to compare with", c.Args[0])
	}
	call := call{Dir: dirs[0], Args: c.Args, Env: []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin", "NAME=value"}, User: c.User}
	if c.Stdin != "" {
		call.Stdin, err = os.ReadFile(filepath.Join(dirs[0], c.Stdin))
		require.NoError(t, err)
	}
	want := executable(tool)(t, call)
	call.Dir = dirs[1]
	got := run(t, call)
	if c.Order {
		want.Stdout, got.Stdout = sorted(want.Stdout), sorted(got.Stdout)
		want.Stderr, got.Stderr = sorted(want.Stderr), sorted(got.Stderr)
	}
	same(t, "standard output", string(want.Stdout), string(got.Stdout))
	same(t, "exit status", strconv.Itoa(want.Code), strconv.Itoa(got.Code))
	if c.Loose {
		same(t, "whether there is a message", strconv.FormatBool(len(want.Stderr) > 0), strconv.FormatBool(len(got.Stderr) > 0))
	} else {
		same(t, "messages", string(want.Stderr), string(got.Stderr))
	}
	if c.Fresh && !c.Tree {
		before, after := describe(t, dirs[0], c.Native), describe(t, dirs[1], c.Native)
		same(t, "the tree afterwards", without(before, after), without(after, before))
	}
}

// without returns the lines of text that other has not.
func without(text, other string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains("\n"+other, "\n"+line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func sorted(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil)
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("%s\nwant %s\n got %s", what, shown(want), shown(got))
	}
}

// shown keeps what a failure prints short.
func shown(text string) string {
	if len(text) <= 2<<10 {
		return strconv.Quote(text)
	}
	return fmt.Sprintf("%q... %d bytes, hash %x", text[:1<<10], len(text), hash([]byte(text)))
}

func hash(data []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range data {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// executable returns a runner that starts the program at path under the command's own name.
func executable(path string) runner {
	return func(t testing.TB, call call) result {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), path)
		cmd.Args, cmd.Dir, cmd.Env = call.Args, call.Dir, call.Env
		cmd.Stdin = bytes.NewReader(call.Stdin)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if call.User && os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		err := cmd.Run()
		if cmd.ProcessState == nil {
			require.NoError(t, err)
		}
		return result{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}
	}
}

var changing = []string{"cp", "ln", "mkdir", "mv", "rm", "rmdir", "tee", "touch"}

func parse(line string) (gnuCase, error) {
	c := gnuCase{Line: line}
	words, err := split(line)
	if err != nil {
		return c, err
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "!") && words[0] != "!" {
		switch words[0] {
		case "!loose":
			c.Loose = true
		case "!native":
			c.Native = true
		case "!user":
			c.User, c.Native = true, true
		case "!fresh":
			c.Fresh = true
		case "!tree":
			c.Tree, c.Fresh = true, true
		case "!order":
			c.Order = true
		default:
			return c, fmt.Errorf("unknown mark %s", words[0])
		}
		words = words[1:]
	}
	if n := len(words); n > 2 && words[n-2] == "\x00<" {
		c.Stdin, words = words[n-1], words[:n-2]
	}
	if len(words) == 0 {
		return c, io.ErrUnexpectedEOF
	}
	c.Args = words
	c.Fresh = c.Fresh || slices.Contains(changing, words[0])
	return c, nil
}

// split splits a line into words as a shell does. An unquoted < comes back with a NUL before it.
func split(line string) ([]string, error) {
	var words []string
	var word []byte
	inWord := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == ' ':
			if inWord {
				words, word, inWord = append(words, string(word)), nil, false
			}
			continue
		case c == '<' && !inWord:
			words = append(words, "\x00<")
			continue
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("a quote is not closed")
			}
			word = append(word, line[i+1:i+1+end]...)
			i += end + 1
		case strings.HasPrefix(line[i:], "$'"):
			end := i + 2
			for end < len(line) && line[end] != '\'' {
				if line[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(line) {
				return nil, fmt.Errorf("a quote is not closed")
			}
			text, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(line[i+2:end], `\'`, `'`), `"`, `\"`) + `"`)
			if err != nil {
				return nil, err
			}
			word = append(word, text...)
			i = end
		case c == '"':
			for i++; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' && i+1 < len(line) && strings.IndexByte("\"\\$`", line[i+1]) >= 0 {
					i++
				}
				word = append(word, line[i])
			}
		case c == '\\' && i+1 < len(line):
			i++
			word = append(word, line[i])
		default:
			word = append(word, c)
		}
		inWord = true
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}
