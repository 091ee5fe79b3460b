package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"sync"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
)

// Names within a workspace. A tool is started in the source folder; what it says to
// the agent it writes into the folder above.
const (
	statusFile   = "status.json"
	logFile      = "log"
	questionFile = "question.md"
	answerFile   = "answer.md"
	prFile       = "pr_url"
	sourceFolder = "src"
)

// Tool is a coding tool: a command that is given the task as its input.
type Tool struct {
	Command string
	Args    []string
}

// Job is what somebody wants done.
type Job struct{ Agent, Repo, Branch, Task string }

// Agent dispatches coding tools into workspaces, which are the folders of the
// Core's Fs. It holds no state of its own but who is at work on what.
type Agent struct {
	core  *core.Core
	prep  *PrepSubsystem
	tools map[string]Tool
	env   []string // for the tools
	most  int      // how many work at once
	log   *slog.Logger

	mu    sync.Mutex
	works map[string]*work
	wake  chan struct{} // holds one token when there may be something to do
}

// work is one goroutine's, from a workspace's taking out of the queue to its being
// settled.
type work struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// New makes an Agent of the Core, which has processes and an Fs.
func New(c *core.Core, tools map[string]Tool, env []string, most int, log slog.Handler) *Agent {
	return &Agent{
		core: c, prep: &PrepSubsystem{core: c, env: env}, tools: tools, env: env, most: most, log: slog.New(log),
		works: make(map[string]*work), wake: make(chan struct{}, 1),
	}
}

func (a *Agent) files() *fs.Fs { return a.core.Fs().Plain() }

func (a *Agent) path(name, file string) string { return path.Join(name, file) }

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Dispatch queues a job in a new workspace.
func (a *Agent) Dispatch(name string, job Job) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("workspace %q: name it by letters, digits, - and _", name)
	}
	if _, ok := a.tools[job.Agent]; !ok {
		return fmt.Errorf("there is no agent %q", job.Agent)
	}
	if err := a.files().EnsureDir(a.path(name, sourceFolder)); err != nil {
		return err
	}
	_, err := a.update(name, 0, func(s *Status) error {
		*s = Status{Status: s.Status, Agent: job.Agent, Repo: job.Repo, Branch: job.Branch, Task: job.Task}
		if s.Status != "" {
			return fmt.Errorf("workspace %s is there already", name)
		}
		return become(Queued)(s)
	})
	a.look()
	return err
}

// Resume queues a workspace once more, with an answer if its tool had a question.
func (a *Agent) Resume(name, answer string) error {
	if _, err := a.status(name); err != nil {
		return err
	}
	_, err := a.update(name, anyRun, func(s *Status) error {
		if !s.Status.settled() {
			return &TransitionError{s.Status, Queued}
		}
		if answer != "" {
			if err := a.files().WriteAtomic(a.path(name, answerFile), []byte(answer)); err != nil {
				return err
			}
		}
		s.Question, s.Reason = "", ""
		return become(Queued)(s)
	})
	a.look()
	return err
}

// Kill has a workspace's work end, and returns when its file says that it has. What
// another program works on, that one will kill: it reads the file, too.
func (a *Agent) Kill(ctx context.Context, name string) error {
	if _, err := a.status(name); err != nil {
		return err
	}
	s, err := a.update(name, anyRun, func(s *Status) error {
		if s.Status == Running || s.Status == Killing {
			return become(Killing)(s)
		}
		return become(Killed)(s)
	})
	if err != nil {
		return err
	}
	w := a.end(name)
	if s.Status == Killed || w == nil {
		return nil
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errKill = errors.New("somebody killed it")

// end ends the work on a workspace, if it is done here.
func (a *Agent) end(name string) *work {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.works[name]
	if w != nil {
		w.cancel(errKill)
	}
	return w
}

// Workspaces names them all.
func (a *Agent) Workspaces() ([]string, error) {
	entries, err := a.files().List(".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && a.files().IsFile(a.path(e.Name(), statusFile)) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// look has Serve see what there is to do.
func (a *Agent) look() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
