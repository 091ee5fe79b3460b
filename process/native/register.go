package native

import (
	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

<<<<<<< HEAD
// Register makes native processes the Core's process service, over its Fs: give
// it to core.WithService.
=======
// Register is a service factory, for core.WithService: c's processes run
// natively, in its Fs.
>>>>>>> native
func Register(c *core.Core) core.Result {
	return process.Register(c, New(c.Fs().Plain()))
}
