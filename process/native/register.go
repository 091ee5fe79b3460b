package native

import (
	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

// Register makes native processes the Core's process service, over its Fs: give
// it to core.WithService.
func Register(c *core.Core) core.Result {
	return process.Register(c, New(c.Fs().Plain()))
}
