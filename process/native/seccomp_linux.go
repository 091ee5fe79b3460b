package native

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock knows TCP alone, and no socket that is named by a path. So sockets are
// refused where they are made: by socket(2), and by io_uring(7), which can make them
// without it. A pair stays allowed if it is connected for good: a datagram socket of
// one can be sent from, or connected, to any other (unix(7)).
//
// Nor does it know limits, which whoever has this program's user may set: any limit of
// any other process, so that it ends, and for a process itself that which marks it
// (WithSubreaper). To read them is let alone.

// architectures are those whose calls are known here, by AUDIT_ARCH_* of audit.h.
var architectures = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64,
	"arm64": unix.AUDIT_ARCH_AARCH64,
}

// x32 marks the calls of amd64's second set (x32 in syscall(2)).
const x32 = 0x40000000

// Offsets in struct seccomp_data (seccomp(2)).
const (
	dataNumber = 0
	dataArch   = 4
	dataFirst  = 16 // the first argument's lower half, and its upper one behind it
	dataSecond = 24
	dataThird  = 32
)

// refuseCalls filters the calls of the calling thread and of all its children.
func refuseCalls() error {
	arch, ok := architectures[runtime.GOARCH]
	if !ok {
		return cannotConfine("system calls of "+runtime.GOARCH+" are not known", "run it on amd64 or arm64")
	}
	filter := callFilter(arch)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("filtering system calls: %w", errno)
	}
	return nil
}

// callFilter is a program of classic BPF. A call of another architecture, 32-bit
// ones on a 64-bit system among them, ends the process: their numbers mean
// something else.
func callFilter(arch uint32) []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
		mask   = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K

		typeOnly = 0xf // without SOCK_CLOEXEC and SOCK_NONBLOCK

		allow, refuse = 26, 27
	)
	deny := uint32(unix.SECCOMP_RET_ERRNO | unix.EACCES)
	return []unix.SockFilter{
		0:  {Code: load, K: dataArch},
		1:  {Code: equal, K: arch, Jt: 1},
		2:  {Code: answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		3:  {Code: load, K: dataNumber},
		4:  {Code: least, K: x32, Jt: refuse - 5}, // no number of arm64's is as large
		5:  {Code: equal, K: unix.SYS_SOCKET, Jt: refuse - 6},
		6:  {Code: equal, K: unix.SYS_IO_URING_SETUP, Jt: refuse - 7},
		7:  {Code: equal, K: unix.SYS_SOCKETPAIR, Jt: 10 - 8},
		8:  {Code: equal, K: unix.SYS_SETRLIMIT, Jt: 16 - 9},
		9:  {Code: equal, K: unix.SYS_PRLIMIT64, Jt: 18 - 10, Jf: allow - 10},
		10: {Code: load, K: dataFirst}, // of socketpair
		11: {Code: equal, K: unix.AF_UNIX, Jf: refuse - 12},
		12: {Code: load, K: dataSecond},
		13: {Code: mask, K: typeOnly},
		14: {Code: equal, K: unix.SOCK_STREAM, Jt: allow - 15},
		15: {Code: equal, K: unix.SOCK_SEQPACKET, Jt: allow - 16, Jf: refuse - 16},
		16: {Code: load, K: dataFirst}, // of setrlimit
		17: {Code: equal, K: unix.RLIMIT_LOCKS, Jt: refuse - 18, Jf: allow - 18},
		18: {Code: load, K: dataThird}, // of prlimit64: none is to read
		19: {Code: equal, K: 0, Jf: 22 - 20},
		20: {Code: load, K: dataThird + 4},
		21: {Code: equal, K: 0, Jt: allow - 22},
		22: {Code: load, K: dataFirst},
		23: {Code: equal, K: 0, Jf: refuse - 24}, // 0 is the caller
		24: {Code: load, K: dataSecond},
		25: {Code: equal, K: unix.RLIMIT_LOCKS, Jt: refuse - 26},

		allow:  {Code: answer, K: unix.SECCOMP_RET_ALLOW},
		refuse: {Code: answer, K: deny},
	}
}
