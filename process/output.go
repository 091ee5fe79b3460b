package process

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"sync"
)

// Output is what was captured of a process. Exit is zero while it runs.
//
// Where bytes were dropped, the first half of what is kept is the beginning of
// the stream and the rest is its end.
type Output struct {
	Stdout, Stderr               []byte // Stderr is empty when merged
	StdoutDropped, StderrDropped int64  // bytes missing in the middle
	Exit                         Exit
}

// maxChunk bounds what is copied for a writer or a receiver of events.
const maxChunk = 32 << 10

// sink is one of the process's outputs at the seam: it captures, streams,
// tells and counts.
type sink struct {
	h       *Handle
	stream  Stream
	kept    *capture
	writer  *writer // nil when nobody listens
	serial  sync.Mutex
	refusal error // under serial: what every further Write answers
}

// Write fails only when the process is being ended because of it. serial is held
// while the caller's writer blocks; nothing but Write takes it.
func (s *sink) Write(p []byte) (int, error) {
	s.serial.Lock()
	defer s.serial.Unlock()
	if s.refusal != nil {
		return 0, s.refusal
	}
	allowed := s.h.budget.take(len(p))
	for chunk := range slices.Chunk(p[:allowed], maxChunk) {
		offset := s.kept.write(chunk)
		s.h.news.ring()
		if s.h.isHeard() {
			s.h.tell(OutputEvent{ID: s.h.id, Stream: s.stream, Offset: offset, Data: slices.Clone(chunk)})
		}
		if err := s.writer.write(chunk); err != nil {
			s.refusal = fmt.Errorf("writing to %s: %w", s.stream, err)
			s.h.stop(s.refusal, "", -1)
			return 0, s.refusal
		}
	}
	if allowed < len(p) {
		limit := &LimitError{Limit: LimitOutput, Max: s.h.budget.max}
		s.refusal = limit
		s.h.tell(LimitedEvent{ID: s.h.id, Limit: limit})
		s.h.stop(limit, "", -1)
		return allowed, limit
	}
	return len(p), nil
}

// budget counts both streams against Limits.Output.
type budget struct {
	mu   sync.Mutex
	max  int64 // zero means no limit
	used int64
}

// take returns how many of n bytes may still be written.
func (b *budget) take(n int) int {
	if b.max == 0 {
		return n
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n = int(min(int64(n), b.max-b.used))
	b.used += int64(n)
	return n
}

// writer calls a caller's io.Writer from a goroutine of its own, so that one
// that blocks can be left behind when the process is killed. Until then a write
// returns only when the caller has taken it: that is the back pressure which
// keeps a fast process from filling memory.
type writer struct {
	to        io.Writer
	abandoned <-chan struct{}

	serial sync.Mutex // one write at a time, also when both streams share it
	buf    []byte     // the goroutine's, from the send to its answer
	chunks chan []byte
	answer chan error
	left   bool
}

// newWriters makes the writers of both streams: the same one, as in os/exec,
// when the caller gave the same io.Writer for both.
func newWriters(stdout, stderr io.Writer, abandoned <-chan struct{}) (out, err *writer) {
	out = newWriter(stdout, abandoned)
	if same(stdout, stderr) {
		return out, out
	}
	return out, newWriter(stderr, abandoned)
}

func newWriter(to io.Writer, abandoned <-chan struct{}) *writer {
	if to == nil {
		return nil
	}
	return &writer{to: to, abandoned: abandoned}
}

func same(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a) == reflect.TypeOf(b) &&
		reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

func (w *writer) write(p []byte) error {
	if w == nil {
		return nil
	}
	w.serial.Lock()
	defer w.serial.Unlock()
	if w.left {
		return nil
	}
	if w.chunks == nil {
		w.chunks, w.answer = make(chan []byte), make(chan error, 1)
		go w.serve()
	}
	w.buf = append(w.buf[:0], p...)
	w.chunks <- w.buf // serve is waiting: it answers before it takes the next
	select {
	case err := <-w.answer:
		return err
	case <-w.abandoned:
		w.left = true
		return nil
	}
}

func (w *writer) serve() {
	for p := range w.chunks {
		w.answer <- guard("the writer", func() error {
			n, err := w.to.Write(p)
			if err == nil && n != len(p) {
				err = io.ErrShortWrite
			}
			return err
		})
	}
}

// close ends the goroutine, at once or as soon as the caller's Write returns.
func (w *writer) close() {
	if w == nil {
		return
	}
	w.serial.Lock()
	defer w.serial.Unlock()
	if w.chunks != nil {
		close(w.chunks)
		w.chunks, w.left = nil, true
	}
}
