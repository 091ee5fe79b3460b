package wasi

import (
	"math"
	"syscall"
	"time"
)

func argsGet(c call) error         { return c.putStrings(c.p.Args()) }
func argsSizesGet(c call) error    { return c.putSizes(c.p.Args()) }
func environGet(c call) error      { return c.putStrings(c.p.Env()) }
func environSizesGet(c call) error { return c.putSizes(c.p.Env()) }

// sizeOf is the room that strings take with their NULs.
func sizeOf(list []string) (uint32, error) {
	n := uint64(len(list))
	for _, s := range list {
		n += uint64(len(s))
	}
	if n > math.MaxUint32 {
		return 0, syscall.EOVERFLOW
	}
	return uint32(n), nil
}

// putSizes (count: u32*, size: u32*).
func (c call) putSizes(list []string) error {
	size, err := sizeOf(list)
	if err != nil {
		return err
	}
	if err := c.mem.putU32(c.u32(0), uint32(len(list))); err != nil {
		return err
	}
	return c.mem.putU32(c.u32(1), size)
}

// putStrings (pointers: u32*, buf: u8*).
func (c call) putStrings(list []string) error {
	size, err := sizeOf(list)
	if err != nil {
		return err
	}
	pointers, err := c.mem.array(c.u32(0), uint32(len(list)), 4)
	if err != nil {
		return err
	}
	at := c.u32(1)
	buf, err := c.mem.bytes(at, size)
	if err != nil {
		return err
	}
	for _, s := range list {
		le.PutUint32(pointers, at)
		pointers = pointers[4:]
		n := copy(buf, s)
		buf[n] = 0
		buf = buf[n+1:]
		at += uint32(n) + 1
	}
	return nil
}

// Clocks of $clockid. The two that count CPU time are not offered: a guest could
// tell from them what else the host is doing.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// clockResGet (id, resolution: u64*).
func clockResGet(c call) error {
	if c.u32(0) > clockMonotonic {
		return syscall.EINVAL
	}
	return c.mem.putU64(c.u32(1), uint64(time.Nanosecond))
}

// clockTimeGet (id, precision, time: u64*). The precision is only a permission to
// be less exact.
func clockTimeGet(c call) error {
	var now uint64
	switch c.u32(0) {
	case clockRealtime:
		now = timestamp(c.p.Clock().Now())
	case clockMonotonic:
		now = uint64(c.p.Clock().Monotonic())
	default:
		return syscall.EINVAL
	}
	return c.mem.putU64(c.u32(2), now)
}

// randomGet (buf, len).
func randomGet(c call) error {
	b, err := c.mem.bytes(c.u32(0), c.u32(1))
	if err != nil {
		return err
	}
	return c.p.Random(b)
}

func schedYield(c call) error {
	c.p.Yield()
	return nil
}

// procExit (code). It does not return.
func procExit(c call) error {
	c.p.Exit(c.u32(0))
	unwind(c.u32(0))
	return nil
}

// Signals of $signal that do not end a process.
const (
	signalNone  = 0
	signalChld  = 16
	signalCont  = 17
	signalStop  = 18
	signalTstp  = 19
	signalTtin  = 20
	signalTtou  = 21
	signalUrg   = 22
	signalWinch = 27
	signalLast  = 30
)

// procRaise (signal) does what POSIX does by default, for there are no handlers: it
// ends the process, with the code that a shell would tell; or it does nothing. A
// process that stopped could not be continued, so that is ENOTSUP.
func procRaise(c call) error {
	switch sig := c.u32(0); sig {
	case signalNone, signalChld, signalCont, signalUrg, signalWinch:
		return nil
	case signalStop, signalTstp, signalTtin, signalTtou:
		return syscall.ENOTSUP
	default:
		if sig > signalLast {
			return syscall.EINVAL
		}
		c.p.Exit(128 + sig)
		unwind(128 + sig)
		return nil
	}
}
