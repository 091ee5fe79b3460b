package native

import "golang.org/x/sys/unix"

const canOutlive = true

const ntPrstatus = 1 // the set of general registers, NT_PRSTATUS in <elf.h>

type registers struct{ unix.PtraceRegsArm64 }

func registersOf(pid int) (r registers, err error) {
	err = unix.PtraceGetRegSetArm64(pid, ntPrstatus, &r.PtraceRegsArm64)
	return r, err
}

func (r *registers) load(pid int) error {
	return unix.PtraceSetRegSetArm64(pid, ntPrstatus, &r.PtraceRegsArm64)
}

func (r *registers) at() uintptr { return uintptr(r.Pc) }

// call prepares a system call (syscall(2)), but not in a program of 32 bits.
func (r *registers) call(number, a, b uint64) (instruction []byte, err error) {
	const bits32 = 1 << 4 // PSR_MODE32_BIT
	if r.Pstate&bits32 != 0 {
		return nil, errBits
	}
	r.Regs[8], r.Regs[0], r.Regs[1] = number, a, b
	return []byte{0x01, 0x00, 0x00, 0xd4}, nil // svc #0
}

func (r *registers) result() int64 { return int64(r.Regs[0]) }
