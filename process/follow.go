package process

import (
	"context"
	"iter"
)

// Follow returns the process's output from its beginning on, as it comes: byte
// for byte, in pieces of at most 32 KiB whose borders mean nothing. It ends when
// the process has ended and all is delivered, or when ctx ends, which ctx.Err
// tells.
//
// It may be called at any time, also after the end, and any number of times: each
// range over it begins anew and goes at its own pace. A follower reads what
// Spec.Capture keeps, so it takes no memory, and slows down neither the process
// nor another follower. One that is never further behind than half of Spec.Capture
// gets every byte. What was dropped before a follower came to it is told by
// OutputEvent.Missing, so that for each stream, every Missing and the length of
// every Data add up to all that was written.
//
// Each stream is in order. Nothing is promised about the order between the two,
// unless Spec.Merge made them one.
func (h *Handle) Follow(ctx context.Context) iter.Seq[OutputEvent] {
	return func(yield func(OutputEvent) bool) {
		f := h.follower()
		for ctx.Err() == nil {
			news := h.news.listen()
			ended := h.hasEnded() // before looking: then nothing comes after it
			progress, ok := f.look(yield)
			switch {
			case !ok, ended && !progress:
				return
			case progress:
				continue
			}
			select {
			case <-news:
			case <-h.done:
			case <-ctx.Done():
			}
		}
	}
}

// follower is how far somebody has come in each stream of a process.
type follower struct {
	id      string
	streams []place
}

type place struct {
	stream Stream
	kept   *capture
	offset int64
}

func (h *Handle) follower() *follower {
	f := &follower{id: h.id}
	for _, s := range h.sinks() {
		f.streams = append(f.streams, place{stream: s.stream, kept: s.kept})
	}
	return f
}

// look tells the next piece of each stream that has one. ok is false when yield
// wants no more.
func (f *follower) look(yield func(OutputEvent) bool) (progress, ok bool) {
	for i := range f.streams {
		p := &f.streams[i]
		at, data := p.kept.read(p.offset)
		end := at + int64(len(data))
		if end == p.offset {
			continue
		}
		progress = true
		if !yield(OutputEvent{ID: f.id, Stream: p.stream, Offset: at, Data: data, Missing: at - p.offset}) {
			return true, false
		}
		p.offset = end
	}
	return progress, true
}
