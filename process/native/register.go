package native

import (
	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

// Register is a service factory, for core.WithService: c's processes run
// natively, in its Fs.
func Register(c *core.Core) core.Result { return RegisterWith()(c) }

// RegisterWith is Register with options.
func RegisterWith(opts ...Option) func(*core.Core) core.Result {
	return func(c *core.Core) core.Result {
		return process.Register(c, New(c.Fs().Plain(), opts...))
	}
}
