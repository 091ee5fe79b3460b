//go:build unix

package native

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seat is a process at whose terminal the test sits.
type seat struct {
	*running
	keys *io.PipeWriter
}

func (s *seat) types(t *testing.T, text string) {
	t.Helper()
	_, err := io.WriteString(s.keys, text)
	require.NoError(t, err)
}

func atTerminal(t *testing.T, command string, args ...string) *seat {
	t.Helper()
	from, to := io.Pipe()
	t.Cleanup(func() { to.Close() })
	return &seat{begin(t, New(newFs(t)), process.Spec{
		Command: command, Args: args, Stdin: from, Terminal: &process.Terminal{Rows: 30, Cols: 100},
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TERM=vt100", "LC_ALL=C"},
	}), to}
}

// quiet makes a terminal of a script's pass bytes as they are.
const quiet = "stty raw -echo; echo ready; "

func TestATerminalHasItsSizeAndIsTheControllingOne(t *testing.T) {
	t.Parallel()
	s := atTerminal(t, "sh", "-c", `for n in 0 1 2; do test -t $n && echo $n is one; done
		stty size; ps -o tty=,pgid=,sid=,tpgid= -p $$; echo to the terminal >/dev/tty; echo error >&2`)
	exit, err := s.Wait()
	require.NoError(t, err)
	assert.Equal(t, 0, exit.Code)
	lines := strings.Split(s.text(), "\r\n")
	require.Len(t, lines, 8, "%q", lines)
	assert.Equal(t, []string{"0 is one", "1 is one", "2 is one", "30 100"}, lines[:4])
	about, pid := strings.Fields(lines[4]), strconv.Itoa(s.Instance.(*instance).PID())
	assert.NotEqual(t, "?", about[0])
	assert.Equal(t, []string{pid, pid, pid}, about[1:], "it leads its group and session, and is in the foreground")
	assert.Equal(t, []string{"to the terminal", "error", ""}, lines[5:])
}

func TestAProcessIsToldOfAResize(t *testing.T) {
	t.Parallel()
	s := atTerminal(t, "sh", "-c", `trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done`)
	s.await(t, "ready\r\n")
	require.NoError(t, s.Instance.(*instance).Resize(process.Terminal{Rows: 10, Cols: 65535}))
	_, err := s.Wait()
	require.NoError(t, err)
	assert.Contains(t, s.text(), "10 65535\r\n")
	assert.ErrorIs(t, s.Instance.(*instance).Resize(process.Terminal{Rows: 1, Cols: 1}), os.ErrProcessDone)
}

func TestAProcessWithoutATerminalCannotBeResized(t *testing.T) {
	t.Parallel()
	r := shell(t, "sleep 100")
	assert.ErrorIs(t, r.Instance.(*instance).Resize(process.Terminal{Rows: 1, Cols: 1}), errors.ErrUnsupported)
	r.cancel(nil)
	_, err := r.Wait()
	require.NoError(t, err)
}

func TestControlCInterrupts(t *testing.T) {
	t.Parallel()
	s := atTerminal(t, "sh", "-c", `trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.01; done`)
	s.await(t, "ready\r\n")
	s.types(t, "\x03")
	exit, err := s.Wait()
	require.NoError(t, err)
	assert.Equal(t, 7, exit.Code)
	assert.Contains(t, s.text(), "interrupted\r\n")
}

func TestTheEndOfTheInputIsTyped(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":        "",
		"a line":         "line\n",
		"return":         "line\r",
		"part of a line": "line\npart",
		"a typed end":    "line\x04",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, New(newFs(t)), process.Spec{
				Command: "cat", Terminal: &process.Terminal{Rows: 1, Cols: 1}, Stdin: io.NopCloser(strings.NewReader(text)),
			})
			exit, err := s.Wait()
			require.NoError(t, err)
			assert.Equal(t, 0, exit.Code)
			want := strings.TrimRight(text, "\n\r\x04")
			want = want[strings.LastIndexByte(want, '\n')+1:]
			if shown := strings.Count(s.text(), want); want != "" {
				assert.Equal(t, 2, shown, "once as echo, once by cat: %q", s.text())
			}
		})
	}
}

func TestAMegabytePassesThroughATerminal(t *testing.T) {
	t.Parallel()
	data := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{2}).Read(data)
	s := atTerminal(t, "sh", "-c", quiet+"head -c 1048576")
	s.await(t, "ready\n")
	s.types(t, string(data))
	exit, err := s.Wait()
	require.NoError(t, err)
	assert.Equal(t, 0, exit.Code)
	_, echoed, _ := strings.Cut(s.text(), "ready\n")
	assert.True(t, string(data) == echoed, "%d bytes, and they differ", len(echoed))
}

func TestAllThatATerminalShowsIsDelivered(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for range 20 {
		out := &slow{}
		i, err := b.Executor.Start(t.Context(), spec(process.Spec{
			Command: b.Command, Args: []string{"interleave", "2000"}, Stdout: out, Terminal: &process.Terminal{Rows: 1, Cols: 1},
		}))
		require.NoError(t, err)
		_, err = i.Wait()
		require.NoError(t, err)
		want := 0
		for n := range 2000 {
			want += 2 * len("out \r\n"+strconv.Itoa(n))
		}
		require.Equal(t, want, out.n)
	}
}

func TestADescendantThatKeepsTheTerminalOpenDelaysNothing(t *testing.T) {
	t.Parallel()
	for name, descendant := range map[string]string{"silent": "sleep 2", "loud": "yes"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 10 {
				s := atTerminal(t, "sh", "-c", quiet+"setsid "+descendant+" & head -c 5000 /dev/zero; exit 4")
				exit, err := s.Wait()
				require.NoError(t, err)
				assert.Equal(t, 4, exit.Code)
				assert.Equal(t, 5000, strings.Count(s.text(), "\x00"))
			}
		})
	}
}

func TestAProcessMayCloseItsTerminalAndOpenItAgain(t *testing.T) {
	t.Parallel()
	s := atTerminal(t, "sh", "-c", `exec </dev/null >/dev/null 2>&1; sleep 0.05; echo again >/dev/tty`)
	_, err := s.Wait()
	require.NoError(t, err)
	assert.Equal(t, "again\r\n", s.text())
}

func TestAFullTerminalHoldsUpNoKill(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	stuck, entered := make(chan struct{}), make(chan struct{}, 1)
	s := process.New(b.Executor)
	h, err := s.Start(t.Context(), process.Spec{
		Command: b.Command, Args: []string{"flood"}, Terminal: &process.Terminal{}, GracePeriod: -1,
		Stdin: endless{}, // which the flood never reads
		Stdout: writerFunc(func(p []byte) (int, error) {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-stuck
			return len(p), nil
		}),
	})
	require.NoError(t, err)
	<-entered
	require.NoError(t, h.Kill(t.Context()))
	close(stuck)
	require.NoError(t, s.Shutdown(t.Context()))
	require.ErrorIs(t, h.Resize(1, 1), os.ErrProcessDone)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAWriterThatFailsEndsAProcessAtATerminal(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	b := newBackend(t)
	i, err := b.Executor.Start(t.Context(), spec(process.Spec{
		Command: b.Command, Args: []string{"flood"}, Terminal: &process.Terminal{Rows: 1, Cols: 1},
		Stdout: writerFunc(func([]byte) (int, error) { return 0, broken }),
	}))
	require.NoError(t, err)
	exit, err := i.Wait()
	require.NoError(t, err)
	assert.ErrorIs(t, exit.Reason, broken)
}

func TestAStartThatFailsClosesTheTerminal(t *testing.T) {
	t.Parallel()
	_, err := (&Executor{}).launch(t.Context(), spec(process.Spec{Command: "sh", Terminal: &process.Terminal{Rows: 1, Cols: 1}}), "/bin/sh", t.TempDir()+"/gone")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Programs that nobody here wrote, used as at a keyboard.
func TestPeopleCanUsePrograms(t *testing.T) {
	t.Parallel()
	t.Run("bash", func(t *testing.T) {
		t.Parallel()
		s := interactive(t, "bash", "bash", "--norc", "--noprofile", "-i")
		s.types(t, "PS1='then: '; echo $((40+2))\r")
		s.await(t, `\r42\r\n.*then: $`)
		// A job in the foreground is in a group of its own.
		s.types(t, `sh -c 'trap "echo interrupted; exit" INT; echo begun; while :; do sleep 0.01; done'`+"\r")
		s.await(t, `\rbegun\r\n`)
		s.types(t, "\x03")
		s.await(t, `interrupted\r\n.*then: $`)
		s.types(t, "exit 5\r")
		exit, err := s.Wait()
		require.NoError(t, err)
		assert.Equal(t, 5, exit.Code)
	})
	t.Run("bash is asked to end by SIGHUP", func(t *testing.T) {
		t.Parallel()
		s := interactive(t, "bash", "bash", "--norc", "--noprofile", "-i")
		s.types(t, "echo $((40+2))\r")
		s.await(t, `\r42\r\n`)
		require.NoError(t, s.Signal("SIGTERM"), "which it ignores")
		require.NoError(t, s.Signal("SIGHUP"))
		exit, err := s.Wait()
		require.NoError(t, err)
		assert.Equal(t, process.Signal("SIGHUP"), exit.Signal)
	})
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		s := interactive(t, "python3", "python3", "-q")
		s.await(t, `>>> $`)
		s.types(t, "import sys; print(sys.stdout.isatty(), 6*7)\r")
		s.await(t, `\nTrue 42\r\n>>> $`)
		require.NoError(t, s.keys.Close())
		exit, err := s.Wait()
		require.NoError(t, err)
		assert.Equal(t, 0, exit.Code)
	})
	t.Run("vim", func(t *testing.T) {
		t.Parallel()
		file := t.TempDir() + "/f"
		s := interactive(t, "vim-tiny", "vi", "-u", "NONE", "-i", "NONE", "-n", file)
		s.await(t, regexp.QuoteMeta(file))
		s.types(t, "ihello\x1b:wq\r")
		exit, err := s.Wait()
		require.NoError(t, err)
		assert.Equal(t, 0, exit.Code)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, "hello\n", string(text))
	})
	t.Run("less", func(t *testing.T) {
		t.Parallel()
		file := t.TempDir() + "/f"
		write(t, file, strings.Repeat("line\n", 500)+"last line\n", 0o644)
		s := interactive(t, "less", "less", file)
		s.await(t, `line`)
		s.types(t, "G")
		s.await(t, `last line`)
		s.types(t, "q")
		exit, err := s.Wait()
		require.NoError(t, err)
		assert.Equal(t, 0, exit.Code)
	})
}

func interactive(t *testing.T, pkg, command string, args ...string) *seat {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		if os.Getenv("CLOCHE_CI") != "" {
			t.Fatalf("%s is missing: apt-get install %s", command, pkg)
		}
		t.Skipf("%s is missing: apt-get install %s", command, pkg)
	}
	return atTerminal(t, command, args...)
}

// The job that somebody left in the foreground goes with its terminal.
func TestAKillHangsUpOnTheForegroundJob(t *testing.T) {
	t.Parallel()
	s := interactive(t, "bash", "bash", "--norc", "--noprofile", "-i")
	s.types(t, "sh -c 'echo child $$; sleep 100'\r")
	child := s.await(t, `child (\d+)\r\n`)
	s.cancel(process.ErrKilled)
	_, err := s.Wait()
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !alive(t, child) }, time.Minute, time.Millisecond)
}
