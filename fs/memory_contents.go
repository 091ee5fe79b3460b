package fs

import (
	"maps"
	"math"
)

const (
	maxContents = 1 << 50  // bytes of one file in memory
	chunkSize   = 64 << 10 // bytes
)

// contents are the bytes of a file in memory, in chunks, so that holes take no
// room. A chunk may be shorter than chunkSize: what is missing is zero.
type contents struct {
	size   int64
	chunks map[int64][]byte // by offset/chunkSize
}

// readAt fills p from off, up to the end.
func (c *contents) readAt(p []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	p = p[:min(int64(len(p)), c.size-off)]
	for done := 0; done < len(p); {
		index, at := (off+int64(done))/chunkSize, int((off+int64(done))%chunkSize)
		part := p[done:min(len(p), done+chunkSize-at)]
		n := 0
		if chunk := c.chunks[index]; at < len(chunk) {
			n = copy(part, chunk[at:])
		}
		clear(part[n:])
		done += len(part)
	}
	return len(p)
}

// writeAt writes p at off, which the caller has checked against maxContents.
func (c *contents) writeAt(p []byte, off int64) {
	if len(p) == 0 {
		return
	}
	for done := 0; done < len(p); {
		index, at := (off+int64(done))/chunkSize, int((off+int64(done))%chunkSize)
		part := p[done:min(len(p), done+chunkSize-at)]
		copy(c.room(index, at+len(part))[at:], part)
		done += len(part)
	}
	c.size = max(c.size, off+int64(len(p)))
}

// room makes a chunk at least size long.
func (c *contents) room(index int64, size int) []byte {
	chunk := c.chunks[index]
	if size <= len(chunk) {
		return chunk
	}
	if size > cap(chunk) {
		grown := make([]byte, len(chunk), min(chunkSize, max(size, 2*cap(chunk), 512)))
		copy(grown, chunk)
		chunk = grown
	}
	old := len(chunk)
	chunk = chunk[:size]
	clear(chunk[old:]) // it may have been cut off before
	if c.chunks == nil {
		c.chunks = make(map[int64][]byte)
	}
	c.chunks[index] = chunk
	return chunk
}

func (c *contents) truncate(size int64) {
	if size < c.size {
		last, at := size/chunkSize, int(size%chunkSize)
		maps.DeleteFunc(c.chunks, func(index int64, _ []byte) bool { return index > last || index == last && at == 0 })
		if chunk := c.chunks[last]; len(chunk) > at {
			c.chunks[last] = chunk[:at]
		}
	}
	c.size = size
}

// fits reports whether n bytes can be written at off.
func fits(off int64, n int) bool { return off <= math.MaxInt64-int64(n) && off+int64(n) <= maxContents }
