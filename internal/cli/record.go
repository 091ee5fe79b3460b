package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"dappco.re/go/cloche/internal/hermetic"
	"dappco.re/go/cloche/internal/reapi"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
)

// runOrRecord is run, and writes the receipt if one is wanted.
func runOrRecord(ctx context.Context, f runFlags, dirs *opened, stdio Stdio, found *findings) (*process.Output, error) {
	if f.receipt == "" {
		return run(ctx, f, dirs.mounts, stdio, found)
	}
	source, err := f.source(f.receipt)
	if err != nil {
		return nil, err
	}
	r, err := newRecording(ctx, f, dirs, stdio)
	if err != nil {
		return nil, err
	}
	out, err := r.run(ctx, stdio, found)
	if out == nil {
		return nil, err
	}
	if reason := reasonOf(out.Exit.Reason); !lasting(reason) {
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
	input []byte
	given hermetic.Run

	result hermetic.Result // once it has run
}

// newRecording reads all that the run is given.
func newRecording(ctx context.Context, f runFlags, dirs *opened, stdio Stdio) (*recording, error) {
	r := &recording{flags: f, dirs: dirs, given: hermetic.Run{
		Args:    append([]string{f.command()}, f.args...),
		Env:     f.env,
		Dir:     f.workdir,
		Seed:    f.seed,
		Time:    f.time,
		Timeout: f.timeout,
		Limits:  f.limits,
	}}
	var err error
	if r.given.Engine, err = hermetic.Engine(); err != nil {
		return nil, err
	}
	if err := r.findModule(); err != nil {
		return nil, err
	}
	if err := r.readInput(ctx, stdio.In); err != nil {
		return nil, err
	}
	r.given.Mounts, err = r.readMounts()
	return r, err
}

// findModule looks the program up and keeps its bytes: those that were digested are
// those that run.
func (r *recording) findModule() error {
	program, err := r.flags.find()
	if err != nil {
		return err
	}
	module, err := program.Module()
	if err != nil {
		return err
	}
	r.given.Module = reapi.Sum(module)
	r.flags.found = &wasm.Program{Name: r.flags.command(), Module: func() ([]byte, error) { return module, nil }}
	return nil
}

// find returns the program that the flags name.
func (f runFlags) find() (wasm.Program, error) {
	options, err := f.table()
	if err != nil {
		return wasm.Program{}, err
	}
	executor, err := wasm.New(nil, options...)
	if err != nil {
		return wasm.Program{}, err
	}
	defer executor.Close()
	program, _, err := executor.Find(f.command())
	return program, err
}

// readInput reads the input to its end, or to that of ctx.
func (r *recording) readInput(ctx context.Context, own io.Reader) error {
	in, done, err := r.flags.stdin.open(own)
	if err != nil {
		return err
	}
	read := make(chan error, 1)
	go func() {
		defer done()
		var err error
		if in != nil {
			r.input, err = io.ReadAll(in)
		}
		read <- err
	}()
	select {
	case err = <-read:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	r.given.Stdin = reapi.Sum(r.input)
	r.flags.stdin = ""
	return err
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

// run runs it and keeps what came of it, unless what it was given is not what it was.
func (r *recording) run(ctx context.Context, stdio Stdio, found *findings) (*process.Output, error) {
	stdout, stderr := reapi.NewHasher(), reapi.NewHasher()
	out, err := run(ctx, r.flags, r.dirs.mounts, Stdio{
		In:  bytes.NewReader(r.input),
		Out: io.MultiWriter(stdio.Out, stdout),
		Err: io.MultiWriter(stdio.Err, stderr),
	}, found)
	if out == nil {
		return nil, err
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
