package process

// How much one who is behind may have waiting: this many pieces of output, of at
// most so many bytes together, and this many other events.
const (
	maxWaiting       = 1024
	maxWaitingOutput = 1 << 20
)

// backlog is a queue of events that is bounded but for ends, of which there are
// no more than processes that started while there was room, or before.
type backlog struct {
	events  []Event
	outputs int   // how many of them are output
	bytes   int64 // in these
}

// add says whether there was room for e. A MissedEvent always finds some.
func (b *backlog) add(e Event) bool {
	switch e := e.(type) {
	case MissedEvent:
		b.miss(e.Count)
		return true
	case OutputEvent:
		n := int64(len(e.Data))
		if b.outputs >= maxWaiting || b.bytes+n > maxWaitingOutput {
			b.miss(1)
			return false
		}
		b.outputs, b.bytes = b.outputs+1, b.bytes+n
	case ExitedEvent:
	default:
		if len(b.events)-b.outputs >= maxWaiting {
			b.miss(1)
			return false
		}
	}
	b.events = append(b.events, e)
	return true
}

// miss counts n events that are not where they belong.
func (b *backlog) miss(n int) {
	if last := len(b.events) - 1; last >= 0 {
		if m, ok := b.events[last].(MissedEvent); ok {
			b.events[last] = MissedEvent{Count: m.Count + n}
			return
		}
	}
	b.events = append(b.events, MissedEvent{Count: n})
}

// take returns the oldest event, or nil.
func (b *backlog) take() Event {
	if len(b.events) == 0 {
		return nil
	}
	e := b.events[0]
	b.events[0] = nil
	b.events = b.events[1:]
	if out, ok := e.(OutputEvent); ok {
		b.outputs, b.bytes = b.outputs-1, b.bytes-int64(len(out.Data))
	}
	if len(b.events) == 0 {
		*b = backlog{}
	}
	return e
}
