package native

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

// procStat is proc_pid_stat(5), from its third field on. The second, the program's
// name, may hold anything, so that fields are counted from its end, the last bracket.
type procStat []string

// Fields, by their numbers in the manual.
const (
	statFirst   = 3
	statParent  = 4
	statFlags   = 9
	statUtime   = 14
	statStime   = 15
	statStarted = 22
	statExit    = 52
)

func statOf(pid int) (procStat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])), nil
}

func statField(pid, field int) (uint64, error) {
	stat, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	return stat.number(field)
}

func (s procStat) state() string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

func (s procStat) number(field int) (uint64, error) {
	if field-statFirst >= len(s) {
		return 0, fmt.Errorf("proc_pid_stat(5) has only %d fields here", len(s)+statFirst-1)
	}
	return strconv.ParseUint(s[field-statFirst], 10, 64)
}

// exit is that of a zombie.
func (s procStat) exit() (exit process.Exit, ok bool) {
	status, err := s.number(statExit)
	if err != nil {
		return exit, false
	}
	exit = exitOfStatus(unix.WaitStatus(status))
	user, _ := s.number(statUtime)
	system, _ := s.number(statStime)
	exit.Usage.CPU = ticks(user + system)
	return exit, true
}

// ticks are of USER_HZ, which is 100 wherever Go runs (sysconf(3), _SC_CLK_TCK).
func ticks(n uint64) time.Duration { return time.Duration(n) * (time.Second / 100) }

// isDying says whether the process is being killed, or exits. It looks for a
// SIGKILL first, because the flags are set when that is taken.
func isDying(pid int) bool {
	const exiting, signaled = 1 << 2, 1 << 10 // PF_EXITING, PF_SIGNALED in <linux/sched.h>
	for _, key := range []string{"SigPnd:", "ShdPnd:"} {
		if pending := statusOf(pid, key); len(pending) == 1 && holds(pending[0], unix.SIGKILL) {
			return true
		}
	}
	now, err := statOf(pid)
	if err != nil {
		return false
	}
	flags, err := now.number(statFlags)
	return err == nil && flags&(exiting|signaled) != 0
}

// holds reads a mask of proc_pid_status(5).
func holds(mask string, sig unix.Signal) bool {
	set, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && set&(1<<(sig-1)) != 0
}

// mayInspect says whether the exit code in procStat is one. To others than those
// whom ptrace(2) would let, it reads as 0.
func mayInspect(pid int) bool {
	own := map[string]int{"Uid:": unix.Geteuid(), "Gid:": unix.Getegid()}
	for key, id := range own {
		ids := statusOf(pid, key) // real, effective, saved, and the filesystem's
		if len(ids) != 4 {
			return false
		}
		for _, theirs := range ids[:3] {
			if theirs != strconv.Itoa(id) {
				return false
			}
		}
	}
	return true
}

// statusOf is what proc_pid_status(5) says after key.
func statusOf(pid int, key string) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == key {
			return fields[1:]
		}
	}
	return nil
}
