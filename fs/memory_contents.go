package fs

import (
	"math"
	"sync/atomic"
	"syscall"
)

const (
	maxContents = 1 << 50  // bytes of one file in memory
	chunkSize   = 64 << 10 // bytes
	maxMemory   = 1 << 30  // bytes of a whole tree, contents, inodes and names together
	inodeCost   = 448      // bytes that an inode counts for
	nameCost    = 64       // bytes that a name counts for, beside its own
)

// budget is the memory that a tree may take: what a guest may write to is bounded.
type budget struct {
	max  int64
	used atomic.Int64
}

// take takes n bytes, all or none.
func (b *budget) take(n int64) error {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return syscall.ENOSPC
	}
	return nil
}

// force takes n bytes even beyond the maximum.
func (b *budget) force(n int64) { b.used.Add(n) }

// full reports whether nothing can be taken any more.
func (b *budget) full() bool { return b.used.Load() >= b.max }

func (b *budget) giveBack(n int64) { b.used.Add(-n) }

// contents are the bytes of a file in memory, in chunks, so that holes take no
// room. A chunk may be shorter than chunkSize: what is missing is zero.
type contents struct {
	budget *budget
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

// writeAt writes p at off, which the caller has checked against maxContents, and
// returns how much of it found room.
func (c *contents) writeAt(p []byte, off int64) (done int, err error) {
	for done < len(p) {
		index, at := (off+int64(done))/chunkSize, int((off+int64(done))%chunkSize)
		part := p[done:min(len(p), done+chunkSize-at)]
		chunk, err := c.room(index, at+len(part))
		if err != nil {
			return done, err
		}
		done += copy(chunk[at:], part)
		c.size = max(c.size, off+int64(done))
	}
	return done, nil
}

// room makes a chunk at least size long.
func (c *contents) room(index int64, size int) ([]byte, error) {
	chunk := c.chunks[index]
	if size <= len(chunk) {
		return chunk, nil
	}
	if size > cap(chunk) {
		grown := min(chunkSize, max(size, 2*cap(chunk), 512))
		if err := c.budget.take(int64(grown - cap(chunk))); err != nil {
			return nil, err
		}
		chunk = append(make([]byte, 0, grown), chunk...)
	}
	old := len(chunk)
	chunk = chunk[:size]
	clear(chunk[old:]) // it may have been cut off before
	if c.chunks == nil {
		c.chunks = make(map[int64][]byte)
	}
	c.chunks[index] = chunk
	return chunk, nil
}

func (c *contents) truncate(size int64) {
	if size < c.size {
		last, at := size/chunkSize, int(size%chunkSize)
		for index, chunk := range c.chunks {
			if index > last || index == last && at == 0 {
				c.budget.giveBack(int64(cap(chunk)))
				delete(c.chunks, index)
			}
		}
		if chunk := c.chunks[last]; len(chunk) > at {
			c.chunks[last] = chunk[:at]
		}
	}
	c.size = size
}

// fits reports whether n bytes can be written at off.
func fits(off int64, n int) bool { return off <= math.MaxInt64-int64(n) && off+int64(n) <= maxContents }
