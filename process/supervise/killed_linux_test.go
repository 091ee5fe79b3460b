package supervise_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/supervise"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	switch os.Getenv("CLOCHE_TEST_ROLE") {
	case "":
		os.Exit(m.Run())
	case "supervisor":
		playSupervisor()
	case "worker":
		playWorker()
	}
}

// playWorker runs until it is asked to end, or for as long as it is told to. It
// notes when there is another of its name.
func playWorker() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	lock, err := os.OpenFile(os.Args[1]+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		os.WriteFile("twice", []byte(os.Args[1]), 0o644)
		os.Exit(2)
	}
	fmt.Println("up", os.Getpid())
	if len(os.Args) > 2 {
		lasts, _ := time.ParseDuration(os.Args[2])
		time.Sleep(lasts)
		os.Exit(1)
	}
	<-asked
}

// workers are units whose processes are this test binary. One of them fails all the
// time, and one is done at once.
func workers(dir string) supervise.Group {
	unit := func(name string, args ...string) supervise.Unit {
		return supervise.Unit{
			Name: name,
			Spec: process.Spec{
				Command: os.Args[0], Args: append([]string{name}, args...), Dir: dir,
				Env:        []string{"CLOCHE_TEST_ROLE=worker", "CLOCHE_TEST_DIR=" + dir},
				OutputFile: dir + "/log",
			},
			Restart: supervise.Restart{When: supervise.Always, Delay: time.Millisecond, MaxDelay: 2 * time.Millisecond, Attempts: -1},
		}
	}
	once := unit("once")
	once.Oneshot, once.Spec.Command, once.Spec.Args = true, "true", nil
	ready := unit("ready")
	ready.Ready.Every, ready.Ready.Probe = time.Millisecond, func(context.Context) error {
		text, err := os.ReadFile(dir + "/log")
		if err == nil && !strings.Contains(string(text), "up") {
			err = errors.New("nobody is up")
		}
		return err
	}
	return supervise.Sequential(once, supervise.Parallel(unit("plain"), ready), unit("failing", "3ms"), unit("last"))
}

func hosted() (*process.Service, *fs.Fs) {
	whole := new(fs.Fs).NewUnrestricted()
	return process.New(native.New(whole)), whole
}

// playSupervisor logs what it does, so that the test can kill it in any state.
func playSupervisor() {
	dir, _ := os.Getwd()
	s, whole := hosted()
	v, err := supervise.New(s, workers(dir), supervise.WithRecords(whole, dir+"/run"),
		supervise.WithLogger(slog.NewTextHandler(os.Stdout, nil)))
	if err != nil {
		panic(err)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	fmt.Println("level=END", v.Run(ctx))
}

// alive are the processes that were started for dir and have not ended.
func alive(dir string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), "CLOCHE_TEST_DIR="+dir+"\x00") {
			pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestASupervisorCanBeKilledInEveryState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rounds := 40
	if full := os.Getenv("CLOCHE_STORM"); full != "" {
		rounds, _ = strconv.Atoi(full)
	}
	for i := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Dir, cmd.Env = dir, []string{"CLOCHE_TEST_ROLE=supervisor", "PATH=" + os.Getenv("PATH")}
		cmd.Stderr = os.Stderr
		said, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		// A random line later, or a little after it.
		lines, left := bufio.NewScanner(said), rand.IntN(24)
		for lines.Scan() && left > 0 {
			require.NotContains(t, lines.Text(), "level=END", "round %d", i)
			require.NotContains(t, lines.Text(), "exit code 2", "round %d: there were two", i)
			left--
		}
		if rand.IntN(4) == 0 {
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			lines.Scan() // and then in the middle of its end
		}
		for range rand.IntN(2000) {
			unix.Getpid() // a moment, of no use to anybody else
		}
		require.NoError(t, cmd.Process.Kill())
		go func() { // nor must a full pipe decide when it ends
			for lines.Scan() {
			}
		}()
		cmd.Wait()
	}
	assert.NoFileExists(t, dir+"/twice")

	s, whole := hosted()
	v, err := supervise.New(s, workers(dir), supervise.WithRecords(whole, dir+"/run"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	require.NoError(t, v.Await(t.Context()))
	assert.LessOrEqual(t, len(alive(dir)), 4)
	assert.GreaterOrEqual(t, len(alive(dir)), 3, "all but the one that fails now and then")
	_, err = hostedRun(t, dir)
	held, ok := errors.AsType[*fs.HeldError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, os.Getpid(), held.PID)
	cancel()
	require.NoError(t, <-ended)
	assert.Empty(t, alive(dir), "orphans")
	assert.NoFileExists(t, dir+"/twice")
	left, err := filepath.Glob(dir + "/run/*.json")
	require.NoError(t, err)
	assert.Empty(t, left)
	require.NoError(t, s.Shutdown(t.Context()))
}

func hostedRun(t *testing.T, dir string) (*supervise.Supervisor, error) {
	s, whole := hosted()
	v, err := supervise.New(s, workers(dir), supervise.WithRecords(whole, dir+"/run"))
	require.NoError(t, err)
	return v, v.Run(t.Context())
}

// left is a supervisor's life, after which its processes run on.
func left(t *testing.T, whole *fs.Fs, s *process.Service, dir string, units supervise.Group) {
	t.Helper()
	v, err := supervise.New(s, units, supervise.WithRecords(whole, dir+"/run"), supervise.LeaveRunning())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	require.NoError(t, v.Await(t.Context()))
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, s.Shutdown(t.Context()))
}

func sleeper(dir, name, seconds string) supervise.Unit {
	return supervise.Unit{Name: name, Spec: process.Spec{
		Command: "sleep", Args: []string{seconds}, Env: []string{"CLOCHE_TEST_DIR=" + dir}, GracePeriod: -1,
	}}
}

func TestTheNextSupervisorKeepsWhatIsAskedForAndEndsTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, whole := hosted()
	left(t, whole, s, dir, supervise.Group{
		sleeper(dir, "same", "1000"), sleeper(dir, "changed", "1000"), sleeper(dir, "removed", "1000"), sleeper(dir, "ended", "1000"),
	})
	before := alive(dir)
	require.Len(t, before, 4)
	pids := map[string]int{}
	for _, name := range []string{"same", "changed", "removed", "ended"} {
		text, err := os.ReadFile(dir + "/run/" + name + ".json")
		require.NoError(t, err)
		var record struct{ Identity process.Identity }
		require.NoError(t, json.Unmarshal(text, &record))
		pids[name] = record.Identity.PID
	}
	require.NoError(t, syscall.Kill(pids["ended"], syscall.SIGKILL))

	s, whole = hosted()
	v, err := supervise.New(s, supervise.Group{
		sleeper(dir, "same", "1000"), sleeper(dir, "changed", "1001"), sleeper(dir, "ended", "1000"),
	}, supervise.WithRecords(whole, dir+"/run"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	require.NoError(t, v.Await(t.Context()))
	now := map[string]process.Info{}
	for _, status := range v.Status() {
		h, ok := s.Get(status.Process)
		require.True(t, ok)
		now[status.Unit] = h.Info()
	}
	assert.Equal(t, pids["same"], now["same"].PID)
	assert.True(t, now["same"].Adopted)
	assert.NotEqual(t, pids["changed"], now["changed"].PID)
	assert.NotEqual(t, pids["ended"], now["ended"].PID)
	assert.Len(t, alive(dir), 3)
	cancel()
	require.NoError(t, <-ended)
	assert.Empty(t, alive(dir))
	require.NoError(t, s.Shutdown(t.Context()))
}

func TestARecordThatCannotBeReadStopsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, whole := hosted()
	require.NoError(t, whole.EnsureDir(dir+"/run"))
	require.NoError(t, whole.Write(dir+"/run/u.json", []byte("{")))
	v, err := supervise.New(s, supervise.Group{sleeper(dir, "u", "1000")}, supervise.WithRecords(whole, dir+"/run"))
	require.NoError(t, err)
	err = v.Run(t.Context())
	require.ErrorContains(t, err, "end its process, then remove")
	assert.Equal(t, err, v.Await(t.Context()))
	assert.Empty(t, alive(dir))
}

func TestWhatWaitsForOthersIsEndedWithTheSupervisorToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, whole := hosted()
	first, second := sleeper(dir, "first", "1000"), sleeper(dir, "second", "1000")
	left(t, whole, s, dir, supervise.Sequential(first, second))
	require.Len(t, alive(dir), 2)
	first.Ready.Probe = func(ctx context.Context) error { return errors.New("never") }
	s, whole = hosted()
	v, err := supervise.New(s, supervise.Sequential(first, second), supervise.WithRecords(whole, dir+"/run"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	require.Eventually(t, func() bool { return v.Status()[0].State == supervise.Starting }, time.Minute, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	assert.Empty(t, alive(dir))
	require.NoError(t, s.Shutdown(t.Context()))
}
