package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"syscall"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/wasm"
)

func runCommand(ctx context.Context, args []string, stdio Stdio) int {
	f, err := parseRun(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdio.Out, runUsage)
		return 0
	}
	if err != nil {
		complain(stdio.Err, fmt.Errorf("run: %w; \"cloche run --help\" tells the flags", err))
		return exitFailed
	}
	if f.records() {
		f.stdin = f.stdin.unlessTerminal(stdio.In)
	}
	dirs, err := openDirs(f.dirs)
	if err != nil {
		complain(stdio.Err, err)
		return exitFailed
	}
	defer dirs.close()
	s := settlement{flags: f, overlays: dirs.overlays, errors: stdio.Err}
	if s.asks(stdio) {
		in := newHandover(stdio.In)
		stdio.In, s.answers = in, in.take
	}

	var found findings
	began := time.Now()
	out, err := runOrRecord(ctx, f, dirs, stdio, &found)
	code := exitCode(out, err)
	took := time.Since(began)
	if f.json {
		r := newReport(out, err, code, &found, took)
		code = r.settle(&s, err == nil, code)
		writeReport(stdio.Err, r)
		return code
	}
	if i, ok := context.Cause(ctx).(interrupted); ok {
		complain(stdio.Err, i) // what followed from the signal goes without saying
		return code
	}
	explain(stdio.Err, f, out, err)
	found.warn(stdio.Err)
	switch {
	case out == nil: // it was never there to be denied anything
	case f.explain:
		found.explain(stdio.Err)
	default:
		found.hint(stdio.Err, f.program, code)
	}
	if err := s.settle(err == nil); err != nil {
		complain(stdio.Err, err)
		return exitFailed
	}
	return code
}

// run runs what f says and streams its output. The Output is nil when nothing
// was started.
func run(ctx context.Context, f runFlags, mounts []process.Mount, stdio Stdio, found *findings) (*process.Output, error) {
	spec, done, err := f.spec(stdio)
	if err != nil {
		return nil, err
	}
	defer done()
	spec.Mounts, spec.Denied, spec.OutwardLink = mounts, found.addDenial, found.addLink

	c, err := f.newCore(stdio.Err)
	if err != nil {
		return nil, err
	}
	defer c.ServiceShutdown(context.WithoutCancel(ctx))
	if err := c.ServiceStartup(ctx).Err(); err != nil {
		return nil, err
	}
	service := process.For(c)
	out, err := service.Run(ctx, spec)
	for _, info := range service.List() { // the one
		found.unmet = info.Unmet
	}
	return out, err
}

// spec opens the input. The caller calls done when the run is over.
func (f runFlags) spec(stdio Stdio) (s process.Spec, done func() error, err error) {
	stdin, done, err := f.stdin.open(stdio.In)
	if err != nil {
		return s, nil, err
	}
	s = process.Spec{
		Command:     f.command(),
		Args:        f.args,
		Dir:         f.workdir,
		Env:         f.env,
		Stdin:       stdin,
		Stdout:      stdio.Out,
		Stderr:      stdio.Err,
		Capture:     -1,
		Timeout:     f.timeout,
		GracePeriod: f.killAfter,
		Limits:      f.limits,
	}
	if f.native && f.confine == "" && s.Dir == "" {
		s.Dir = "."
	}
	return s, done, nil
}

// newCore chooses the backend: this is the one place where it is known.
func (f runFlags) newCore(stderr io.Writer) (*core.Core, error) {
	if f.native {
		return f.newNativeCore()
	}
	options, err := f.programs(stderr)
	if err != nil {
		return nil, err
	}
	options = append(options, f.steadiness()...)
	c := core.New(core.WithService(wasm.RegisterWith(options...)))
	return c, c.Err()
}

func (f runFlags) newNativeCore() (*core.Core, error) {
	where := core.WithUnrestrictedFs()
	var options []native.Option
	if f.confine != "" {
		where = core.WithFs(f.confine)
		options = append(options, native.Confine(native.SystemFiles()...))
	}
	if f.cgroup != "" {
		options = append(options, native.WithCgroup(f.cgroup))
	}
	c := core.New(where, core.WithService(native.RegisterWith(options...)))
	return c, c.Err()
}

// explain tells on stderr what the exit code alone does not.
func explain(w io.Writer, f runFlags, out *process.Output, err error) {
	if out == nil {
		if err != nil {
			complain(w, err)
		}
		return
	}
	switch code, reason := out.Exit.Code, out.Exit.Reason; {
	case reasonOf(reason) == "timeout":
		complain(w, fmt.Errorf("%s: timed out after %v", f.program, f.timeout))
	case reasonOf(reason) == "trap":
		complain(w, fmt.Errorf("%s: %w", f.program, reason))
		if trap, ok := errors.AsType[*process.TrapError](reason); ok && trap.Stack != "" {
			fmt.Fprintln(onScreen(w), trap.Stack)
		}
	case errors.Is(reason, syscall.EPIPE): // as quiet as any other end of a pipeline
	case reason != nil:
		complain(w, fmt.Errorf("%s: %w", f.program, reason))
	case code < 0 || code > 255:
		complain(w, fmt.Errorf("%s: exit code %d does not fit in eight bits; exiting with %d", f.program, code, exitOutOfRange))
	}
}
