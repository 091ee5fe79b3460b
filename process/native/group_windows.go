package native

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"dappco.re/go/cloche/process"
)

// group is the process, and the job of all that it starts.
type group struct {
	proc    *os.Process
	tree    *tree
	lineage *lineage // nil

	mu    sync.Mutex
	cause error // why it was killed, if that was said
}

func newGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func (g *group) kill(cause error) {
	g.mu.Lock()
	if g.cause == nil {
		g.cause = cause
	}
	g.mu.Unlock()
	g.proc.Kill()
	g.tree.kill()
}

func (g *group) signal(sig process.Signal) error {
	if sig != process.SIGKILL {
		return &process.UnsupportedError{Backend: name, Field: "signal", Fix: "send SIGKILL: Windows has no others"}
	}
	err := g.proc.Kill()
	if err == nil {
		g.tree.kill()
	}
	return err
}

// wait returns when the process has ended, and kills what it left.
func (g *group) wait() (*os.ProcessState, error) {
	state, err := g.proc.Wait()
	g.tree.kill()
	return state, err
}

func (g *group) vanish() { g.tree.vanish() }

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
