package native

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
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

func startTime(pid int) (uint64, error) { return statField(pid, 22) }

// parentOf is 0 for the first process, and for one with a parent outside what this
// program can see.
func parentOf(pid int) (int, error) {
	parent, err := statField(pid, 4)
	return int(parent), err
}

// statField is a field of proc_pid_stat(5), from the third on, if it is a number. The
// second, the program's name, may hold anything, so that fields are counted from its
// end, the last bracket.
func statField(pid, wanted int) (uint64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	const first = 3 // after the bracket
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= wanted-first {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields)+first-1)
	}
	return strconv.ParseUint(fields[wanted-first], 10, 64)
}

func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
