package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: a person's side and the program's (pts(4)).
func terminal(t *testing.T) (person, program *os.File) {
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { person.Close() })
	raw, err := person.SyscallConn()
	require.NoError(t, err)
	var number int
	require.NoError(t, raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}))
	require.NoError(t, err)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { program.Close() })
	return person, program
}

func TestAPersonIsAskedWhetherToKeepTheChanges(t *testing.T) {
	t.Parallel()
	for answers, want := range map[string]string{
		"y\n":             "new\n",
		"n\n":             "old\n",
		"what?\nd\nyes\n": "new\n",
		"\x04":            "old\n", // the end of the input
	} {
		dir, file := project(t)
		person, program := terminal(t)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "run", "--overlay", dir+":/d", "sed", "-i", "s/old/new/", "/d/f")
		cmd.Env = append(os.Environ(), asCommand+"=1", "TERM=xterm")
		cmd.Stdin, cmd.Stderr = program, program
		require.NoError(t, cmd.Start())

		screen := bufio.NewReader(person)
		for _, answer := range strings.SplitAfter(answers, "\n") {
			if answer == "" {
				continue
			}
			var shown string
			for !strings.HasSuffix(shown, "1 change to "+dir+". Keep? [y]es, [n]o, [d]iff: ") {
				part, err := screen.ReadString(' ')
				require.NoError(t, err)
				shown += part
			}
			_, err := person.WriteString(answer)
			require.NoError(t, err)
		}
		assert.NoError(t, cmd.Wait())
		assert.Equal(t, want, contents(t, file), "%q", answers)
	}
}

func TestAComplaintThatAGuestHadAWordInDoesNotSpeakToTheTerminal(t *testing.T) {
	t.Parallel()
	person, program := terminal(t)
	complain(program, &os.PathError{Op: "commit", Path: "\x1b]0;title\a\n", Err: os.ErrPermission})
	line, err := bufio.NewReader(person).ReadString('7')
	require.NoError(t, err)
	assert.Equal(t, `cloche: commit \x1b]0;title\x07`, line)
}
