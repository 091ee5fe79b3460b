package cli

import (
	"io"
	"sync"
)

// handover is this command's own input, read first by the guest and then, for
// the answer to a question, by cloche. A Read cannot be interrupted, so one that
// the guest began may still wait when the guest is gone: what it brings is the
// answer, and is kept.
type handover struct {
	from io.Reader

	mu      sync.Mutex
	changed sync.Cond
	reading bool // a Read of from is under way
	held    []byte
	end     error // what comes after held
	taken   bool
}

func newHandover(from io.Reader) *handover {
	h := &handover{from: from}
	h.changed.L = &h.mu
	return h
}

// Read is for the guest. After take it is at its end.
func (h *handover) Read(p []byte) (int, error) {
	return h.read(p, func() bool { return h.taken })
}

// take ends the guest's reading and returns the rest of the input.
func (h *handover) take() io.Reader {
	h.mu.Lock()
	h.taken = true
	h.mu.Unlock()
	h.changed.Broadcast()
	return readerFunc(func(p []byte) (int, error) {
		return h.read(p, func() bool { return false })
	})
}

func (h *handover) read(p []byte, over func() bool) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case len(p) == 0:
			return 0, nil
		case over():
			return 0, io.EOF
		case len(h.held) > 0:
			n := copy(p, h.held)
			h.held = h.held[n:]
			return n, nil
		case h.end != nil:
			return 0, h.end
		case !h.reading:
			h.reading = true
			go h.fill(len(p))
		}
		h.changed.Wait()
	}
}

// fill reads once, and no more than was asked for.
func (h *handover) fill(size int) {
	buf := make([]byte, size)
	n, err := h.from.Read(buf)
	h.mu.Lock()
	h.held, h.end, h.reading = buf[:n], err, false
	h.mu.Unlock()
	h.changed.Broadcast()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
