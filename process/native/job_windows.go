package native

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// trees makes a job object for each process. A process cannot leave its job, and
// those that it starts are in it, too.
type trees struct{}

func newTrees() *trees { return &trees{} }

func treesIn(string) *trees { return newTrees() }

// make makes an empty job, or nil where none can be had.
func (t *trees) make() *tree {
	if t == nil {
		return nil
	}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil
	}
	return &tree{job: job}
}

// tree is one process's job. A nil one does nothing.
type tree struct {
	mu     sync.Mutex
	job    windows.Handle
	closed bool
}

// place has the process wait until it is in the job: nothing that it starts can be
// outside.
func (t *tree) place(attr *syscall.SysProcAttr) {
	if t != nil {
		attr.CreationFlags |= windows.CREATE_SUSPENDED
	}
}

// started puts the process into the job and lets it run.
func (t *tree) started(proc *os.Process) (err error) {
	if t == nil {
		return nil
	}
	gone := proc.WithHandle(func(handle uintptr) {
		if err = windows.AssignProcessToJobObject(t.job, windows.Handle(handle)); err == nil {
			err = resume(handle)
		}
	})
	if err == nil {
		err = gone
	}
	if err != nil {
		return fmt.Errorf("putting the process into a job: %w", err)
	}
	return nil
}

// resume lets all threads of a process run. The documented call takes a thread,
// which os.StartProcess does not tell.
func resume(process uintptr) error {
	call := windows.NewLazySystemDLL("ntdll.dll").NewProc("NtResumeProcess")
	if err := call.Find(); err != nil {
		return err
	}
	if status, _, _ := call.Call(process); status != 0 {
		return windows.NTStatus(status)
	}
	return nil
}

func (*tree) refused(error, string, string) bool { return false }

// kill ends everybody in the job.
func (t *tree) kill() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		windows.TerminateJobObject(t.job, killedCode)
	}
}

// killedCode is what the killed exit with, as os.Process.Kill has it.
const killedCode = 1

func (t *tree) vanish() { t.remove() }

func (t *tree) remove() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		windows.CloseHandle(t.job)
		t.closed = true
	}
}

func (*tree) name() string { return "" }
