package wasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"dappco.re/go/cloche/process/wasm/internal/wasi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// instance is one guest.
type instance struct {
	spec   process.Spec
	module *module
	memory *memory
	kernel *kernel.Process

	ctx  context.Context // ends to kill the guest; its cause is why
	kill context.CancelCauseFunc
	ends []func() // what to undo, first to last

	done chan struct{} // closed when the two below are set
	exit process.Exit
	err  error
}

// begin makes the guest's context. It ends when the caller's does or the
// executor's, but carries no values of the caller's: some would change how the
// engine works.
func (i *instance) begin(caller, executor context.Context) {
	i.ctx, i.kill = context.WithCancelCause(executor)
	i.onEnd(func() { i.kill(nil) })
	unwatch := context.AfterFunc(caller, func() { i.kill(context.Cause(caller)) })
	i.onEnd(func() { unwatch() })
	if caller.Err() != nil {
		i.kill(context.Cause(caller)) // without waiting for that goroutine
	}
}

// onEnd has f called when the guest has ended, or failed to start.
func (i *instance) onEnd(f func()) { i.ends = append(i.ends, f) }

func (i *instance) end() {
	for _, f := range slices.Backward(i.ends) {
		f()
	}
}

// boot makes what the guest will see of a system, beside what conf has already.
func (i *instance) boot(conf kernel.Config, t *tree) error {
	stdin, err := closable(i.spec)
	if err != nil {
		return err
	}
	conf.Args = append([]string{i.spec.Command}, i.spec.Args...)
	conf.Env = i.spec.Env
	conf.Root, conf.Cwd, conf.Preopens, conf.Mounts = t.root, t.cwd, t.preopens, t.mounts
	conf.Stdin, conf.Stdout, conf.Stderr = stdin, watched{i.spec.Stdout, i}, watched{i.spec.Stderr, i}
	conf.Account = accountFor(i.spec.Limits)
	if i.spec.Denied != nil {
		conf.Denied = i.denied
	}
	if i.spec.OutwardLink != nil {
		conf.Outward = i.outward
	}
	i.kernel, err = kernel.New(i.ctx, conf)
	if err != nil {
		return configError(err)
	}
	i.onEnd(i.kernel.Close)
	return nil
}

// configError tells what the kernel refuses as a fault of the Spec, which it is.
func configError(err error) error {
	c, ok := errors.AsType[*kernel.ConfigError](err)
	if !ok {
		return err
	}
	const most = 64 // a culprit may have megabytes
	value := c.Value
	if c.Field == "env" {
		value, _, _ = strings.Cut(value, "=") // what follows may be a secret
	}
	if len(value) > most {
		value = value[:most] + "…"
	}
	if limit, fix := limitOf(c.Err); limit != nil {
		return &process.SpecError{Field: c.Field, Value: value, Err: limit, Fix: fix}
	}
	return &process.SpecError{Field: c.Field, Value: value, Err: c.Err, Fix: "correct it in the Spec"}
}

// watched is an output of the guest. A writer that fails ends the guest, as the
// end of a pipe's reader does natively. It is comparable, so that the kernel
// still sees when both outputs are one.
type watched struct {
	io.Writer
	guest *instance
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.guest.kill(err)
	}
	return n, err
}

// run is the guest's life.
func (i *instance) run() {
	err := i.call()
	i.exit, i.err = i.outcome(err)
	i.end()
	close(i.done)
}

// call instantiates the module and runs it to its end.
func (i *instance) call() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	ctx := wasi.WithProcess(experimental.WithMemoryAllocator(i.ctx, i.memory), i.kernel)
	// No name, so that many can run at once; no start function, since that one's
	// errors would come wrapped; and nothing of wazero's own idea of a system.
	conf := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	m, err := i.module.runtime.InstantiateModule(ctx, i.module.compiled, conf)
	if err != nil {
		return &loadError{err}
	}
	defer m.Close(context.Background())
	_, err = m.ExportedFunction(startExport).Call(ctx)
	return err
}

// Wait returns once the guest has ended and nothing of it is left.
func (i *instance) Wait() (process.Exit, error) {
	<-i.done
	return i.exit, i.err
}

// Signal kills the guest for SIGKILL. There is no other signal that a
// WASI preview 1 guest could receive.
func (i *instance) Signal(s process.Signal) error {
	if s != process.SIGKILL {
		return fmt.Errorf("%s to a WebAssembly guest: %w", s, errors.ErrUnsupported)
	}
	i.kill(process.ErrKilled)
	return nil
}

// closable returns the guest's input, which the seam promises can be closed.
func closable(s process.Spec) (io.ReadCloser, error) {
	if s.Stdin == nil {
		return nil, nil
	}
	if r, ok := s.Stdin.(io.ReadCloser); ok {
		return unfailing{r}, nil
	}
	return nil, &process.SpecError{Field: "stdin", Err: process.ErrInvalid, Fix: "give an io.ReadCloser, or start through a process.Service"}
}

// unfailing ends where its reader fails. As natively, where input comes by a pipe, the
// guest cannot be told of the failure; it is the lifecycle that acts on it.
type unfailing struct{ io.ReadCloser }

func (r unfailing) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}
