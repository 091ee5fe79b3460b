package processtest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"dappco.re/go/cloche/process"
)

// Recorder is an Executor that passes everything on to another, and keeps what was
// called. Make one with Record.
type Recorder struct {
	exec process.Executor

	mu    sync.Mutex
	calls []*Call
	input []*bytes.Buffer // of each call
}

// Call is a process that was to be started.
type Call struct {
	Command string
	Args    []string
	Dir     string
	Env     []string
	Stdin   []byte // what has been read of it
	Err     error  // why it did not start
}

// Record returns a Recorder over exec, which may be a Fake as well as a backend.
func Record(exec process.Executor) *Recorder { return &Recorder{exec: exec} }

// Calls returns what was called, in the order of the starts.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := make([]Call, len(r.calls))
	for i, c := range r.calls {
		calls[i] = *c
		calls[i].Stdin = bytes.Clone(r.input[i].Bytes())
	}
	return calls
}

// Name is that of the executor.
func (r *Recorder) Name() string {
	if n, ok := r.exec.(interface{ Name() string }); ok {
		return n.Name()
	}
	return "recorder"
}

// Close closes the executor, if it is an io.Closer.
func (r *Recorder) Close() error {
	if c, ok := r.exec.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Start records s and starts it.
func (r *Recorder) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	call, input := &Call{Command: s.Command, Args: slices.Clone(s.Args), Dir: s.Dir, Env: slices.Clone(s.Env)}, new(bytes.Buffer)
	r.mu.Lock()
	r.calls, r.input = append(r.calls, call), append(r.input, input)
	r.mu.Unlock()
	s.Stdin = &recordedInput{s.Stdin.(io.ReadCloser), r, input}
	i, err := r.exec.Start(ctx, s)
	if err != nil {
		r.mu.Lock()
		call.Err = err
		r.mu.Unlock()
		return nil, err
	}
	return i, nil
}

type recordedInput struct {
	io.ReadCloser
	r    *Recorder
	kept *bytes.Buffer // guarded by r.mu
}

func (i *recordedInput) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	i.r.mu.Lock()
	i.kept.Write(p[:n])
	i.r.mu.Unlock()
	return n, err
}
