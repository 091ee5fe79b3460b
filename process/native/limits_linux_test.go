package native

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// limited runs a script with limits to its end.
func limited(t *testing.T, l process.Limits, script string) (process.Exit, string) {
	t.Helper()
	r := begin(t, New(newFs(t)), process.Spec{
		Command: "sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Limits: l,
	})
	exit, err := r.Wait()
	require.NoError(t, err)
	return exit, r.text()
}

func TestAProcessAndItsDescendantsHaveTheLimitsOnFiles(t *testing.T) {
	t.Parallel()
	const both = `grep -E 'file size|open files|core file' /proc/self/limits`
	_, said := limited(t, process.Limits{FileSize: 5000, Descriptors: 17}, both+`; (`+both+`)`)
	var rows []string
	for line := range strings.Lines(said) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	limits := []string{"Max file size 5000 5000 bytes", "Max core file size 0 0 bytes", "Max open files 17 17 files"}
	assert.Equal(t, append(limits, limits...), rows)
}

func TestAProcessThatWritesTooMuchToAFileIsEndedByTheLimit(t *testing.T) {
	t.Parallel()
	exit, _ := limited(t, process.Limits{FileSize: 5000}, `exec head -c 5001 /dev/zero > f`)
	assert.Equal(t, process.Signal("SIGXFSZ"), exit.Signal)
	assert.Equal(t, 153, exit.Code)
	assert.Equal(t, &process.LimitError{Limit: process.LimitFileSize, Max: 5000}, exit.Reason)

	exit, _ = limited(t, process.Limits{FileSize: 5000}, `exec head -c 5000 /dev/zero > f`)
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason)

	exit, _ = limited(t, process.Limits{Descriptors: 17}, `kill -XFSZ $$`)
	assert.Equal(t, process.Signal("SIGXFSZ"), exit.Signal)
	assert.NoError(t, exit.Reason, "no limit of the Spec's")
}

func TestAProcessThatIgnoresTheSignalGetsTheErrno(t *testing.T) {
	t.Parallel()
	exit, said := limited(t, process.Limits{FileSize: 5000}, `trap "" XFSZ; head -c 5001 /dev/zero > f; wc -c < f`)
	assert.Equal(t, 0, exit.Code)
	assert.Contains(t, said, "File too large")
	assert.True(t, strings.HasSuffix(said, "5000\n"), said)
}

func TestMemoryByBestEffortHoldsForEachProcess(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	service := process.New(b.Executor)
	run := func(megabytes string) process.Exit {
		h, err := service.Start(t.Context(), process.Spec{
			Command: b.Command, Args: []string{"alloc", megabytes},
			Limits: process.Limits{Memory: 256 << 20, BestEffort: true},
		})
		require.NoError(t, err)
		exit, err := h.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{process.LimitMemory}, h.Info().Unmet)
		return exit
	}
	assert.Equal(t, 0, run("16").Code)
	assert.NotEqual(t, 0, run("512").Code)
}

// playBounded may write less than the process that it starts.
func playBounded() {
	must(unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 500, Max: 700}))
	fsys, err := fs.New(".")
	must(err)
	i, err := New(fsys).Start(context.Background(), spec(process.Spec{
		Command: "sh", Args: []string{"-c", `grep "^Max file size" /proc/self/limits; exec head -c 501 /dev/zero > f`},
		Env: os.Environ(), Limits: process.Limits{FileSize: 600}, Stdout: os.Stdout,
	}))
	must(err)
	exit, err := i.Wait()
	must(err)
	fmt.Println(exit.Reason)
}

func TestALowerLimitOfTheHostsCounts(t *testing.T) {
	t.Parallel()
	said := strings.Join(strings.Fields(playedBy(t, "bounded")), " ")
	assert.Equal(t, "Max file size 500 600 bytes file size limit of 500 bytes exceeded", said)
}

func TestAPrivilegedExecutableIsNotLimited(t *testing.T) {
	t.Parallel()
	fsys := newFs(t)
	program := fsys.Root() + "/tool"
	write(t, program, "#!/bin/sh\n", 0o755)
	require.NoError(t, os.Chmod(program, 0o755|os.ModeSetuid))
	s := process.Spec{Command: "./tool", Limits: process.Limits{FileSize: 5000}}
	var refusal *process.UnsupportedError
	require.ErrorAs(t, startFails(t, New(fsys), s), &refusal)
	assert.Equal(t, "limits.fileSize", refusal.Field)
	assert.Contains(t, refusal.Fix, "setuid")

	s.Limits.BestEffort = true
	r := begin(t, New(fsys), s)
	assert.Equal(t, []string{process.LimitFileSize}, r.Instance.(*instance).Unmet())
	exit, err := r.Wait()
	require.NoError(t, err)
	assert.Equal(t, 0, exit.Code)
}

// playedBy is what a role says, played by a program of its own.
func playedBy(t *testing.T, role string) string {
	t.Helper()
	player := exec.Command(os.Args[0])
	player.Dir = t.TempDir()
	player.Env = []string{"CLOCHE_TEST_ROLE=" + role, "PATH=" + os.Getenv("PATH")}
	said, err := player.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return string(said)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
