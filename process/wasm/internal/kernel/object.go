package kernel

import (
	"context"

	"dappco.re/go/cloche/fs"
)

// object is what an open file description refers to. Whatever else it can do, it
// says by implementing source, sink or waitable.
type object interface {
	stat() (fs.Stat, error)
	// close is called once, when the last reference is gone.
	close()
}

// source is an object that is read from front to back.
type source interface {
	// read fills bufs in order and returns 0 at the end. It waits for the first
	// byte unless nonblock, and then answers EAGAIN.
	read(ctx context.Context, nonblock bool, bufs [][]byte) (int, error)
}

// sink is an object that is written from front to back.
type sink interface {
	write(ctx context.Context, nonblock bool, bufs [][]byte) (int, error)
}

// direction is a way of using an object that one may have to wait for.
type direction uint8

const (
	reading direction = iota
	writing
)

// readiness is what Poll tells of an object that can be used without waiting.
type readiness struct {
	bytes  uint64 // how many can be moved at once, where known
	hangup bool   // the other end is gone
}

// waitable is an object that one may have to wait for.
type waitable interface {
	// ready tells whether using the object would not wait now.
	ready(d direction) (readiness, bool)
	// bell rings whenever ready may have changed.
	bell() *bell
}
