package wasi

import "syscall"

// There are no sockets, so a descriptor that is open is not one.

// sockAccept (fd, flags, fd: fd*).
func sockAccept(c call) error { return c.notSocket() }

// sockRecv (fd, ri_data, ri_data_len, ri_flags, ro_datalen: u32*, ro_flags: u16*).
func sockRecv(c call) error { return c.notSocket() }

// sockSend (fd, si_data, si_data_len, si_flags, so_datalen: u32*).
func sockSend(c call) error { return c.notSocket() }

// sockShutdown (fd, how). How has two bits, and one must be set.
func sockShutdown(c call) error {
	if how := c.u32(1); how == 0 || how > 3 {
		return syscall.EINVAL
	}
	return c.notSocket()
}

func (c call) notSocket() error {
	if err := c.p.Check(c.fd(0)); err != nil {
		return err
	}
	return syscall.ENOTSOCK
}
