// Package userland is a set of everyday tools, cat to wc, in one WebAssembly
// module that a program carries when it imports this package:
//
//	wasm.RegisterWith(wasm.WithFallback(userland.Programs()...))
//
// Their source is the Go module in the folder guest, whose commands read as
// their POSIX and GNU namesakes do, with the options people use daily.
package userland

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"dappco.re/go/cloche/process/wasm"
)

//go:generate go -C guest run ./build

//go:embed userland.wasm.gz
var compressed []byte

//go:embed userland.wasm.digest
var digest string

// Programs returns the tools as one module of many commands.
func Programs() []wasm.Program {
	return []wasm.Program{{Name: "userland", Commands: Names(), Module: Module}}
}

// Module returns the bytes of the module, which looks at argv[0] to know which
// tool to be. Every call decompresses it anew, in some 40 ms.
func Module() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("userland: %w", err)
	}
	return io.ReadAll(r)
}

// Digest names the bytes that Module returns, without decompressing them: by their
// SHA-256 in hexadecimal and, behind a slash, their number.
func Digest() string { return strings.TrimSpace(digest) }

// Names returns the tools' names, sorted.
func Names() []string { return slices.Clone(names) }

// names is the table of guest/main.go, as a test makes sure.
var names = []string{
	"[", "base64", "basename", "cat", "comm", "cp", "cut", "date", "diff", "dirname", "echo",
	"egrep", "env", "false", "fgrep", "find", "grep", "head", "jq", "ln", "ls", "md5sum", "mkdir",
	"mv", "nl", "printf", "pwd", "readlink", "realpath", "rm", "rmdir", "sed", "seq", "sha1sum",
	"sha256sum", "sha512sum", "sleep", "sort", "stat", "tac", "tail", "tee", "test", "touch",
	"tr", "true", "uniq", "wc", "yes",
}
