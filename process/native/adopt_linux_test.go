package native

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// playParent starts the shell script ./child, detached, tells its Identity, while
// it is held and again when it runs, and waits for its own death.
func playParent() {
	s := process.New(New(currentDir()))
	h, err := s.Start(context.Background(), process.Spec{
		Command: "sh", Args: []string{"child"}, Env: []string{"PATH=" + os.Getenv("PATH")},
		Detach: true, OutputFile: "log", Starting: func(id process.Identity) error { return tell(id) },
	})
	if err == nil {
		id, _ := h.Identity()
		err = tell(id)
	}
	if err != nil {
		panic(err)
	}
	select {}
}

func tell(id process.Identity) error { return json.NewEncoder(os.Stdout).Encode(id) }

// orphan is a process whose parent was killed with -9.
func orphan(t *testing.T, script string) (e *Executor, id process.Identity) {
	t.Helper()
	e = New(newFs(t))
	write(t, e.fsys.Root()+"/child", script, 0o755)
	parent := host(t, "parent")
	parent.Dir = e.fsys.Root()
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	said := json.NewDecoder(out)
	var held process.Identity
	require.NoError(t, said.Decode(&held))
	require.NoError(t, said.Decode(&id))
	assert.Equal(t, held, id)
	require.NoError(t, parent.Process.Kill())
	parent.Wait()
	return e, id
}

func service(t *testing.T, e *Executor) *process.Service {
	s := process.New(e)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return s
}

func TestAnOrphanIsAdoptedAndEndsByItself(t *testing.T) {
	t.Parallel()
	e, id := orphan(t, "mkfifo go; read x <go; echo said; exit 7")
	h, err := service(t, e).Adopt(t.Context(), id, process.Spec{Command: "sh"})
	require.NoError(t, err)
	assert.Equal(t, id.PID, h.Info().PID)
	letGo(t, e)
	exit, err := h.Wait(t.Context())
	if err == process.ErrExitUnknown {
		require.Less(t, kernel(t), 615, "a kernel that could tell")
	} else {
		require.NoError(t, err)
		assert.Equal(t, 7, exit.Code)
		assert.NoError(t, exit.Reason)
	}
	said, err := e.fsys.Read("log")
	require.NoError(t, err)
	assert.Equal(t, "said\n", string(said))
}

// letGo lets a script go on that waits for it in "read x <go".
func letGo(t *testing.T, e *Executor) {
	t.Helper()
	require.Eventually(t, func() bool { return e.fsys.Exists("go") }, time.Minute, time.Millisecond)
	require.NoError(t, os.WriteFile(e.fsys.Root()+"/go", []byte("\n"), 0))
}

// kernel is the version, 615 for 6.15.
func kernel(t *testing.T) int {
	var name unix.Utsname
	require.NoError(t, unix.Uname(&name))
	var major, minor int
	_, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor)
	require.NoError(t, err)
	return major*100 + minor
}

func TestTheWholeTreeOfAnOrphanIsKilled(t *testing.T) {
	t.Parallel()
	e, id := orphan(t, "(trap '' TERM; sleep 1000) & echo inner $!; "+daemon+"sleep 1000")
	h, err := service(t, e).Adopt(t.Context(), id, process.Spec{Command: "sh", GracePeriod: -1})
	require.NoError(t, err)
	var text []byte
	require.Eventually(t, func() bool {
		text, _ = e.fsys.Read("log")
		return len(text) > 0 && text[len(text)-1] == '\n' && len(strings.Fields(string(text))) == 4
	}, time.Minute, time.Millisecond, "%s", text)
	pids := strings.Fields(string(text))
	require.NoError(t, h.Kill(t.Context()))
	assert.Equal(t, process.Killed, h.Info().Status)
	assert.False(t, alive(t, strconv.Itoa(id.PID)))
	if kernel(t) >= 609 || id.Tree != "" {
		assert.False(t, alive(t, pids[1]), "one of its group")
	}
	if id.Tree != "" {
		assert.False(t, alive(t, pids[3]), "a daemon")
		assert.NoDirExists(t, id.Tree)
		return
	}
	exec.Command("kill", "-9", pids[3]).Run()
}

// What is left of a tree whose first process ended while nobody looked is not taken
// for running, and does not go on.
func TestWhatAGoneProcessLeftBehindIsKilled(t *testing.T) {
	t.Parallel()
	e, id := orphan(t, "mkfifo go; read x <go; "+daemon)
	if id.Tree == "" {
		t.Skip("no control groups can be made here")
	}
	letGo(t, e)
	var child string
	require.Eventually(t, func() bool {
		text, _ := e.fsys.Read("log")
		n, _ := fmt.Sscanf(string(text), "child %s\n", &child)
		return n == 1 && !alive(t, strconv.Itoa(id.PID))
	}, time.Minute, time.Millisecond)
	require.True(t, alive(t, child))
	_, err := service(t, e).Adopt(t.Context(), id, process.Spec{Command: "sh"})
	assert.ErrorIs(t, err, process.ErrGone)
	assert.False(t, alive(t, child))
	assert.NoDirExists(t, id.Tree)
}

func TestAZombieIsNotAdopted(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, cmd.Start())
	defer cmd.Wait()
	require.True(t, awaitEnd(cmd.Process))
	id, err := identify(cmd.Process.Pid)
	require.NoError(t, err)
	_, err = New(newFs(t)).Adopt(t.Context(), id)
	assert.ErrorIs(t, err, process.ErrGone)
}

// The holder dies before it lets go, and the process with it, though perhaps a
// moment later.
func TestAHeldProcessIsNotAdoptedWhenItsHolderIsKilled(t *testing.T) {
	t.Parallel()
	e := New(newFs(t))
	write(t, e.fsys.Root()+"/ran", "#!/bin/sh\necho > it-ran\nsleep 1000", 0o755)
	starter := host(t, "starter")
	starter.Dir = e.fsys.Root()
	out, err := starter.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, starter.Start())
	var pid int
	_, err = fmt.Fscan(out, &pid)
	require.NoError(t, err)
	id, err := identify(pid)
	require.NoError(t, err)
	require.NoError(t, starter.Process.Kill()) // and not awaited
	_, err = e.Adopt(t.Context(), id)
	assert.ErrorIs(t, err, process.ErrGone)
	assert.False(t, e.fsys.Exists("it-ran"))
	starter.Wait()
}

func TestASignalReachesTheGroupOfAnAdoptedProcess(t *testing.T) {
	t.Parallel()
	e, id := orphan(t, `trap 'echo asked; exit 5' TERM; sh -c 'trap "echo too; exit" TERM; echo ready; while :; do sleep 0.01; done' & wait`)
	h, err := service(t, e).Adopt(t.Context(), id, process.Spec{Command: "sh"})
	require.NoError(t, err)
	logged := func() string { text, _ := e.fsys.Read("log"); return string(text) }
	require.Eventually(t, func() bool { return logged() == "ready\n" }, time.Minute, time.Millisecond)
	require.Error(t, h.Signal("SIGNONE"))
	require.NoError(t, h.Signal(process.SIGTERM))
	<-h.Done()
	assert.Contains(t, logged(), "asked\n")
	assert.ErrorIs(t, h.Signal(process.SIGTERM), os.ErrProcessDone)
}

func TestATreeThatIsNamedWronglyIsLeftAlone(t *testing.T) {
	t.Parallel()
	e := grouped(t)
	other := begin(t, e, inShell("echo ready; sleep 1000"))
	other.await(t, "ready")
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = newGroup()
	require.NoError(t, cmd.Start())
	id, err := identify(cmd.Process.Pid)
	require.NoError(t, err)
	for _, tree := range []string{other.Instance.(*instance).Identity().Tree, t.TempDir(), "/", "", "cloche-1-1-1"} {
		assert.Nil(t, treeNamed(tree, id.PID), tree)
	}
	id.Tree = other.Instance.(*instance).Identity().Tree
	ctx, cancel := context.WithCancelCause(t.Context())
	a, err := e.Adopt(ctx, id)
	require.NoError(t, err)
	cancel(process.ErrKilled)
	go cmd.Wait()
	exit, err := a.Wait()
	require.NoError(t, err)
	assert.ErrorIs(t, exit.Reason, process.ErrKilled)
	assert.True(t, alive(t, strconv.Itoa(other.Instance.(*instance).PID())))
	other.cancel(process.ErrKilled)
	other.Wait()
}
