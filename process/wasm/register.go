package wasm

import (
	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

// Register gives c a process service that runs WebAssembly guests over c's Fs,
// as in core.New(core.WithService(wasm.Register)). Without programs it runs
// only modules named by their path.
func Register(c *core.Core) core.Result { return RegisterWith()(c) }

// RegisterWith is Register with options.
func RegisterWith(opts ...Option) func(*core.Core) core.Result {
	return func(c *core.Core) core.Result {
		e, err := New(c.Fs().Plain(), opts...)
		if err != nil {
			return core.Fail(err)
		}
		r := process.Register(c, e)
		if !r.OK {
			_ = e.Close() // nothing runs on it yet
		}
		return r
	}
}
