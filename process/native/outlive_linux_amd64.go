package native

import "golang.org/x/sys/unix"

const canOutlive = true

type registers struct{ unix.PtraceRegs }

func registersOf(pid int) (r registers, err error) {
	err = unix.PtraceGetRegs(pid, &r.PtraceRegs)
	return r, err
}

func (r *registers) load(pid int) error { return unix.PtraceSetRegs(pid, &r.PtraceRegs) }

func (r *registers) at() uintptr { return uintptr(r.Rip) }

// call prepares a system call (syscall(2)), but not in a program of 32 bits.
func (r *registers) call(number, a, b uint64) (instruction []byte, err error) {
	const user64 = 0x33 // __USER_CS, the selector of its code
	if r.Cs != user64 {
		return nil, errBits
	}
	r.Orig_rax = ^uint64(0) // no system call is to be restarted
	r.Rax, r.Rdi, r.Rsi = number, a, b
	return []byte{0x0f, 0x05}, nil // syscall
}

func (r *registers) result() int64 { return int64(r.Rax) }
