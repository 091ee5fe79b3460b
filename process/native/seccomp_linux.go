package native

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock knows TCP alone, and no socket that is named by a path. So sockets are
// refused where they are made: by socket(2), and by io_uring(7), which can make
// them without it. A pair of them leads nowhere else, and stays allowed.

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
)

// refuseSockets filters the calls of the calling thread and of all its children.
func refuseSockets() error {
	arch, ok := architectures[runtime.GOARCH]
	if !ok {
		return cannotConfine("system calls of "+runtime.GOARCH+" are not known", "run it on amd64 or arm64")
	}
	filter := socketFilter(arch)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("filtering system calls: %w", errno)
	}
	return nil
}

// socketFilter is a program of classic BPF. A call of another architecture, 32-bit
// ones on a 64-bit system among them, ends the process: their numbers mean
// something else.
func socketFilter(arch uint32) []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
	)
	deny := uint32(unix.SECCOMP_RET_ERRNO | unix.EACCES)
	return []unix.SockFilter{
		{Code: load, K: dataArch},
		{Code: equal, K: arch, Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: load, K: dataNumber},
		{Code: least, K: x32, Jt: 3}, // no number of arm64's is as large
		{Code: equal, K: unix.SYS_SOCKET, Jt: 2},
		{Code: equal, K: unix.SYS_IO_URING_SETUP, Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: answer, K: deny},
	}
}
