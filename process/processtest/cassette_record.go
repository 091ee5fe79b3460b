package processtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"dappco.re/go/cloche/process"
)

// cassetteRecorder is a Cassette that records.
type cassetteRecorder struct {
	Cassette
	t testing.TB

	busy  sync.Mutex // held while a process runs; guards what follows
	takes []take
}

func (*cassetteRecorder) Name() string { return cassetteName }

func (r *cassetteRecorder) Close() error {
	if c, ok := r.Executor.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

var errBusy = errors.New("a cassette records one process at a time, since it has to know whose the files are: await the last one")

func (r *cassetteRecorder) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	if !r.busy.TryLock() {
		return nil, errBusy
	}
	i, err := r.start(ctx, s)
	if err != nil {
		r.busy.Unlock()
		return nil, err
	}
	return i, nil
}

func (r *cassetteRecorder) start(ctx context.Context, s process.Spec) (process.Instance, error) {
	k, before, err := r.newTake(ctx, s)
	if err != nil {
		return nil, err
	}
	i := &recordedInstance{r: r, ctx: ctx, take: k, before: before}
	s.Stdin = io.NopCloser(strings.NewReader(k.stdin))
	out := &copied{to: s.Stdout}
	i.stdout, i.stderr = out, &copied{to: s.Stderr}
	if s.Stdout == s.Stderr {
		i.stderr = out
	}
	s.Stdout, s.Stderr = i.stdout, i.stderr
	i.Instance, err = r.Executor.Start(ctx, s)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// copied is an output of which a copy is kept.
type copied struct {
	to   io.Writer
	mu   sync.Mutex
	kept bytes.Buffer
}

func (c *copied) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.kept.Write(p)
	c.mu.Unlock()
	return c.to.Write(p)
}

// recordedInstance is a process that is being recorded.
type recordedInstance struct {
	process.Instance
	r              *cassetteRecorder
	ctx            context.Context
	take           take
	before         archive
	stdout, stderr *copied
}

func (i *recordedInstance) Wait() (process.Exit, error) {
	defer i.r.busy.Unlock()
	exit, err := i.Instance.Wait()
	if err != nil {
		return exit, err
	}
	if i.ctx.Err() != nil || exit.Reason != nil {
		i.r.t.Errorf("%s is not recorded, since it did not end by itself: %v", strings.TrimSpace(i.take.call), exit.Reason)
		return exit, nil
	}
	after, err := readTree(i.r.Fs)
	if err != nil {
		return exit, err
	}
	i.take.exit = exit
	i.take.files, i.take.removed = after.changed(i.before), i.before.gone(after)
	i.take.stdout = i.stdout.kept.String()
	if i.stderr != i.stdout {
		i.take.stderr = i.stderr.kept.String()
	}
	i.r.takes = append(i.r.takes, i.take)
	return exit, nil
}

// save writes the file.
func (r *cassetteRecorder) save() {
	if r.t.Failed() {
		r.t.Logf("%s was not recorded, since the test failed", r.Path)
		return
	}
	r.busy.Lock()
	defer r.busy.Unlock()
	file := make(archive)
	for n := range r.takes {
		r.takes[n].addTo(file, n+1)
	}
	if err := writeHostFile(r.Path, file.format(comment)); err != nil {
		r.t.Errorf("writing the cassette: %v", err)
		return
	}
	r.t.Logf("%s was recorded", r.Path)
}
