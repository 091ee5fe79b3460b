package native

import (
	"fmt"
	"os"
	"strings"

	"dappco.re/go/cloche/process"
)

// identify tells what proves which process pid is. It is exact while the process
// has not been reaped.
func identify(pid int) (process.Identity, error) {
	started, err := startTime(pid)
	if err != nil {
		return process.Identity{}, fmt.Errorf("identifying the process: %w", err)
	}
	boot, err := bootID()
	if err != nil {
		return process.Identity{}, fmt.Errorf("identifying the boot: %w", err)
	}
	return process.Identity{PID: pid, Started: started, Boot: boot}, nil
}

func startTime(pid int) (uint64, error) { return statField(pid, statStarted) }

// parentOf is 0 for the first process, and for one with a parent outside what this
// program can see.
func parentOf(pid int) (int, error) {
	parent, err := statField(pid, statParent)
	return int(parent), err
}

func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
