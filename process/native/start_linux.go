package native

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// start starts program. With p it is traced (ptrace(2)) until p is done, so that
// it stops before its first instruction, and the kernel kills it if this program
// dies meanwhile: because of PR_SET_PDEATHSIG, from before it asks to be traced until
// it is to outlive this program, and because of PTRACE_O_EXITKILL until it is let go.
// The first alone would end it with this thread, at any time; with the second
// alone, it would run if this program died between the asking and exec(2), or stand
// still for ever, traced by init. Only the thread that traces may do all this.
func start(program string, argv []string, attr *os.ProcAttr, p prepare) (*os.Process, error) {
	if p == nil {
		return os.StartProcess(program, argv, attr)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	attr.Sys.Ptrace, attr.Sys.Pdeathsig = true, unix.SIGKILL
	proc, err := os.StartProcess(program, argv, attr)
	if err != nil {
		return nil, err
	}
	if err := hold(proc.Pid); err != nil {
		return nil, discard(proc, err)
	}
	if err := p.elsewhere(proc.Pid); err != nil {
		return nil, discard(proc, err)
	}
	if err := release(proc.Pid); err != nil && !errors.Is(err, unix.ESRCH) { // killed meanwhile
		return nil, discard(proc, err)
	}
	return proc, nil
}

// release lets the process go, for good.
func release(pid int) error {
	if err := outlive(pid); err != nil {
		return err
	}
	if err := unix.PtraceDetach(pid); err != nil {
		return fmt.Errorf("releasing the process: %w", err)
	}
	return nil
}

// elsewhere runs p on another thread than this, which may be confined (Confine).
func (p prepare) elsewhere(pid int) error {
	done := make(chan error, 1)
	go func() { done <- p(pid) }()
	return <-done
}

// hold returns when the process stands still. One that was killed before that
// does so for good.
func hold(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err == nil {
			err = unix.PtraceSetOptions(pid, unix.PTRACE_O_EXITKILL)
		}
		if err == unix.ESRCH {
			return nil
		}
		return err
	}
}

// ptraceRefused says who forbids this program to be its children's tracer, "" when
// nobody is known to.
func ptraceRefused() (why string) {
	// There is no such process, which only a filter answers differently.
	if err := unix.PtraceSeize(-1); err != unix.ESRCH {
		return fmt.Sprintf("a filter of system calls answers %q", err)
	}
	scope, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	return yamaRefuses(strings.TrimSpace(string(scope)), mayTrace())
}

// yamaRefuses is about the scopes of the kernel's "Yama": 1 is about others than
// children.
func yamaRefuses(scope string, privileged bool) (why string) {
	if scope == "3" || scope == "2" && !privileged {
		return "the kernel's kernel.yama.ptrace_scope is " + scope
	}
	return ""
}

// mayTrace reports whether this thread has CAP_SYS_PTRACE.
func mayTrace() bool {
	var has [2]unix.CapUserData // version 3 has 64 bits, in two parts
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return unix.Capget(&header, &has[0]) == nil && has[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// unheld says what it takes for program to be held, "" when it can be: exec(2)
// ignores the privileges of a file that a traced process executes (execve(2)). One
// that is gone can be held: it will not start.
func unheld(program string) (fix string) {
	if !canOutlive {
		return "run it on amd64 or arm64: only there can a process be held before its first instruction"
	}
	if why := ptraceRefused(); why != "" {
		return "let this program trace its children by ptrace(2), or they cannot be held before they run: " + why
	}
	info, err := os.Stat(program)
	caps, _ := unix.Getxattr(program, "security.capability", nil)
	if err != nil || info.Mode()&(os.ModeSetuid|os.ModeSetgid) == 0 && caps <= 0 {
		return ""
	}
	return "name an executable that is not setuid or setgid and has no capabilities of its own: that could not be held before it runs"
}
