package native

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"dappco.re/go/cloche/process"
)

// group is the process alone.
type group struct {
	proc   *os.Process
	cgroup *cgroup

	mu    sync.Mutex
	cause error // why it was killed, if that was said
}

func newGroup() *syscall.SysProcAttr { return nil }

func (g *group) kill(cause error) {
	g.mu.Lock()
	if g.cause == nil {
		g.cause = cause
	}
	g.mu.Unlock()
	g.proc.Kill()
}

func (g *group) signal(sig process.Signal) error {
	if sig != process.SIGKILL {
		return &process.UnsupportedError{Backend: name, Field: "signal", Fix: "send SIGKILL: Windows has no others"}
	}
	return g.proc.Kill()
}

func (g *group) wait() (*os.ProcessState, error) { return g.proc.Wait() }

func (g *group) vanish() {}

func exitOf(state *os.ProcessState) process.Exit {
	return process.Exit{
		Code:  state.ExitCode(),
		Usage: process.Usage{CPU: state.UserTime() + state.SystemTime()},
	}
}

func enterable(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	return err
}

// unread is never asked: pipes take no deadline here.
func unread(*os.File) int64 { return 0 }
