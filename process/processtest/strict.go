package processtest

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
)

// Strict passes everything on to exec, and fails t where either side breaks the
// contract of [process.Executor] and [process.Instance]: the lifecycle, when a
// Spec is not complete, Wait is called twice or a ctx does not end; the backend,
// when it writes or reads after Wait, writes to one stream from two goroutines at
// once, blocks in Signal, or outlives the end of ctx.
func Strict(t testing.TB, exec process.Executor) process.Executor {
	return &strict{t: t, exec: exec}
}

type strict struct {
	t       testing.TB
	exec    process.Executor
	running atomic.Int64
	closed  atomic.Bool

	mu   sync.Mutex
	ctxs []context.Context // of all that was started
}

func (e *strict) Name() string {
	if n, ok := e.exec.(interface{ Name() string }); ok {
		return n.Name()
	}
	return "strict"
}

func (e *strict) Close() error {
	assert.False(e.t, e.closed.Swap(true), "Close was called twice")
	assert.Zero(e.t, e.running.Load(), "Close was called while processes run")
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ctx := range e.ctxs {
		assert.Error(e.t, ctx.Err(), "a ctx has not ended with its process")
	}
	if c, ok := e.exec.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (e *strict) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	assert.False(e.t, e.closed.Load(), "Start was called after Close")
	if _, ok := s.Stdin.(io.ReadCloser); !ok || s.Stdout == nil || s.Stderr == nil || s.Denied == nil {
		e.t.Errorf("the Spec of %s is not complete", s.Command)
	}
	i := &strictInstance{e: e, command: s.Command, ctx: ctx}
	out := &strictWriter{i: i, to: s.Stdout}
	err := out
	if s.Stderr != s.Stdout {
		err = &strictWriter{i: i, to: s.Stderr}
	}
	s.Stdin, s.Stdout, s.Stderr = &strictReader{i, s.Stdin.(io.ReadCloser)}, out, err

	e.mu.Lock()
	e.ctxs = append(e.ctxs, ctx)
	e.mu.Unlock()
	e.running.Add(1)
	inner, serr := e.exec.Start(ctx, s)
	if serr != nil {
		e.running.Add(-1)
		i.over.Store(true)
		assert.Nil(e.t, inner, "an Instance and an error")
		return nil, serr
	}
	i.inner = inner
	return i, nil
}

type strictInstance struct {
	e       *strict
	command string
	ctx     context.Context
	inner   process.Instance
	waited  atomic.Bool
	over    atomic.Bool // Wait has returned
}

func (i *strictInstance) Wait() (process.Exit, error) {
	assert.False(i.e.t, i.waited.Swap(true), "Wait was called twice")
	returned := make(chan struct{})
	defer close(returned)
	defer context.AfterFunc(i.ctx, func() {
		select {
		case <-returned:
		case <-time.After(stormPatience):
			i.e.t.Errorf("%s outlives the end of its ctx", i.command)
		}
	})()
	exit, err := i.inner.Wait()
	i.over.Store(true)
	i.e.running.Add(-1)
	return exit, err
}

func (i *strictInstance) Signal(sig process.Signal) error {
	late := time.AfterFunc(stormPatience, func() { i.e.t.Errorf("Signal of %s blocks", i.command) })
	defer late.Stop()
	over := i.over.Load()
	err := i.inner.Signal(sig)
	if over {
		assert.Error(i.e.t, err, "a signal was sent after Wait")
	}
	return err
}

func (i *strictInstance) PID() int {
	if p, ok := i.inner.(interface{ PID() int }); ok {
		return p.PID()
	}
	return 0
}

func (i *strictInstance) Identity() process.Identity {
	if p, ok := i.inner.(interface{ Identity() process.Identity }); ok {
		return p.Identity()
	}
	return process.Identity{}
}

func (i *strictInstance) Resize(size process.Terminal) error {
	if r, ok := i.inner.(interface{ Resize(process.Terminal) error }); ok {
		return r.Resize(size)
	}
	return errors.ErrUnsupported
}

type strictWriter struct {
	i      *strictInstance
	to     io.Writer
	serial sync.Mutex
}

func (w *strictWriter) Write(p []byte) (int, error) {
	if !w.serial.TryLock() {
		w.i.e.t.Errorf("%s: two goroutines write to one stream", w.i.command)
		w.serial.Lock()
	}
	defer w.serial.Unlock()
	assert.False(w.i.e.t, w.i.over.Load(), "a write after Wait")
	n, err := w.to.Write(p)
	assert.False(w.i.e.t, w.i.over.Load(), "Wait returned during a write")
	return n, err
}

type strictReader struct {
	i *strictInstance
	io.ReadCloser
}

func (r *strictReader) Read(p []byte) (int, error) {
	assert.False(r.i.e.t, r.i.over.Load(), "a read after Wait")
	return r.ReadCloser.Read(p)
}
