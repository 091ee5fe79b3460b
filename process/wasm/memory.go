package wasm

import "github.com/tetratelabs/wazero/experimental"

// copyPiece is how much is copied at a time: some tens of microseconds.
const copyPiece = 256 << 10

// memory is the linear memory of one guest. It is garbage-collected memory, and
// so stays valid for whoever still holds a part of it when the guest is gone.
//
// Only the guest's goroutine uses it.
type memory struct {
	limit   int64
	peak    int64
	refused bool // a grow failed because of the limit
	buf     []byte
}

func newMemory(limit int64) *memory { return &memory{limit: limit / pageSize * pageSize} }

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate returns nil beyond the limit, which the guest sees as a memory.grow
// that fails.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(m.limit) {
		m.refused = true
		return nil
	}
	if size > uint64(cap(m.buf)) {
		// Half as much again, so that growing page by page copies little.
		room := max(size, min(uint64(cap(m.buf))*3/2, uint64(m.limit)))
		grown := make([]byte, size, room)
		// In pieces, between which the host's collector has its turn.
		for at := 0; at < len(m.buf); at += copyPiece {
			copy(grown[at:], m.buf[at:min(at+copyPiece, len(m.buf))])
		}
		m.buf = grown
	}
	m.buf = m.buf[:size]
	m.peak = max(m.peak, int64(size))
	return m.buf
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() { m.buf = nil }
