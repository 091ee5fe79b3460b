package kernel

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
)

// ErrStopped answers every call that waits once the context of the Process has
// ended. The guest must not go on.
var ErrStopped = errors.New("the process is being stopped")

// bell wakes everyone who waits for a change of an object. The zero bell is ready
// for use.
type bell struct {
	mu     sync.Mutex
	wakers []waker
}

// waker is woken by bells. It holds one wake-up, so none is lost between looking
// and waiting.
type waker chan struct{}

func newWaker() waker { return make(waker, 1) }

func (b *bell) watch(w waker) {
	b.mu.Lock()
	b.wakers = append(b.wakers, w)
	b.mu.Unlock()
}

func (b *bell) unwatch(w waker) {
	b.mu.Lock()
	if i := slices.Index(b.wakers, w); i >= 0 {
		b.wakers = slices.Delete(b.wakers, i, i+1)
	}
	b.mu.Unlock()
}

func (b *bell) ring() {
	b.mu.Lock()
	for _, w := range b.wakers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	b.mu.Unlock()
}

// await repeats try until it answers anything but EAGAIN, listening to b between
// the tries. With nonblock, EAGAIN is an answer too.
func await(ctx context.Context, nonblock bool, b *bell, try func() (int, error)) (int, error) {
	n, err := try()
	if err != syscall.EAGAIN || nonblock {
		return n, err
	}
	w := newWaker()
	b.watch(w)
	defer b.unwatch(w)
	for {
		// Tried again after the watch began: what came before it rang no bell.
		if n, err := try(); err != syscall.EAGAIN {
			return n, err
		}
		select {
		case <-w:
		case <-ctx.Done():
			return 0, ErrStopped
		}
	}
}
