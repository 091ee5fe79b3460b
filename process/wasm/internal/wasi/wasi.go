// Package wasi is WASI preview 1 over package kernel: it takes a guest's calls
// apart, and puts the answers into its memory. What they mean is the kernel's
// business.
//
// The specification is preview1/docs.md and preview1/witx of
// github.com/WebAssembly/WASI; the comments here name types as it does.
//
// # Mechanism
//
// The host module is instantiated once per runtime and has no state. Each call
// finds its process in the context that the guest was called with, see
// WithProcess, so that one instance of a guest can serve many processes, one
// after another. A call that reads or writes allocates nothing.
//
// # Trust
//
// Nothing from the guest is trusted. Every pointer is checked with its length
// against the memory (EFAULT), before anything is done; lengths are bounded before
// anything is allocated by them; 32-bit parameters are cut to 32 bits, because
// wazero leaves the upper half undefined.
//
// # The end of a guest
//
// proc_exit records the code in the kernel's Process and unwinds the guest by a
// panic that wazero turns into an error. The record counts, not the error. When the
// process is being stopped, every call unwinds it the same way, without a record:
// a guest never sees why its last call failed, so it can neither go on nor exit
// as if all were well.
package wasi

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// ModuleName is the module that guests import.
const ModuleName = "wasi_snapshot_preview1"

// Instantiate makes the host module in r, for every guest that r will run.
func Instantiate(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(ModuleName)
	for _, f := range functions() {
		var results []api.ValueType
		if f.name != "proc_exit" {
			results = []api.ValueType{api.ValueTypeI32}
		}
		b.NewFunctionBuilder().WithGoModuleFunction(f.host(), f.params(), results).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// WithProcess returns a context for calling a guest as p.
func WithProcess(ctx context.Context, p *kernel.Process) context.Context {
	return &processContext{ctx, p}
}

// processContext is found by a type assertion, which costs less than a search.
type processContext struct {
	context.Context
	p *kernel.Process
}

type processKey struct{}

func (c *processContext) Value(key any) any {
	if key == (processKey{}) {
		return c.p
	}
	return c.Context.Value(key)
}

// processOf returns nil for a guest that was called without WithProcess.
func processOf(ctx context.Context) *kernel.Process {
	if c, ok := ctx.(*processContext); ok {
		return c.p
	}
	p, _ := ctx.Value(processKey{}).(*kernel.Process)
	return p
}

// function is one function of the module.
type function struct {
	name string
	// shape has a letter per parameter: i for 32 bits, l for 64.
	shape string
	run   func(call) error
}

func (f function) params() []api.ValueType {
	types := make([]api.ValueType, len(f.shape))
	for i, c := range f.shape {
		types[i] = api.ValueTypeI32
		if c == 'l' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

// host wraps a function for wazero. It is a guest without a process that gets
// ENOSYS.
func (f function) host() api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, stack []uint64) {
		p := processOf(ctx)
		if p == nil {
			stack[0] = uint64(errnoNosys)
			return
		}
		if p.Stopped() {
			unwind(stoppedCode)
		}
		err := f.run(call{p: p, mem: memoryOf(mod), stack: stack})
		if err == kernel.ErrStopped {
			unwind(stoppedCode)
		}
		if len(stack) > 0 {
			stack[0] = uint64(errnoOf(err))
		}
	}
}

// stoppedCode is what wazero itself uses when a context ends.
const stoppedCode = sys.ExitCodeContextCanceled

// unwind ends the guest's call. It does not close the module, which may serve
// another process yet.
func unwind(code uint32) { panic(sys.NewExitError(code)) }

// call is one call by a guest: its process, its memory and its parameters. It is
// handed around by value, so that it stays off the heap.
type call struct {
	p     *kernel.Process
	mem   memory
	stack []uint64
}

func (c call) u32(i int) uint32   { return uint32(c.stack[i]) }
func (c call) u64(i int) uint64   { return c.stack[i] }
func (c call) fd(i int) kernel.FD { return kernel.FD(c.u32(i)) }

// memoryOf returns no memory for a guest that has none, for which wazero answers
// a typed nil.
func memoryOf(mod api.Module) memory {
	m := mod.Memory()
	if m == nil || reflect.ValueOf(m).IsNil() {
		return memory{}
	}
	return memory{m}
}
