package wasi

import (
	"syscall"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// pollOneoff (in: subscription*, out: event*, nsubscriptions, nevents: u32*).
func pollOneoff(c call) error {
	n := c.u32(2)
	if n == 0 || n > kernel.MaxSubscriptions {
		return syscall.EINVAL
	}
	in, err := c.mem.array(c.u32(0), n, subscriptionSize)
	if err != nil {
		return err
	}
	out, err := c.mem.array(c.u32(1), n, eventSize)
	if err != nil {
		return err
	}
	count, err := c.mem.bytes(c.u32(3), 4)
	if err != nil {
		return err
	}
	// Read before anything is written: in and out may overlap.
	subs := make([]kernel.Subscription, n)
	for i := range subs {
		if subs[i], err = subscription(in[i*subscriptionSize:]); err != nil {
			return err
		}
	}
	events, err := c.p.Poll(subs, nil)
	if err != nil {
		return err
	}
	for i, e := range events {
		putEvent(out[i*eventSize:], e)
	}
	le.PutUint32(count, uint32(len(events)))
	return nil
}

// subscription reads $subscription. An unknown tag has no event to answer with, so
// it fails the whole call.
func subscription(b []byte) (kernel.Subscription, error) {
	s := kernel.Subscription{Userdata: le.Uint64(b), Kind: kernel.EventKind(b[8])}
	switch s.Kind {
	case kernel.EventRead, kernel.EventWrite:
		s.FD = kernel.FD(le.Uint32(b[16:]))
	case kernel.EventClock:
		id, flags := le.Uint32(b[16:]), le.Uint16(b[40:])
		s.Timeout = le.Uint64(b[24:])
		s.Wall = id == clockRealtime
		s.Absolute = flags&1 != 0
		if id > clockMonotonic || flags > 1 {
			s.Err = syscall.EINVAL
		}
	default:
		return s, syscall.EINVAL
	}
	return s, nil
}
