package kernel

import (
	"context"
	"io"
	"reflect"
	"runtime"
	"time"

	"dappco.re/go/cloche/fs"
)

// outputChunk is how much is handed to the writer at once.
const outputChunk = 64 << 10

// closeGrace is how long Close waits for a foreign Read or Write that was still
// under way when the process was stopped. The lifecycle of package process leaves
// its callers' a tenth of a second after a kill, so that only somebody else's can
// take as long, and a busy machine is no reason to leave one behind.
const closeGrace = 5 * time.Second

// output is a stream that goes to an io.Writer. A goroutine, the pump, makes the
// calls, because a Write cannot be left; what it writes is a copy, because the
// guest's memory may be gone before the Write returns.
//
// A guest's write returns when the writer's has: errors reach the guest that
// caused them, and nothing lies in a buffer when it exits.
type output struct {
	w       io.Writer // nil discards
	ino     uint64
	changed bell

	// turn is a lock that one can stop waiting for. It guards what follows. A
	// write that was left never gives it back.
	turn    chan struct{}
	buf     []byte
	started bool
	err     error // of an earlier write

	todo chan []byte
	did  chan written
	done chan struct{} // closed by the pump
}

type written struct {
	n   int
	err error
}

func newOutput(w io.Writer, ino uint64) *output {
	o := &output{w: w, ino: ino, turn: make(chan struct{}, 1)}
	o.turn <- struct{}{}
	return o
}

func (o *output) stat() (fs.Stat, error) { return streamStat(o.ino), nil }
func (o *output) bell() *bell            { return &o.changed }

func (o *output) ready(d direction) (readiness, bool) {
	return readiness{bytes: outputChunk}, d == writing
}

// write is never EAGAIN: a foreign writer cannot tell whether it would block.
func (o *output) write(ctx context.Context, _ bool, bufs [][]byte) (int, error) {
	if o.w == nil {
		return total(bufs), nil
	}
	select {
	case <-o.turn:
	case <-ctx.Done():
		return 0, ErrStopped
	}
	n, err := o.writeAll(ctx, bufs)
	if err == ErrStopped {
		return n, err
	}
	o.turn <- struct{}{}
	return n, err
}

// writeAll hands the bytes over in chunks. As in write(2), an error after some
// bytes is told by the next write.
func (o *output) writeAll(ctx context.Context, bufs [][]byte) (n int, err error) {
	if o.err != nil {
		return 0, o.err
	}
	left := total(bufs)
	for left > 0 {
		var chunk []byte
		chunk, bufs = o.gather(bufs, left)
		m, err := o.hand(ctx, chunk)
		n, left = n+m, left-m
		if err == ErrStopped {
			return n, err
		}
		if err != nil {
			o.err = err
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
	}
	return n, nil
}

// gather copies the next chunk out of bufs and returns what is left of them. It
// changes the slices in bufs, not what they point to.
func (o *output) gather(bufs [][]byte, left int) ([]byte, [][]byte) {
	if size := min(left, outputChunk); cap(o.buf) < size {
		o.buf = make([]byte, 0, max(size, 512))
	}
	chunk := o.buf[:0]
	for len(bufs) > 0 {
		m := min(len(bufs[0]), outputChunk-len(chunk), cap(chunk)-len(chunk))
		chunk = append(chunk, bufs[0][:m]...)
		if m < len(bufs[0]) {
			bufs[0] = bufs[0][m:]
			break
		}
		bufs = bufs[1:]
	}
	return chunk, bufs
}

// hand lets the pump write p.
func (o *output) hand(ctx context.Context, p []byte) (int, error) {
	if !o.started {
		o.started = true
		o.todo, o.did, o.done = make(chan []byte), make(chan written, 1), make(chan struct{})
		go o.pump()
	}
	o.todo <- p
	select {
	case r := <-o.did:
		// Two goroutines that wake each other share one turn at the processor, of
		// ten milliseconds, however often they do; and so would make others wait.
		runtime.Gosched()
		return r.n, r.err
	case <-ctx.Done():
		return 0, ErrStopped
	}
}

func (o *output) pump() {
	defer close(o.done)
	for p := range o.todo {
		n, err := o.w.Write(p)
		n = min(max(n, 0), len(p))
		if n < len(p) && err == nil {
			err = io.ErrShortWrite
		}
		o.did <- written{n, err}
	}
}

// close ends the pump. A Write that was left gets closeGrace to return, so that
// only a writer that is truly stuck is written to after this.
func (o *output) close() {
	if !o.started {
		return
	}
	close(o.todo)
	waitFor(o.done)
}

// waitFor waits for a pump to end, but not for ever.
func waitFor(done <-chan struct{}) {
	select {
	case <-done:
		return
	default:
	}
	t := time.NewTimer(closeGrace)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// sameWriter reports whether a and b are one writer, as when stderr is merged into
// stdout.
func sameWriter(a, b io.Writer) bool {
	if a == nil || b == nil {
		return false
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}
