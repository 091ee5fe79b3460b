package native

import (
	"os"
	"syscall"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

const fionread = unix.TIOCINQ // the same number, see ioctl_tty(2)

// awaitEnd blocks until the process pid is a zombie, and leaves it one. It is
// false when the host has set SIGCHLD to be ignored, so that there are none.
func awaitEnd(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
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
