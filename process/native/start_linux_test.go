package native

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

var roles = map[string]func(){
	"trespasser":         playTrespasser,
	"starter":            playStarter,
	"parent":             playParent,
	"breeder":            playBreeder,
	"forgetter":          playForgetter,
	"mortal":             playMortal,
	"bounded":            playBounded,
	"failing":            playFailing,
	"out of descriptors": playOutOfDescriptors,
	"out of processes":   playOutOfProcesses,
}

// playStarter starts a process that writes to a file, tells its number while it is
// held, and waits there until it is killed itself.
func playStarter() {
	fsys, err := fs.New(".")
	if err != nil {
		panic(err)
	}
	New(fsys).Start(context.Background(), spec(process.Spec{
		Command: "/ran", // a script in the test's folder
		Starting: func(id process.Identity) error {
			fmt.Println(id.PID)
			select {}
		},
	}))
}

func TestAProcessThatIsHeldHasNotRunYet(t *testing.T) {
	t.Parallel()
	fsys := newFs(t)
	write(t, fsys.Root()+"/ran", "#!/bin/sh\necho > it-ran\n", 0o755)
	var state string
	r := begin(t, New(fsys), process.Spec{Command: "./ran", Starting: func(id process.Identity) error {
		state = stateOf(t, id.PID)
		assert.False(t, fsys.Exists("it-ran"))
		return nil
	}})
	assert.Equal(t, "t", state, "stopped by ptrace")
	_, err := r.Wait()
	require.NoError(t, err)
	assert.True(t, fsys.Exists("it-ran"))
}

func TestAHeldProcessNeverRunsWhenItsStarterIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/ran", "#!/bin/sh\necho > it-ran\n", 0o755)
	starter := exec.Command(os.Args[0])
	starter.Dir, starter.Env = dir, []string{"CLOCHE_TEST_ROLE=starter", "PATH=/bin:/usr/bin"}
	out, err := starter.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, starter.Start())
	var pid int
	_, err = fmt.Fscan(out, &pid)
	require.NoError(t, err)
	held, err := unix.PidfdOpen(pid, 0)
	require.NoError(t, err)
	defer unix.Close(held)

	require.NoError(t, starter.Process.Kill())
	starter.Wait()
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(held), Events: unix.POLLIN}}, int(time.Minute/time.Millisecond))
	require.NoError(t, err)
	assert.False(t, alive(t, strconv.Itoa(pid)))
	assert.NoFileExists(t, dir+"/it-ran")
}

func TestAPrivilegedExecutableIsNotHeld(t *testing.T) {
	t.Parallel()
	fsys := newFs(t)
	program := fsys.Root() + "/tool"
	write(t, program, "#!/bin/sh\n", 0o755)
	require.NoError(t, os.Chmod(program, 0o755|os.ModeSetuid))
	_, err := New(fsys).Start(t.Context(), spec(process.Spec{
		Command: "./tool", Starting: func(process.Identity) error { return nil },
	}))
	var unsupported *process.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	assert.NotEmpty(t, unsupported.Fix)
}

// stateOf is the third field of proc_pid_stat(5).
func stateOf(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	require.NoError(t, err)
	return string(bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])[0])
}
