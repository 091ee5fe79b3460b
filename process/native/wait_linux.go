package native

import (
	"os"
	"syscall"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

const fionread = unix.TIOCINQ // the same number, see ioctl_tty(2)

// awaitEnd returns when the process is a zombie, and leaves it one. It is false
// when the host has set SIGCHLD to be ignored, so that there are none. Where there
// are pidfds it waits in the runtime's poller; elsewhere it takes a thread.
func awaitEnd(proc *os.Process) bool {
	if end := pidfdOf(proc); end != nil {
		defer end.Close()
		if ended, ok := awaitReadable(end); ok {
			return ended
		}
	}
	for {
		err := unix.Waitid(unix.P_PID, proc.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
}

// pidfdOf is a pidfd of the process, nil where there is none. O_NONBLOCK, which
// it shares with os.Process's own, makes no difference to reaping a zombie.
func pidfdOf(proc *os.Process) (end *os.File) {
	proc.WithHandle(func(handle uintptr) {
		fd, err := unix.FcntlInt(handle, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return
		}
		unix.SetNonblock(fd, true) // or os.NewFile would not poll it
		end = os.NewFile(uintptr(fd), "pidfd")
	})
	return end
}

// awaitReadable is not ok when the descriptor cannot be polled.
func awaitReadable(end *os.File) (ended, ok bool) {
	raw, err := end.SyscallConn()
	if err != nil {
		return false, false
	}
	err = raw.Read(func(fd uintptr) bool {
		var info unix.Siginfo
		var err error = unix.EINTR
		for err == unix.EINTR {
			err = unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		}
		ended = err == nil
		return err != nil || info.Signo != 0 // zero while it runs
	})
	return ended, err == nil
}

// usageOf leaves out a peak of memory that may be the host program's own: exec(2)
// counts the old address space, which the child shared, into ru_maxrss.
func usageOf(state *os.ProcessState) process.Usage {
	u := process.Usage{CPU: state.UserTime() + state.SystemTime()}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return u
	}
	if used, ok := state.SysUsage().(*syscall.Rusage); ok && used.Maxrss > own.Maxrss {
		u.Memory = int64(used.Maxrss) << 10
	}
	return u
}
