package kernel

import (
	"context"
	"io"
	iofs "io/fs"
	"sync"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// inputChunk is how much of the input is read ahead.
const inputChunk = 32 << 10

// maxEmptyReads is how often in a row a reader may return neither bytes nor an
// error before it counts as broken, as in package bufio.
const maxEmptyReads = 100

// input is a stream that comes from an io.ReadCloser. A goroutine, the pump, reads
// it one chunk ahead, because a Read cannot be polled and cannot be left.
//
// The pump starts when the guest first asks, so input that a guest never asks for
// stays with whoever has it.
//
// A whole input is read to its end first: until then it is not that there is nothing,
// it is not known what there is, so that even who does not want to wait does.
type input struct {
	src     io.ReadCloser
	whole   bool
	stopped <-chan struct{} // the process is being stopped
	changed bell
	room    chan struct{} // the chunk has been used up
	quit    chan struct{} // closed by close
	done    chan struct{} // closed by the pump

	mu      sync.Mutex
	started bool
	unread  []byte
	err     error // what follows unread; io.EOF at the end
}

func newInput(src io.ReadCloser, whole bool, stopped <-chan struct{}) *input {
	in := &input{src: src, whole: whole, stopped: stopped}
	if src == nil {
		in.err = io.EOF
		in.started = true
		return in
	}
	in.room = make(chan struct{}, 1)
	in.quit = make(chan struct{})
	in.done = make(chan struct{})
	return in
}

func (in *input) stat() (fs.Stat, error) { return streamStat(stdinIno), nil }
func (in *input) bell() *bell            { return &in.changed }

func (in *input) read(ctx context.Context, nonblock bool, bufs [][]byte) (int, error) {
	if total(bufs) == 0 {
		return 0, nil
	}
	return await(ctx, nonblock, &in.changed, func() (int, error) { return in.take(bufs) })
}

// take moves what has been read ahead.
func (in *input) take(bufs [][]byte) (n int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.start(); err != nil {
		return 0, err
	}
	if len(in.unread) == 0 {
		return 0, in.end()
	}
	for _, b := range bufs {
		m := copy(b, in.unread)
		in.unread = in.unread[m:]
		n += m
	}
	if len(in.unread) == 0 && in.err == nil {
		in.room <- struct{}{}
	}
	return n, nil
}

// end is what a read answers when nothing is left.
func (in *input) end() error {
	switch in.err {
	case nil:
		return syscall.EAGAIN
	case io.EOF:
		return nil
	}
	return in.err
}

func (in *input) ready(d direction) (readiness, bool) {
	if d != reading {
		return readiness{}, false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.start() != nil {
		return readiness{}, false
	}
	r := readiness{bytes: uint64(len(in.unread)), hangup: in.err != nil && len(in.unread) == 0}
	return r, r.bytes > 0 || r.hangup
}

// start starts the pump, and awaits its end for a whole input. The caller holds mu.
func (in *input) start() error {
	if in.started {
		return nil
	}
	in.started = true
	if !in.whole {
		go in.pump()
		return nil
	}
	go in.readAll()
	in.mu.Unlock()
	defer in.mu.Lock()
	select {
	case <-in.done:
		return nil
	case <-in.stopped:
		return ErrStopped
	}
}

// readAll reads to the end. Somebody waits for it.
func (in *input) readAll() {
	defer close(in.done)
	all, err := io.ReadAll(in.src)
	if err == nil {
		err = io.EOF
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.unread, in.err = all, err
}

func (in *input) pump() {
	defer close(in.done)
	chunk := make([]byte, inputChunk)
	for empty := 0; ; {
		n, err := in.src.Read(chunk)
		if n == 0 && err == nil {
			if empty++; empty < maxEmptyReads {
				continue
			}
			err = io.ErrNoProgress
		}
		empty = 0
		in.mu.Lock()
		in.unread, in.err = chunk[:n], err
		in.mu.Unlock()
		in.changed.ring()
		if err != nil {
			return
		}
		select {
		case <-in.room:
		case <-in.quit:
			return
		}
	}
}

// close closes the source, which makes the pump's Read return, and waits for the
// pump.
func (in *input) close() {
	if in.src == nil {
		return
	}
	close(in.quit)
	in.src.Close()
	in.mu.Lock()
	started := in.started
	in.started = true
	in.mu.Unlock()
	if started {
		waitFor(in.done)
	}
}

// Inode numbers of the streams, which have no file behind them. They differ, so
// that no program takes its input for its output, as cat(1) asks.
const (
	stdinIno = 1 + iota
	stdoutIno
	stderrIno
)

// streamStat describes a stream: to a guest it is a pipe.
func streamStat(ino uint64) fs.Stat {
	return fs.Stat{Mode: iofs.ModeNamedPipe | 0o600, Ino: ino, Nlink: 1}
}

func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
}
