package native

import (
	"fmt"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

// keep arranges for l to hold, or says what that would take, and does what little
// can be done.
func (b *bounds) keep(l limit, program string) (fix string) {
	switch l.name {
	case process.LimitFileSize:
		return b.keepEach(l, unix.RLIMIT_FSIZE, program)
	case process.LimitDescriptors:
		return b.keepEach(l, unix.RLIMIT_NOFILE, program)
	case process.LimitMemory:
		fix := b.keepMemory(l.max)
		if fix != "" {
			// Not RLIMIT_AS: runtimes reserve far more addresses than they use.
			b.keepEach(l, unix.RLIMIT_DATA, program)
		}
		return fix
	case process.LimitProcesses:
		// Not RLIMIT_NPROC: it counts all that the user runs anywhere.
		return b.keepProcesses(l.max)
	}
	return useWasm
}

// keepEach bounds each process of the tree by itself.
func (b *bounds) keepEach(l limit, resource int, program string) (fix string) {
	if fix := unheld(program); fix != "" {
		return fix
	}
	b.rlimits = append(b.rlimits, &rlimit{l.name, resource, uint64(l.max)})
	return ""
}

// impose sets the limits of a process that is held.
func (b *bounds) impose(pid int) error {
	for _, r := range b.rlimits {
		if err := r.impose(pid); err != nil {
			return fmt.Errorf("limiting the process: %w", err)
		}
		if r.resource == unix.RLIMIT_FSIZE {
			// SIGXFSZ dumps core, beside the files that it was to be kept from.
			core := rlimit{resource: unix.RLIMIT_CORE}
			if err := core.impose(pid); err != nil {
				return fmt.Errorf("limiting the process: %w", err)
			}
		}
	}
	return nil
}

// impose lowers the soft and the hard limit. What is lower already stays, and
// counts.
func (r *rlimit) impose(pid int) error {
	var now unix.Rlimit
	if err := unix.Prlimit(pid, r.resource, nil, &now); err != nil {
		return err
	}
	now.Cur, now.Max = min(now.Cur, r.max), min(now.Max, r.max)
	r.max = now.Cur
	return unix.Prlimit(pid, r.resource, &now, nil)
}

// exceeded is the limit that ended the process by sig, or nil. It is asked while
// the tree is still there.
func (b *bounds) exceeded(sig process.Signal) error {
	if sig == process.SIGKILL && b.memory > 0 && b.tree.ranOut() {
		return &process.LimitError{Limit: process.LimitMemory, Max: b.memory}
	}
	for _, r := range b.rlimits {
		if sig == "SIGXFSZ" && r.resource == unix.RLIMIT_FSIZE {
			return &process.LimitError{Limit: r.name, Max: int64(r.max)}
		}
	}
	return nil
}
