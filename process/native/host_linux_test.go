package native

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// host makes a command of this test binary that plays a host program.
func host(t *testing.T, role string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = append(env, "CLOCHE_TEST_ROLE="+role, "PATH="+os.Getenv("PATH"))
	cmd.Stderr = os.Stderr
	return cmd
}

// playBreeder runs short processes, all at once, and fails if an exit code is lost.
func playBreeder() {
	if os.Getenv("NOTIFIED") != "" {
		deaths := make(chan os.Signal, 1)
		signal.Notify(deaths, syscall.SIGCHLD)
		go func() {
			for range deaths {
			}
		}()
	}
	s := process.New(New(currentDir()))
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			_, err := s.Run(context.Background(), process.Spec{Command: "sh", Args: []string{"-c", "exit " + strconv.Itoa(i)}})
			if process.ExitCode(err) != i {
				fmt.Println(i, "ended with", err)
			}
		})
	}
	all.Wait()
	s.Shutdown(context.Background())
}

func currentDir() *fs.Fs {
	fsys, err := fs.New(".")
	if err != nil {
		panic(err)
	}
	return fsys
}

func TestNoExitCodeIsLostInAStormOfSIGCHLD(t *testing.T) {
	t.Parallel()
	out, err := host(t, "breeder", "NOTIFIED=1").Output()
	require.NoError(t, err)
	assert.Empty(t, string(out))
}

// Go's runtime handles every signal, so what was inherited as ignored is not.
func TestAnInheritedIgnoredSIGCHLDLosesNothing(t *testing.T) {
	t.Parallel()
	cmd := host(t, "breeder")
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `trap "" CHLD; exec "$0"`, os.Args[0]}
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Empty(t, string(out))
}

// playForgetter has the kernel reap its children, so that nobody learns how they ended.
func playForgetter() {
	signal.Ignore(syscall.SIGCHLD)
	i, err := New(currentDir()).Start(context.Background(), spec(process.Spec{
		Command: "sh", Args: []string{"-c", "exit 3"},
	}))
	if err != nil {
		panic(err)
	}
	_, err = i.Wait()
	fmt.Println(err, i.Signal(process.SIGTERM))
}

func TestAHostThatIgnoresSIGCHLDIsToldThatExitCodesAreLost(t *testing.T) {
	t.Parallel()
	out, err := host(t, "forgetter").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), syscall.ECHILD.Error())
	assert.Contains(t, string(out), os.ErrProcessDone.Error())
}

// playMortal starts a process that reads, one that writes and one that sleeps,
// tells their numbers and waits for its death.
func playMortal() {
	silence, _ := io.Pipe()
	for _, command := range [][]string{{"cat"}, {"yes"}, {"sleep", "1000"}} {
		i, err := New(currentDir()).Start(context.Background(), spec(process.Spec{
			Command: command[0], Args: command[1:], Stdin: silence,
		}))
		if err != nil {
			panic(err)
		}
		fmt.Println(i.(*instance).PID())
	}
	select {}
}

func TestProcessesOutliveAHostThatIsKilledButTheirPipesBreak(t *testing.T) {
	t.Parallel()
	cmd := host(t, "mortal")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewReader(out)
	reader, writer, sleeper := pidfd(t, said), pidfd(t, said), pidfd(t, said)
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()

	assert.True(t, goneWithin(t, reader, time.Minute), "its input has ended")
	assert.True(t, goneWithin(t, writer, time.Minute), "SIGPIPE")
	assert.False(t, goneWithin(t, sleeper, 0), "nothing tells it")
	require.NoError(t, unix.PidfdSendSignal(sleeper, unix.SIGKILL, nil, 0))
}

func pidfd(t *testing.T, from io.Reader) int {
	var pid int
	_, err := fmt.Fscan(from, &pid)
	require.NoError(t, err)
	fd, err := unix.PidfdOpen(pid, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func goneWithin(t *testing.T, pidfd int, patience time.Duration) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(patience/time.Millisecond))
		if err == unix.EINTR {
			continue
		}
		require.NoError(t, err)
		return n == 1
	}
}

// Signalling a raw pid after reuse: here the number is another's for certain.
func TestANumberThatIsAnothersByNowIsNeverSignalled(t *testing.T) {
	t.Parallel()
	other := exec.Command("sleep", "1000")
	other.SysProcAttr = newGroup()
	require.NoError(t, other.Start())
	g := &group{proc: other.Process, reaped: true}
	g.kill(process.ErrKilled)
	assert.ErrorIs(t, g.signal(process.SIGKILL), os.ErrProcessDone)
	require.NoError(t, other.Process.Signal(syscall.SIGTERM))
	other.Wait()
	status := other.ProcessState.Sys().(syscall.WaitStatus)
	assert.Equal(t, syscall.SIGTERM, status.Signal(), "that is ours, not the group's")
}
