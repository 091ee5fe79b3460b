package realprograms

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

// There is no native twin of the same version: what Python must answer is what
// its documentation says.
func TestPythonAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{
		"lib/greet.py":    "def greet(who):\n    return f'Hello, {who}!'\n",
		"main.py":         "import sys, os\nprint(sys.argv, os.environ.get('NAME'), repr(sys.stdin.read()))\n",
		"use.py":          "import sys\nsys.path.insert(0, 'lib')\nfrom greet import greet\nprint(greet('ü'))\n",
		"data/points.csv": "x,y\n1,2\n3,4\n",
	})
	c := newSandbox(t, dir, "python", buildPython(t))
	for _, call := range []struct {
		name  string
		args  []string
		env   []string
		stdin string
		want  answer
		tail  string // of stderr, when that holds more than is told here
	}{
		{name: "a script gets arguments, environment and input", args: []string{"main.py", "a b", "", "ü"}, env: []string{"NAME=höi"}, stdin: "line\n",
			want: answer{Stdout: "['main.py', 'a b', '', 'ü'] höi 'line\\n'\n"}},
		{name: "its environment is empty unless given", args: []string{"-c", "import os; print(dict(os.environ))"},
			want: answer{Stdout: "{}\n"}},
		{name: "a program comes from its input", args: []string{"-"}, stdin: "print(6 * 7)\n",
			want: answer{Stdout: "42\n"}},
		{name: "a module is imported from the files", args: []string{"use.py"},
			want: answer{Stdout: "Hello, ü!\n"}},
		{name: "the standard library is there", args: []string{"-c", "import csv, decimal, hashlib, json, re, statistics\n" +
			"rows = list(csv.DictReader(open('data/points.csv')))\n" +
			"print(json.dumps(rows), decimal.Decimal('0.1') * 3, hashlib.sha256(b'abc').hexdigest()[:8], re.sub(r'\\d', '#', 'a1'), statistics.mean([1, 2]))"},
			want: answer{Stdout: `[{"x": "1", "y": "2"}, {"x": "3", "y": "4"}] 0.3 ba7816bf a# 1.5` + "\n"}},
		{name: "streams are kept apart", args: []string{"-c", "import sys; print('out'); print('err', file=sys.stderr)"},
			want: answer{Stdout: "out\n", Stderr: "err\n"}},
		{name: "an exit code arrives", args: []string{"-c", "import sys; sys.exit(3)"},
			want: answer{Code: 3}},
		{name: "the greatest exit code of a shell arrives", args: []string{"-c", "import os; os._exit(255)"},
			want: answer{Code: 255}},
		{name: "a text as exit status is printed and means 1", args: []string{"-c", "import sys; sys.exit('no luck')"},
			want: answer{Code: 1, Stderr: "no luck\n"}},
		{name: "an uncaught exception means 1", args: []string{"-c", "raise ValueError('bad')"},
			want: answer{Code: 1}, tail: "ValueError: bad\n"},
		{name: "a syntax error means 1", args: []string{"-c", "print("},
			want: answer{Code: 1}, tail: "SyntaxError: '(' was never closed\n"},
		{name: "an unknown option means 2", args: []string{"-Z"},
			want: answer{Code: 2}, tail: "Try `python -h' for more information.\n"},
		{name: "a missing script means 2", args: []string{"absent.py"},
			want: answer{Code: 2}, tail: "[Errno 44] No such file or directory\n"},
		{name: "deep recursion is an exception", args: []string{"-c", "def f(): f()\ntry: f()\nexcept RecursionError: print('deep')"},
			want: answer{Stdout: "deep\n"}},
		{name: "files are written, listed, renamed and removed", args: []string{"-c", "import os, pathlib\n" +
			"os.makedirs('w/x'); pathlib.Path('w/x/a').write_text('1'); os.rename('w/x/a', 'w/b'); os.rmdir('w/x')\n" +
			"print(sorted(os.walk('w')), os.stat('w/b').st_size); os.remove('w/b'); os.rmdir('w'); print(os.path.exists('w'))"},
			want: answer{Stdout: "[('w', [], ['b'])] 1\nFalse\n"}},
	} {
		t.Run(call.name, func(t *testing.T) {
			got := run(t, c, process.Spec{Command: "python", Args: call.args, Env: call.env, Stdin: strings.NewReader(call.stdin)})
			if call.tail != "" {
				assert.Truef(t, strings.HasSuffix(got.Stderr, call.tail), "stderr: %s", got.Stderr)
				got.Stderr = ""
			}
			assert.Equal(t, call.want, got)
		})
	}
}

func TestPythonStopsAtItsDeadline(t *testing.T) {
	t.Parallel()
	c := newSandbox(t, t.TempDir(), "python", buildPython(t))
	out, err := runError(t, c, process.Spec{Command: "python", Timeout: 15 * time.Second,
		Args: []string{"-c", "print('started', flush=True)\nwhile True: pass"}})
	require.ErrorIs(t, err, process.ErrTimeout)
	assert.Equal(t, 124, out.Exit.Code)
	assert.Equal(t, "started\n", string(out.Stdout))
}

func TestPythonIsKilledWhateverItDoes(t *testing.T) {
	t.Parallel()
	c := newSandbox(t, t.TempDir(), "python", buildPython(t))
	for name, script := range map[string]string{
		"it loops":                "while True: pass",
		"it sleeps":               "time.sleep(3600)",
		"it reads":                "sys.stdin.read()",
		"it waits for its input":  "select.select([sys.stdin], [], [])",
		"it matches for ever":     "re.match('(a*)*b', 'a' * 64)",
		"it catches what it can":  "exec('while True:\\n try:\\n  while True: pass\\n except BaseException: pass')",
		"it multiplies for hours": "pow(7, 1 << 40)",
	} {
		t.Run(name, func(t *testing.T) {
			started := make(started)
			h, err := process.For(c).Start(t.Context(), process.Spec{Command: "python", OpenStdin: true, Stdout: started,
				Args: []string{"-c", "import re, select, sys, time\nprint('started', flush=True)\n" + script}})
			require.NoError(t, err)
			select {
			case <-started:
			case <-h.Done():
				t.Fatalf("ended by itself: %s", h.Output().Stderr)
			}
			require.NoError(t, h.Kill(t.Context()))
			exit, err := h.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 137, exit.Code)
			require.ErrorIs(t, exit.Reason, process.ErrKilled)
		})
	}
}

// started is closed by the first byte written to it.
type started chan struct{}

func (s started) Write(p []byte) (int, error) {
	close(s)
	return len(p), nil
}

func TestPythonDigestsFiveMegabytesOfInput(t *testing.T) {
	t.Parallel()
	c := newSandbox(t, t.TempDir(), "python", buildPython(t))
	input := bytes.Repeat([]byte("\x00\xffbinary, with no line ends\r"), 5<<20/26)
	got := run(t, c, process.Spec{Command: "python", Stdin: bytes.NewReader(input), Args: []string{"-c",
		"import hashlib, sys\nb = sys.stdin.buffer.read()\nprint(len(b), hashlib.sha256(b).hexdigest())"}})
	assert.Equal(t, answer{Stdout: fmt.Sprintf("%d %x\n", len(input), sha256.Sum256(input))}, got)
}

func TestPythonWritesBytesExactly(t *testing.T) {
	t.Parallel()
	c := newSandbox(t, t.TempDir(), "python", buildPython(t))
	got := run(t, c, process.Spec{Command: "python", Args: []string{"-c", "import sys; sys.stdout.buffer.write(bytes(range(256)) * 2048)"}})
	want := make([]byte, 0, 256*2048)
	for i := range cap(want) {
		want = append(want, byte(i))
	}
	assert.Zero(t, got.Code)
	assert.True(t, got.Stdout == string(want), "%d bytes differ from the %d written", len(got.Stdout), len(want))
}

func TestPythonRunsThroughTheCore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"src/main.py": "import sys, os\nprint(os.listdir('.'), file=sys.stderr)\nsys.exit(int(os.environ['CODE']))\n"})
	c := newSandbox(t, dir, "python", buildPython(t))

	assert.Equal(t, "['main.py']\n", text(t, c.Process().RunWithEnv(t.Context(), "src", []string{"CODE=0"}, "python", "main.py")))
	exit := failure(t, c.Process().RunWithEnv(t.Context(), "src", []string{"CODE=9"}, "python", "main.py"))
	assert.Equal(t, 9, exit.Exit.Code)

	r := c.Action("process.run").Run(t.Context(), core.NewOptions(
		core.Option{Key: "command", Value: "python"},
		core.Option{Key: "args", Value: []string{"-c", "while True: pass"}},
		core.Option{Key: "timeout", Value: 5 * time.Second},
	))
	require.ErrorIs(t, r.Err(), process.ErrTimeout)
	assert.Equal(t, 124, failure(t, r).Exit.Code)
}

func TestPythonSeesNothingOutside(t *testing.T) {
	t.Parallel()
	outside, inside := secret(t), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "link")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(inside, "folder")))
	c := newSandbox(t, inside, "python", buildPython(t))
	paths := append(escapes(outside, "link"), "/etc/passwd", "folder/secret", "/proc/self/environ", "/dev/zero")
	const script = `
import os, sys
for path in sys.argv[1:]:
    for attempt in (lambda: open(path).read(), lambda: open(path, 'a'), lambda: os.truncate(path, 0), lambda: os.listdir(os.path.dirname(path) or 'folder')):
        try:
            found = attempt()
        except OSError:
            continue
        if not isinstance(found, list) or 'link' not in found:
            print('escaped:', path, found)
for target in ('/etc/passwd', '../../../../etc/passwd', 'folder/secret', 'folder/../../../etc/passwd'):
    try:
        os.symlink(target, 'mine')
        print('escaped:', open('mine').read())
    except OSError:
        pass
    if os.path.islink('mine'):
        os.remove('mine')
print(sorted(os.listdir('/')))
`
	got := run(t, c, process.Spec{Command: "python", Args: append([]string{"-c", script}, paths...)})
	assert.Equal(t, answer{Stdout: "['folder', 'link']\n"}, got)
	assert.Equal(t, secretScript, readFile(t, outside))
}
