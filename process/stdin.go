package process

import (
	"context"
	"io"
	"sync"
	"time"
)

// noInput is the input of a process that was given none.
type noInput struct{}

func (noInput) Read([]byte) (int, error) { return 0, io.EOF }
func (noInput) Close() error             { return nil }

// pump reads a caller's io.Reader on a goroutine of its own, because such a Read
// cannot be interrupted. It reads only when the process does and never more than
// asked for, so a process that ignores its input takes nothing from the caller,
// and costs no goroutine.
//
// A Read that is under way when the process ends is interrupted by
// SetReadDeadline if the reader has that and accepts it (the deadline is cleared
// afterwards); otherwise its goroutine stays until the reader returns, and what
// it read is lost.
type pump struct {
	from io.Reader
	fail func(error) // is told what the reader failed with

	serial sync.Mutex // one Read at a time
	want   chan int
	got    chan chunk
	begun  bool
	rest   []byte // under serial: read, not yet taken
	end    error  // under serial: what comes after rest

	mu      sync.Mutex
	reading bool
	closed  bool
	quit    chan struct{} // closed by Close
	idle    chan struct{} // closed by the goroutine when its last Read is over
}

// maxEmptyReads is how often a reader may answer nothing at all in a row.
const maxEmptyReads = 100

type chunk struct {
	data []byte
	err  error
}

func newPump(from io.Reader, fail func(error)) *pump {
	return &pump{
		from: from,
		fail: fail,
		want: make(chan int),
		got:  make(chan chunk),
		quit: make(chan struct{}),
		idle: make(chan struct{}),
	}
}

func (p *pump) Read(b []byte) (int, error) {
	p.serial.Lock()
	defer p.serial.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	if len(p.rest) == 0 && p.end == nil {
		p.fetch(len(b))
	}
	if len(p.rest) == 0 {
		return 0, p.end
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pump) fetch(n int) {
	if !p.begun {
		p.begun = true
		go p.serve()
	}
	select {
	case p.want <- min(n, maxChunk):
	case <-p.quit:
		p.end = io.ErrClosedPipe
		return
	}
	select {
	case c := <-p.got:
		p.rest, p.end = c.data, c.err
	case <-p.quit:
		p.end = io.ErrClosedPipe
	}
}

func (p *pump) serve() {
	defer close(p.idle)
	buf := make([]byte, maxChunk)
	for {
		select {
		case n := <-p.want:
			c, open := p.read(buf[:n])
			if !open {
				return
			}
			select {
			case p.got <- c:
			case <-p.quit:
				return
			}
			if c.err != nil {
				return
			}
		case <-p.quit:
			return
		}
	}
}

// read calls the reader, unless the process has ended. An empty read without an
// error means nothing to io.Reader, but would mean EOF to some backends.
func (p *pump) read(buf []byte) (c chunk, open bool) {
	if !p.enter() {
		return chunk{}, false
	}
	var n int
	err := guard("the reader of stdin", func() (err error) {
		for range maxEmptyReads {
			if n, err = p.from.Read(buf); n > 0 || err != nil {
				return err
			}
		}
		return io.ErrNoProgress
	})
	if !p.leave() {
		return chunk{}, false
	}
	if err != nil && err != io.EOF {
		p.fail(err)
	}
	return chunk{buf[:n], err}, true
}

func (p *pump) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = !p.closed
	return p.reading
}

func (p *pump) leave() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = false
	return !p.closed
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// Close ends the input. When it returns the reader is the caller's again, unless
// it is in a Read that nothing interrupts.
func (p *pump) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	reading := p.reading
	p.mu.Unlock()
	close(p.quit)
	if reading {
		p.interrupt()
	}
	return nil
}

func (p *pump) interrupt() {
	d, ok := p.from.(deadliner)
	if !ok || d.SetReadDeadline(time.Unix(1, 0)) != nil {
		return
	}
	defer d.SetReadDeadline(time.Time{})
	select {
	case <-p.idle:
	case <-time.After(lingerTime):
	}
}

// pipeSize is how much input a process may be sent before it reads.
const pipeSize = 64 << 10

// pipe is the input of a process that keeps it open: an in-memory pipe with a
// buffer, so that a small write returns before the process reads it.
type pipe struct {
	mu      sync.Mutex // held by nobody who waits
	changed *sync.Cond
	buf     []byte
	ended   bool // by the writer
	closed  bool // by the reader
}

func newPipe() *pipe {
	p := &pipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return 0, io.ErrClosedPipe
		case len(b) == 0:
			return 0, nil
		case len(p.buf) > 0:
			n := copy(b, p.buf)
			p.buf = p.buf[:copy(p.buf, p.buf[n:])]
			p.changed.Broadcast()
			return n, nil
		case p.ended:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

// write puts b into the pipe, and waits for room until ctx ends.
func (p *pipe) write(ctx context.Context, b []byte) (n int, err error) {
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		room := pipeSize - len(p.buf)
		switch {
		case p.closed || p.ended:
			return n, io.ErrClosedPipe
		case room > 0:
			m := min(room, len(b))
			p.buf = append(p.buf, b[:m]...)
			b, n = b[m:], n+m
			p.changed.Broadcast()
			continue
		case ctx.Err() != nil:
			return n, context.Cause(ctx)
		}
		p.changed.Wait()
	}
	return n, nil
}

// end is EOF for the reader, after what is in the buffer.
func (p *pipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.changed.Broadcast()
}

// Close is the reader's.
func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.buf = true, nil
	p.changed.Broadcast()
	return nil
}

// input is what Handle.Stdin returns.
type input struct{ pipe *pipe }

func (i input) Write(b []byte) (int, error) { return i.pipe.write(context.Background(), b) }
func (i input) Close() error                { i.pipe.end(); return nil }

var errStdinNotOpen = &SpecError{
	Field: "stdin", Err: ErrInvalid,
	Fix: "keep it open from the start: Spec.OpenStdin, or stdin: true in process.start",
}

// shutInput is what Handle.Stdin returns when the Spec did not open it.
type shutInput struct{}

func (shutInput) Write([]byte) (int, error) {
	return 0, errStdinNotOpen
}
func (shutInput) Close() error { return nil }
