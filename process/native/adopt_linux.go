package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

// Adopt implements what [process.Service.Adopt] asks for. The process is held by a
// pidfd (pidfd_open(2)), and so is never mistaken for another from here on.
//
// Its process group is signalled from Linux 6.9 on; before, the process alone, and
// its control group. From 6.15 on its exit code is known, and before if it remains a
// zombie, unless it had other credentials than this program.
func (e *Executor) Adopt(ctx context.Context, id process.Identity) (process.Instance, error) {
	handle, err := prove(id)
	if errors.Is(err, process.ErrGone) {
		endLeft(id)
	}
	if err != nil {
		return nil, err
	}
	a := &adopted{id: id, handle: handle, tree: treeNamed(id.Tree, id.PID)}
	a.watch(ctx)
	return a, nil
}

// prove returns a pidfd of the process that id names, and of no other.
func prove(id process.Identity) (*os.File, error) {
	boot, err := bootID()
	if err != nil {
		return nil, fmt.Errorf("identifying the boot: %w", err)
	}
	if id.Boot != boot || id.PID <= 0 {
		return nil, process.ErrGone
	}
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	switch err {
	case nil:
	case unix.ESRCH, unix.EINVAL, unix.ENOENT: // nobody, or a thread, which id is not
		return nil, process.ErrGone
	case unix.ENOSYS:
		return nil, unsupported("adoption", "run it on Linux 5.10 or later, which has pidfds")
	default:
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	handle := os.NewFile(uintptr(fd), "pidfd")
	if err := sameAs(id, fd); err != nil {
		handle.Close()
		return nil, err
	}
	return handle, nil
}

// sameAs compares what the number stands for with id, and looks only then whether
// the pidfd's process lives: if it does, the number was its own all the time.
//
// One that somebody holds (Spec.Starting) may be about to die with its holder, or
// may be dying of that already. That is waited for.
func sameAs(id process.Identity, fd int) error {
	for end := time.Now().Add(heldWait); ; {
		now, err := statOf(id.PID)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			return process.ErrGone
		}
		if err != nil {
			return fmt.Errorf("identifying the process: %w", err)
		}
		started, err := now.number(statStarted)
		if err != nil {
			return err
		}
		unsure := (now.state() == "t" || isDying(id.PID)) && time.Now().Before(end)
		if started != id.Started || hasEnded(fd, unsure) {
			return process.ErrGone
		}
		if !unsure {
			return nil
		}
	}
}

// heldWait is how long a holder may take to let go, or to take what it holds with it.
const heldWait = time.Second

// hasEnded waits a little if it may. A zombie has ended, too.
func hasEnded(fd int, wait bool) bool {
	ms := 0
	if wait {
		ms = 1
	}
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, ms)
	return n > 0
}

// adopted is a process that this Executor did not start.
type adopted struct {
	id     process.Identity
	handle *os.File // a pidfd, in the runtime's poller
	tree   *tree

	unwatch func()
	mu      sync.Mutex
	cause   error // why it was killed
}

func (a *adopted) watch(ctx context.Context) {
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		a.mu.Lock()
		a.cause = context.Cause(ctx)
		a.mu.Unlock()
		a.kill()
	})
	a.unwatch = func() {
		if !stop() {
			<-killed
		}
	}
}

// kill needs no number: a pidfd stands for the group that it leads, too, after its
// process has ended (PIDFD_SIGNAL_PROCESS_GROUP in pidfd_send_signal(2)).
func (a *adopted) kill() {
	a.send(unix.SIGKILL, pidfdSignalProcessGroup)
	a.send(unix.SIGKILL, 0)
	a.tree.kill()
}

const pidfdSignalProcessGroup = 1 << 2

func (a *adopted) send(sig unix.Signal, flags int) error {
	raw, err := a.handle.SyscallConn()
	if err != nil {
		return os.ErrProcessDone
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.PidfdSendSignal(int(fd), sig, nil, flags)
	}); err != nil {
		return os.ErrProcessDone
	}
	return failed
}

// Signal implements [process.Instance].
func (a *adopted) Signal(name process.Signal) error {
	sig, err := signalNamed(name)
	if err != nil {
		return err
	}
	err = a.send(sig, pidfdSignalProcessGroup)
	if err == unix.EINVAL || err == unix.ESRCH { // too old a kernel, or it leads no group
		err = a.send(sig, 0)
	}
	if err == unix.ESRCH {
		return os.ErrProcessDone
	}
	if err != nil && err != os.ErrProcessDone {
		return fmt.Errorf("sending %s: %w", name, err)
	}
	return err
}

// Wait implements [process.Instance]. Of what the process left behind only its
// group and its tree are known, and killed; the zombie is its parent's.
func (a *adopted) Wait() (process.Exit, error) {
	err := a.awaitEnd()
	exit, known := a.exit()
	a.kill()
	a.tree.vanish()
	a.unwatch()
	a.handle.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if exit.Signal == process.SIGKILL || !known {
		exit.Reason = a.cause
	}
	switch {
	case err != nil:
		return process.Exit{}, err
	case !known && a.cause == nil:
		return process.Exit{}, process.ErrExitUnknown
	}
	return exit, nil
}

func (a *adopted) awaitEnd() error {
	raw, err := a.handle.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool { return hasEnded(int(fd), false) })
}

// exit is how the process ended: what it says as a zombie, if this program may see
// it, and what its parent has had since then. Only the second needs a new kernel.
func (a *adopted) exit() (exit process.Exit, known bool) {
	if zombie, err := statOf(a.id.PID); err == nil && zombie.state() == "Z" {
		started, err := zombie.number(statStarted)
		if err == nil && started == a.id.Started && mayInspect(a.id.PID) {
			return zombie.exit()
		}
	}
	raw, err := a.handle.SyscallConn()
	if err != nil {
		return process.Exit{}, false
	}
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	raw.Control(func(fd uintptr) { err = unix.IoctlPidfdInfo(int(fd), &info) })
	if err != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return process.Exit{}, false
	}
	return exitOfStatus(unix.WaitStatus(info.Exit_code)), true
}

// StartedAt implements what [process.Info] tells.
func (a *adopted) StartedAt() time.Time {
	var boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		return time.Now()
	}
	ran := time.Duration(boot.Nano()) - ticks(a.id.Started)
	return time.Now().Add(-ran)
}

// PID is the process's number.
func (a *adopted) PID() int { return a.id.PID }

// Identity is what it was adopted by.
func (a *adopted) Identity() process.Identity { return a.id }
