package fs

import "golang.org/x/sys/unix"

// Allocate makes room for a range of the file, and extends it with zeros to the
// range's end if it is shorter: fallocate(2) with mode 0. It is in one step, so
// what others append meanwhile is not cut off. A filesystem that cannot answers
// ENOTSUP.
//
// Only Linux has it: posix_fallocate(3) of other systems is missing, or may be
// emulated by reading and writing, which is not in one step.
func (n *hostNode) Allocate(offset, size int64) error {
	return n.use(func(fd int) error { return unix.Fallocate(fd, 0, offset, size) })
}
