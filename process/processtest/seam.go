package processtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/require"
)

// patience is how long the suite waits for what should come at once. Only a
// failure takes that long.
const patience = 30 * time.Second

// trial is a process on the raw seam, with the test in the lifecycle's place.
type trial struct {
	process.Instance
	stdout, stderr *tape // the same one when merged
	cancel         context.CancelCauseFunc
}

// start completes s as the lifecycle would, but for the streams that s has.
func start(t testing.TB, b Backend, s process.Spec) *trial {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	t.Cleanup(func() { cancel(nil) })
	tr := &trial{stdout: newTape(), stderr: newTape(), cancel: cancel}
	if s.Merge {
		tr.stderr = tr.stdout
	}
	var err error
	tr.Instance, err = b.Executor.Start(ctx, complete(b, s, tr.stdout, tr.stderr))
	require.NoError(t, err)
	return tr
}

func complete(b Backend, s process.Spec, stdout, stderr io.Writer) process.Spec {
	if s.Command == "" {
		s.Command = b.Command
	}
	if s.OpenStdin {
		s.OpenStdin, s.Stdin = false, silent()
	}
	if s.Stdin == nil {
		s.Stdin = input(nil)
	}
	if s.Stdout == nil {
		s.Stdout = stdout
	}
	if s.Stderr == nil {
		s.Stderr = stderr
	}
	return s
}

// refused starts what must not start.
func refused(t testing.TB, b Backend, s process.Spec) error {
	t.Helper()
	stdout, stderr := newTape(), newTape()
	i, err := b.Executor.Start(t.Context(), complete(b, s, stdout, stderr))
	if err == nil {
		exit, werr := i.Wait()
		t.Fatalf("it ran: %+v %v\nstdout: %q\nstderr: %q", exit, werr, stdout.bytes(), stderr.bytes())
	}
	require.Nil(t, i)
	return err
}

// end waits, and fails the test if Wait does not return.
func (tr *trial) end(t testing.TB) process.Exit {
	t.Helper()
	type result struct {
		exit process.Exit
		err  error
	}
	done := make(chan result, 1)
	go func() {
		exit, err := tr.Wait()
		done <- result{exit, err}
	}()
	select {
	case r := <-done:
		require.NoError(t, r.err)
		return r.exit
	case <-time.After(patience):
		t.Fatalf("Wait does not return\nstdout: %.200q\nstderr: %.2000q", tr.stdout.bytes(), tr.stderr.bytes())
		return process.Exit{}
	}
}

// run runs the test program to its end.
func run(t testing.TB, b Backend, s process.Spec) (exit process.Exit, stdout, stderr string) {
	t.Helper()
	tr := start(t, b, s)
	exit = tr.end(t)
	return exit, string(tr.stdout.bytes()), string(tr.stderr.bytes())
}

// succeed is run for what must exit 0 and say nothing on stderr.
func succeed(t testing.TB, b Backend, s process.Spec) (stdout string) {
	t.Helper()
	exit, stdout, stderr := run(t, b, s)
	require.Empty(t, stderr)
	require.Equal(t, 0, exit.Code)
	require.NoError(t, exit.Reason)
	return stdout
}

// input is a stdin of data and then EOF.
func input(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }

// silent is a stdin that never says anything: its Read returns when it is closed.
func silent() io.ReadCloser {
	r, _ := io.Pipe()
	return r
}

// tape records what is written and lets a test wait for it.
type tape struct {
	mu      sync.Mutex
	changed *sync.Cond
	data    []byte
	late    bool
}

func newTape() *tape {
	w := &tape{}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (w *tape) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data = append(w.data, p...)
	w.changed.Broadcast()
	return len(p), nil
}

func (w *tape) bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.data)
}

// await returns what was written once it ends in text.
func (w *tape) await(t testing.TB, text string) string {
	t.Helper()
	timer := time.AfterFunc(patience, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.late = true
		w.changed.Broadcast()
	})
	defer timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !bytes.HasSuffix(w.data, []byte(text)) {
		if w.late {
			t.Fatalf("%q was not written, but %.2000q", text, w.data)
		}
		w.changed.Wait()
	}
	return string(w.data)
}

// stuck is a writer that blocks from its first Write to free.
type stuck struct {
	entered func()
	freed   chan struct{}
}

func newStuck() (w *stuck, entered <-chan struct{}) {
	c := make(chan struct{})
	return &stuck{sync.OnceFunc(func() { close(c) }), make(chan struct{})}, c
}

func (w *stuck) Write(p []byte) (int, error) {
	w.entered()
	<-w.freed
	return len(p), nil
}

func (w *stuck) free() { close(w.freed) }

var errStop = errors.New("the test stops it")
