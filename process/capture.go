package process

import (
	"slices"
	"sync"
)

// DefaultCapture is how much of each stream is kept when a Spec does not say.
// Only a process that writes as much needs the memory.
const DefaultCapture = 16 << 20

// capture keeps the first and the last bytes of a stream, exactly as written.
type capture struct {
	mu    sync.RWMutex // so that any number who read cannot keep a writer waiting
	head  []byte
	tail  []byte // a ring once it is full
	start int    // of the oldest byte in a full ring
	total int64

	headCap, tailCap int
}

func newCapture(size int) *capture {
	switch {
	case size == 0:
		size = DefaultCapture
	case size < 0:
		size = 0
	}
	return &capture{headCap: size / 2, tailCap: size - size/2}
}

// write takes p and returns its offset in the stream.
func (c *capture) write(p []byte) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	offset := c.total
	c.total += int64(len(p))
	n := min(c.headCap-len(c.head), len(p))
	c.head = append(c.head, p[:n]...)
	c.keepTail(p[n:])
	return offset
}

func (c *capture) keepTail(p []byte) {
	if len(p) > c.tailCap {
		p = p[len(p)-c.tailCap:]
	}
	n := min(c.tailCap-len(c.tail), len(p))
	c.tail = append(c.tail, p[:n]...)
	for p = p[n:]; len(p) > 0; p = p[n:] {
		n = copy(c.tail[c.start:], p)
		c.start = (c.start + n) % c.tailCap
	}
}

// snapshot returns a copy of what is kept, and how many bytes are missing
// between its head and its tail.
func (c *capture) snapshot() (kept []byte, dropped int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	kept = make([]byte, 0, len(c.head)+len(c.tail))
	kept = append(kept, c.head...)
	kept = append(kept, c.tail[c.start:]...)
	kept = append(kept, c.tail[:c.start]...)
	return kept, c.total - int64(len(kept))
}

// read returns a copy of at most maxChunk bytes of what is kept from offset on,
// and their offset, which is a later one when bytes were dropped. It returns
// nothing at the end of the stream.
func (c *capture) read(offset int64) (at int64, p []byte) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if offset < int64(len(c.head)) {
		return offset, clipped(c.head[offset:])
	}
	at = max(offset, c.total-int64(len(c.tail)))
	old, young := c.tail[c.start:], c.tail[:c.start]
	i := int(at - (c.total - int64(len(c.tail))))
	if i < len(old) {
		return at, clipped(old[i:])
	}
	return at, clipped(young[i-len(old):])
}

func clipped(p []byte) []byte { return slices.Clone(p[:min(len(p), maxChunk)]) }

// size is the memory that the stream takes.
func (c *capture) size() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return int64(len(c.head) + len(c.tail))
}

func (c *capture) written() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.total
}
