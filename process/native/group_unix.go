//go:build unix

package native

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

// group is a process group, by the process that leads it, and where there is one,
// the control group or the lineage of all that descends from it.
type group struct {
	proc    *os.Process
	tree    *tree
	lineage *lineage

	mu     sync.Mutex
	reaped bool  // the number may be another's
	cause  error // why it was killed, if that was said
}

func newGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// kill ends every member. The first cause counts.
func (g *group) kill(cause error) {
	g.mu.Lock()
	if !g.reaped {
		if g.cause == nil {
			g.cause = cause
		}
		g.killLocked()
	}
	g.mu.Unlock()
	g.lineage.kill()
}

// killLocked needs no number of anybody's for those in the control group, and
// the leader's own for the others.
func (g *group) killLocked() {
	syscall.Kill(-g.proc.Pid, syscall.SIGKILL)
	g.tree.kill()
}

func (g *group) signal(sig process.Signal) error {
	n, err := signalNamed(sig)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reaped {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-g.proc.Pid, n); err != nil {
		return fmt.Errorf("sending %s: %w", sig, err)
	}
	return nil
}

func signalNamed(sig process.Signal) (syscall.Signal, error) {
	if n := unix.SignalNum(string(sig)); n != 0 {
		return n, nil
	}
	return 0, &process.SpecError{Field: "signal", Value: string(sig), Err: process.ErrInvalid, Fix: `name it as signal(7) does, as in "SIGTERM"`}
}

// wait returns when the leader has ended and all others are killed.
func (g *group) wait() (*os.ProcessState, error) {
	defer g.lineage.end()
	return g.reap()
}

// reap returns when the leader has ended.
func (g *group) reap() (*os.ProcessState, error) {
	if awaitEnd(g.proc) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.killLocked()
		g.reaped = true
		return g.proc.Wait() // does not block: it is a zombie
	}
	state, err := g.proc.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killLocked()
	g.reaped = true
	return state, err
}

// vanish waits for the killed members to be gone. A control group tells when it is
// empty. Without one: a killed process takes a
// moment to die and no event tells that a group is empty, so it asks: at once,
// which is all there is to it for a process without children, and then less and
// less often, for 60 ms. Signal 0 harms nobody, whoever has the number by now.
func (g *group) vanish() {
	if g.tree != nil {
		g.tree.vanish()
		return
	}
	g.lineage.vanish()
	for pause := 50 * time.Microsecond; pause < 50*time.Millisecond; pause *= 2 {
		if errors.Is(syscall.Kill(-g.proc.Pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(pause)
	}
}

func exitOf(state *os.ProcessState) process.Exit {
	exit := exitOfStatus(unix.WaitStatus(state.Sys().(syscall.WaitStatus)))
	exit.Usage = usageOf(state)
	return exit
}

func exitOfStatus(status unix.WaitStatus) process.Exit {
	if status.Signaled() {
		return process.Exit{Code: 128 + int(status.Signal()), Signal: signalName(status.Signal())}
	}
	return process.Exit{Code: status.ExitStatus()}
}

func signalName(n syscall.Signal) process.Signal {
	if s := unix.SignalName(n); s != "" {
		return process.Signal(s)
	}
	return process.Signal(fmt.Sprintf("SIG%d", int(n))) // a real-time signal
}

// enterable says why a process could not start in dir.
func enterable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return syscall.ENOTDIR
	}
	return unix.Access(dir, unix.X_OK)
}

// unread is how many bytes stand in the pipe.
func unread(pipe *os.File) int64 {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), fionread) })
	if err != nil {
		return 0
	}
	return int64(n)
}
