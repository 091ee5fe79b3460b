package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"dappco.re/go/cloche/internal/hermetic"
	"dappco.re/go/cloche/internal/reapi"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

// records reports whether it must be known all that the run is given.
func (f runFlags) records() bool { return f.receipt != "" || f.cache.on }

// runOrRecord is run, with a receipt and a cache where they are wanted.
func runOrRecord(ctx context.Context, f runFlags, dirs *opened, stdio Stdio, found *findings) (*process.Output, error) {
	if !f.records() {
		return run(ctx, f, dirs.mounts, stdio, found)
	}
	source, err := f.source()
	if err != nil {
		return nil, err
	}
	engine, err := hermetic.Engine()
	if err != nil {
		return nil, err
	}
	r, err := newRecording(engine, f, dirs)
	if err == nil && f.cache.on {
		r.cache, err = hermetic.OpenCache(f.cache.dir)
	}
	if err != nil {
		return nil, err
	}
	if err := r.readInput(ctx, stdio.In); err != nil {
		return nil, err
	}
	out, err := r.run(ctx, stdio, found)
	if out == nil || f.receipt == "" {
		return out, err
	}
	if reason := r.result.Reason; !lasting(reason) {
		complain(stdio.Err, fmt.Errorf("--receipt: none is written, since the next run would not end in the same way (%s)", reason))
		return out, err
	}
	if failed := r.writeReceipt(f.receipt, source); failed != nil {
		return nil, fmt.Errorf("--receipt: %w", failed)
	}
	return out, err
}

// lasting reports whether a program that ended for that reason does so each time.
func lasting(reason string) bool {
	return slices.Contains([]string{"exited", "trap", "limit"}, reason)
}

// recording is a hermetic run about which all is known that it is given.
type recording struct {
	flags runFlags
	dirs  *opened
	cache *hermetic.Cache // nil where none is wanted
	input []byte
	given hermetic.Run

	result hermetic.Result // once it has run
}

// newRecording reads all that the run is given, but its input.
func newRecording(engine string, f runFlags, dirs *opened) (*recording, error) {
	r := &recording{flags: f, dirs: dirs, given: hermetic.Run{
		Engine:  engine,
		Args:    append([]string{f.command()}, f.args...),
		Env:     f.env,
		Dir:     f.workdir,
		Seed:    f.seed,
		Time:    f.time,
		Timeout: f.timeout,
		Limits:  f.limits,
	}}
	if err := r.findModule(); err != nil {
		return nil, err
	}
	var err error
	r.given.Mounts, err = r.readMounts()
	return r, err
}

// findModule looks the program up and keeps its bytes: those that were digested are
// those that run. Those of the userland are in this program and cannot change.
func (r *recording) findModule() error {
	program, source, err := r.flags.find()
	if err != nil {
		return err
	}
	r.flags.found = &wasm.Program{Name: r.flags.command(), Module: program.Module}
	if source == wasm.Fallback {
		return r.given.Module.UnmarshalText([]byte(userland.Digest()))
	}
	module, err := program.Module()
	r.given.Module = reapi.Sum(module)
	r.flags.found.Module = func() ([]byte, error) { return module, err }
	return nil // what is wrong with the module is told when it is run
}

// readInput reads the input to its end, or to that of ctx.
func (r *recording) readInput(ctx context.Context, own io.Reader) error {
	in, done, err := r.flags.stdin.open(own)
	if err != nil {
		return err
	}
	type input struct {
		data []byte
		err  error
	}
	read := make(chan input, 1)
	go func() {
		defer done()
		var i input
		if in != nil {
			i.data, i.err = io.ReadAll(in)
		}
		read <- i
	}()
	select {
	case i := <-read:
		r.input, r.given.Stdin, r.flags.stdin = i.data, reapi.Sum(i.data), ""
		return i.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *recording) readMounts() ([]hermetic.Mount, error) {
	var mounts []hermetic.Mount
	for i, d := range r.flags.dirs {
		m, err := hermetic.ReadMount(r.dirs.bases[i], d.guest, d.overlay)
		if err != nil {
			return nil, fmt.Errorf("--%s %s: %w", d.name(), d.host, err)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// run has it run, or answered by the cache, and keeps what came of it.
func (r *recording) run(ctx context.Context, stdio Stdio, found *findings) (*process.Output, error) {
	stdout, stderr := reapi.NewHasher(), reapi.NewHasher()
	stdio.In = bytes.NewReader(r.input)
	stdio.Out, stdio.Err = io.MultiWriter(stdio.Out, stdout), io.MultiWriter(stdio.Err, stderr)
	out, err := r.answer(ctx, stdio, found)
	if out == nil || r.flags.receipt == "" {
		return out, err
	}
	r.result = hermetic.Result{
		Exit: out.Exit.Code, Reason: reasonOf(out.Exit.Reason),
		Stdout: stdout.Sum(), Stderr: stderr.Sum(),
		Changes: make(hermetic.Changes),
	}
	for _, o := range r.dirs.overlays {
		if err := r.result.Changes.Add(o.layer, o.guest); err != nil {
			return nil, fmt.Errorf("--overlay: %w", err)
		}
	}
	return out, err
}

func (r *recording) answer(ctx context.Context, stdio Stdio, found *findings) (*process.Output, error) {
	if r.cache == nil {
		return run(ctx, r.flags, r.dirs.mounts, stdio, found)
	}
	key, err := r.given.Key()
	if err != nil {
		return nil, fmt.Errorf("--cache: %w", err)
	}
	if a := r.cache.Get(key); a != nil && r.replay(a) == nil {
		found.cached = true
		return r.print(a, stdio)
	}
	var t tape
	began := time.Now()
	stdio.Out, stdio.Err = t.listen(stdio.Out, false), t.listen(stdio.Err, true)
	out, err := run(ctx, r.flags, r.dirs.mounts, stdio, found)
	if out != nil && found.nothing() && out.Exit.Reason == nil && !t.torn {
		r.keep(key, began, &hermetic.Answer{Exit: out.Exit.Code, Usage: out.Exit.Usage, Output: t.output})
	}
	return out, err
}

// checkInputs makes sure that nobody changed what the run was given meanwhile.
func (r *recording) checkInputs() error {
	now := r.given
	var err error
	if now.Mounts, err = r.readMounts(); err != nil {
		return err
	}
	if changed := now.Since(&r.given); len(changed) > 0 {
		return fmt.Errorf("the files changed while the program ran, so nobody knows what it saw: %v", changed[0])
	}
	return nil
}
