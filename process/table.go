package process

import (
	"cmp"
	"maps"
	"slices"
)

// DefaultHistory is how many ended processes a service remembers.
const DefaultHistory = 64

// retainedOutput is how much output of ended processes a service remembers; the
// latest is kept whatever its size.
const retainedOutput = 64 << 20

// table holds every process that has not ended, and the latest of those that
// have. Its user locks it.
type table struct {
	byID     map[string]*Handle
	ended    []*Handle // oldest first
	retained int64     // bytes of output in ended
	live     int
	seq      uint64
	history  int   // how many may be in ended
	memory   int64 // how much output they may hold
}

func (t *table) add(h *Handle) {
	t.seq++
	h.seq = t.seq
	t.byID[h.id] = h
	t.live++
}

// lives says whether a process of that id has not ended.
func (t *table) lives(id string) bool {
	h, ok := t.byID[id]
	return ok && !h.hasEnded()
}

// end moves h into the history, and forgets the oldest when that is full.
func (t *table) end(h *Handle) {
	t.live--
	t.ended = append(t.ended, h)
	t.retained += h.retained()
	for len(t.ended) > t.history || len(t.ended) > 1 && t.retained > t.memory {
		oldest := t.ended[0]
		t.retained -= oldest.retained()
		t.ended = slices.Delete(t.ended, 0, 1)
		if t.byID[oldest.id] == oldest { // and not one that was adopted by that id since
			delete(t.byID, oldest.id)
		}
	}
}

// all returns the processes in the order they were started.
func (t *table) all() []*Handle {
	return slices.SortedFunc(maps.Values(t.byID), func(a, b *Handle) int {
		return cmp.Compare(a.seq, b.seq)
	})
}
