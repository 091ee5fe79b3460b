package native

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// outlive takes back that a held process dies with this program (PR_SET_PDEATHSIG).
// Nobody can ask prctl(2) for that but the process itself, so it is made to: the
// instruction that it stands at becomes a system call for one step, and then it is
// as it was. The page of its program that this touches is its own from then on.
func outlive(pid int) error {
	if err := inject(pid, unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0); err != nil {
		return fmt.Errorf("releasing the process: %w", err)
	}
	return nil
}

// errBits: the other ways to call the system are not worth it.
var errBits = unsupported("starting, nor limits that it takes to hold a process,", "name an executable of 64 bits")

// inject has the process make one system call.
func inject(pid int, number, a, b uint64) error {
	before, err := registersOf(pid)
	if err != nil {
		return err
	}
	call := before
	instruction, err := call.call(number, a, b)
	if err != nil {
		return err
	}
	own := make([]byte, len(instruction))
	if _, err := unix.PtracePeekText(pid, before.at(), own); err != nil {
		return err
	}
	if _, err := unix.PtracePokeText(pid, before.at(), instruction); err != nil {
		return err
	}
	if err := call.load(pid); err != nil {
		return err
	}
	if err := step(pid); err != nil {
		return err
	}
	after, err := registersOf(pid)
	if err != nil {
		return err
	}
	if _, err := unix.PtracePokeText(pid, before.at(), own); err != nil {
		return err
	}
	if err := before.load(pid); err != nil {
		return err
	}
	if result := after.result(); result < 0 {
		return unix.Errno(-result)
	}
	return nil
}

// step has the process execute one instruction.
func step(pid int) error {
	if err := unix.PtraceSingleStep(pid); err != nil {
		return err
	}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	if !status.Stopped() || status.StopSignal() != unix.SIGTRAP {
		return unix.ESRCH // somebody has killed it
	}
	return nil
}
