package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/hermetic"
	"dappco.re/go/cloche/process"
)

// replay makes the changes of an answer in the overlays, all or none.
func (r *recording) replay(a *hermetic.Answer) error {
	if len(a.Layers) != len(r.dirs.overlays) {
		return fmt.Errorf("an answer with %d overlays to a run with %d", len(a.Layers), len(r.dirs.overlays))
	}
	var done []*fs.Layer
	for i, o := range r.dirs.overlays {
		if err := hermetic.Replay(o.layer, a.Layers[i]); err != nil {
			for _, layer := range done {
				_ = layer.Discard()
			}
			return err
		}
		done = append(done, o.layer)
	}
	return nil
}

// print writes what the program wrote, and ends as it did.
func (r *recording) print(a *hermetic.Answer, stdio Stdio) (*process.Output, error) {
	out := &process.Output{Exit: process.Exit{Code: a.Exit, Usage: a.Usage}}
	for _, s := range a.Output {
		to, name := stdio.Out, "stdout"
		if s.Stderr {
			to, name = stdio.Err, "stderr"
		}
		if _, err := to.Write(s.Data); err != nil {
			out.Exit.Reason = fmt.Errorf("writing to %s: %w", name, err)
			break
		}
	}
	if out.Exit.Code == 0 && out.Exit.Reason == nil {
		return out, nil
	}
	return out, &process.ExitError{Command: r.flags.command(), Exit: out.Exit}
}

// keep puts the answer into the cache, if it can be kept and is that of what was
// given: somebody may have changed the files meanwhile. Without it nothing is lost but
// time.
func (r *recording) keep(key string, began time.Time, a *hermetic.Answer) {
	now := r.given
	var err error
	if now.Mounts, err = r.readMounts(); err != nil {
		return
	}
	if after, err := now.Key(); err != nil || after != key {
		return
	}
	for _, o := range r.dirs.overlays {
		changes, err := hermetic.Keep(o.layer, began, hermetic.MaxEntry)
		if err != nil {
			return
		}
		a.Layers = append(a.Layers, changes)
	}
	_ = r.cache.Put(key, a)
}

// tape keeps what is written to two writers, in that order, unless it is too much.
type tape struct {
	mu     sync.Mutex
	output []hermetic.Segment
	size   int
	torn   bool // something is missing
}

// listen returns a writer to w of which the tape hears.
func (t *tape) listen(w io.Writer, stderr bool) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		n, err := w.Write(p)
		t.add(p, stderr, err)
		return n, err
	})
}

func (t *tape) add(p []byte, stderr bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size += len(p); t.torn || err != nil || t.size > hermetic.MaxEntry {
		t.output, t.torn = nil, true
		return
	}
	last := len(t.output) - 1
	if last < 0 || t.output[last].Stderr != stderr {
		t.output = append(t.output, hermetic.Segment{Stderr: stderr})
		last++
	}
	t.output[last].Data = append(t.output[last].Data, p...)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
