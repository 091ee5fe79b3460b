package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

var roles = map[string]func(){
	"trespasser":         playTrespasser,
	"starter":            playStarter,
	"beginner":           playBeginner,
	"parent":             playParent,
	"breeder":            playBreeder,
	"forgetter":          playForgetter,
	"mortal":             playMortal,
	"bounded":            playBounded,
	"untraceable":        playUntraceable,
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

// playBeginner begins to start processes, one after another, of which none may run.
func playBeginner() {
	e := New(currentDir())
	fmt.Println("begins")
	for {
		e.Start(context.Background(), spec(process.Spec{
			Command: "sh", Args: []string{"-c", "echo >it-ran"}, Env: []string{"CLOCHE_TEST_DIR=" + e.fsys.Root()},
			Starting: func(process.Identity) error { return process.ErrInvalid },
		}))
	}
}

// A process that this leaves behind would run unknown to anybody, or be stopped for
// ever.
func TestAHostThatIsKilledAtAnyPointOfAStartLeavesNothing(t *testing.T) {
	t.Parallel()
	for range 40 {
		beginner := host(t, "beginner")
		out, err := beginner.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, beginner.Start())
		_, err = out.Read(make([]byte, 100))
		require.NoError(t, err)
		for range rand.IntN(20000) {
			unix.Getpid() // a moment, of no use to anybody else
		}
		require.NoError(t, beginner.Process.Kill())
		beginner.Wait()
		require.Eventually(t, func() bool { return len(startedFor(beginner.Dir)) == 0 }, time.Minute, time.Millisecond)
		require.NoFileExists(t, beginner.Dir+"/it-ran")
	}
}

// startedFor are the processes with the variable, as long as they live.
func startedFor(dir string) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), "CLOCHE_TEST_DIR="+dir+"\x00") {
			pids = append(pids, strings.Split(file, "/")[2])
		}
	}
	return pids
}

func TestAProgramOf32BitsIsNotHeld(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("only amd64 runs programs of 32 bits here")
	}
	fsys := newFs(t)
	write(t, fsys.Root()+"/main.go", `package main; func main() { println("32") }`, 0o644)
	build := exec.Command("go", "build", "-o", "old", "main.go")
	build.Dir, build.Env = fsys.Root(), append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if err := exec.Command(fsys.Root() + "/old").Run(); err != nil {
		t.Skip("the kernel runs no programs of 32 bits: ", err)
	}
	var id process.Identity
	_, err = New(fsys).Start(t.Context(), spec(process.Spec{Command: "./old", Starting: func(started process.Identity) error {
		id = started
		return nil
	}}))
	var unsupported *process.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	assert.NotEmpty(t, unsupported.Fix)
	assert.False(t, alive(t, strconv.Itoa(id.PID)))
}

func TestAProcessThatWasHeldDoesNotDieWithTheThreadThatHeldIt(t *testing.T) {
	t.Parallel()
	in, open := io.Pipe()
	var r *running
	var thread int
	onThreadOfItsOwn(func() {
		thread = unix.Gettid()
		r = begin(t, New(newFs(t)), process.Spec{
			Command: "sh", Args: []string{"-c", "read x; exit 3"}, Stdin: in, Starting: func(process.Identity) error { return nil },
		})
	})
	require.Eventually(t, func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		return os.IsNotExist(err)
	}, time.Minute, time.Millisecond)
	open.Close()
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 3, exit.Code)
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

// playUntraceable may not use ptrace(2).
func playUntraceable() {
	refuse := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: dataNumber},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_PTRACE},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(refuse)), Filter: &refuse[0]}
	runtime.LockOSThread() // both calls are about one thread, the second tells the others
	must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		panic(errno)
	}
	runtime.UnlockOSThread()
	marked := newTrue()
	marked.trees, marked.lineages = nil, newLineages()
	told := func(process.Identity) error { return nil }
	for _, c := range []struct {
		e *Executor
		s process.Spec
	}{
		{newTrue(), process.Spec{Command: "true", Starting: told}},
		{newTrue(), process.Spec{Command: "true", Limits: process.Limits{FileSize: 5000}}},
		{newTrue(), process.Spec{Command: "true", Limits: process.Limits{FileSize: 5000, BestEffort: true}}},
		{marked, process.Spec{Command: "true"}},
	} {
		i, err := c.e.Start(context.Background(), spec(c.s))
		if unsupported, ok := errors.AsType[*process.UnsupportedError](err); ok {
			fmt.Println(unsupported.Field+":", strings.Contains(unsupported.Fix, `ptrace(2)`) && strings.Contains(unsupported.Fix, "operation not permitted"))
			continue
		}
		must(err)
		fmt.Println("without", i.(*instance).Unmet())
		_, err = i.Wait()
		must(err)
	}
}

func TestWherePtraceIsForbiddenAProcessThatMustBeHeldIsRefused(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{
		"starting: true", "limits.fileSize: true", "without [file size]", "the subreaper: true",
	}, linesOf(playedBy(t, "untraceable")))
	assert.Empty(t, yamaRefuses("", false))
	assert.Empty(t, yamaRefuses("1", false))
	assert.Empty(t, yamaRefuses("2", true))
	assert.Contains(t, yamaRefuses("2", false), "ptrace_scope is 2")
	assert.Contains(t, yamaRefuses("3", true), "ptrace_scope is 3")
}

// stateOf is the third field of proc_pid_stat(5).
func stateOf(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	require.NoError(t, err)
	return string(bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])[0])
}
