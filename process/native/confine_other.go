//go:build !linux

package native

import (
	"os"

	"dappco.re/go/cloche/fs"
)

func (c *confinement) start(*fs.Fs, string, []string, func() (*os.Process, error)) (*os.Process, error) {
	return nil, &prepareError{cannotConfine("only Linux has Landlock", "run it as a WebAssembly program, on the wasm backend")}
}
