// Package userland carries the sandbox's file and text tools (cat, grep, sed, find, sort, jq and more) as one WASI module. A program
// has it only if it imports this package.
//
// The module is a multi-call program: it runs the command whose name is the base name of its first argument, as Names lists
// them. Its source is the Go module in guest, which is built for wasip1 and stored here compressed; `go generate` does that again, byte
// for byte the same. The commands behave as GNU's do in the C locale, and are compared with them.
package userland

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:generate go run ./internal/generate

//go:embed userland.wasm.zst
var packed []byte

// module is global because it is a constant, in all but that Go cannot write it down: it is made from embedded bytes only, once, when
// it is first asked for.
var module = sync.OnceValues(unpack)

func unpack() ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*moduleSize))
	if err != nil {
		return nil, fmt.Errorf("userland: %w", err)
	}
	defer r.Close()
	data, err := r.DecodeAll(packed, make([]byte, 0, moduleSize))
	if err != nil {
		return nil, fmt.Errorf("userland: the embedded module does not unpack: %w", err)
	}
	return data, nil
}

// Module returns the module's bytes. It unpacks them at the first call and returns the same slice each time, which must not be
// changed. Who has compiled the module before, and kept it under Digest, does not need them.
func Module() ([]byte, error) { return module() }

// Names returns the names of the commands that the module has, sorted.
func Names() []string { return slices.Clone(names) }
