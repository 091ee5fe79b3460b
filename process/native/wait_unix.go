//go:build unix && !linux

package native

import (
	"os"
	"runtime"
	"syscall"

	"dappco.re/go/cloche/process"
)

const fionread = 0x4004667f // _IOR('f', 127, int) in <sys/filio.h> of the BSDs and Darwin

// awaitEnd cannot wait without reaping here.
func awaitEnd(*os.Process) bool { return false }

func usageOf(state *os.ProcessState) process.Usage {
	u := process.Usage{CPU: state.UserTime() + state.SystemTime()}
	if used, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.Memory = int64(used.Maxrss)
		if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
			u.Memory <<= 10 // Darwin counts bytes, the others KiB
		}
	}
	return u
}
