// Package kernel is what a guest process sees of a system: descriptors, a tree
// of files, clocks, entropy, and ways to wait.
package kernel

import (
	"io"

	"dappco.re/go/cloche/fs"
)

// Config is all that a guest is given. The zero value grants nothing.
type Config struct {
	Args []string // with the program's name first
	Env  []string // "KEY=VALUE"
	// Root is the guest's whole file tree, mounts included; nil means no files.
	Root *fs.Fs
	// Cwd is an absolute path in Root, "" means "/".
	Cwd string
	// Preopens are further absolute directories of Root to offer beside "/", for
	// programs that match prefixes; the kernel adds "." for Cwd.
	Preopens []string

	Stdin          io.ReadCloser // Close makes a blocked Read return; nil means EOF
	Stdout, Stderr io.Writer     // nil discards
	// Denied is told of every refusal; nil means nobody is.
	Denied func(*fs.DeniedError)
}
