//go:build linux || darwin || freebsd

package fs

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// descriptor is a file descriptor that is closed once, after its last user:
// a system call never sees a number that has been given to another file.
type descriptor struct {
	fd    int
	users atomic.Int64 // owners and calls in progress; 0 means closed
}

func newDescriptor(fd int) *descriptor {
	d := &descriptor{fd: fd}
	d.users.Store(1)
	return d
}

// take adds a user, and fails when the descriptor is closed.
func (d *descriptor) take() bool {
	for {
		n := d.users.Load()
		if n == 0 {
			return false
		}
		if d.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// drop takes a user away. The last one closes; close(2) is not retried, since
// the number is free whatever it answers.
func (d *descriptor) drop() error {
	if d.users.Add(-1) == 0 {
		return unix.Close(d.fd)
	}
	return nil
}

// owner is one of the handles that share a descriptor.
type owner struct {
	d      *descriptor
	closed atomic.Bool
}

// enter takes a user for one call, unless the owner is closed.
func (o *owner) enter() bool { return !o.closed.Load() && o.d.take() }

// use runs call with the descriptor, again when a signal interrupts it.
func (o *owner) use(call func(fd int) error) error {
	if !o.enter() {
		return unix.EBADF
	}
	defer o.d.drop()
	return retry(func() error { return call(o.d.fd) })
}

// share makes another owner.
func (o *owner) share() (*descriptor, error) {
	if !o.enter() {
		return nil, unix.EBADF
	}
	return o.d, nil
}

func (o *owner) close() error {
	if o.closed.Swap(true) {
		return unix.EBADF
	}
	return o.d.drop()
}

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
