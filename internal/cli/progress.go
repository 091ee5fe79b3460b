package cli

import (
	"fmt"
	"io"
	"os"

	"dappco.re/go/cloche/process/wasm"
)

// progress tells a person at a terminal why the first run of a big module
// takes a while; anything else that reads stderr is told nothing.
func progress(stderr io.Writer) []wasm.Option {
	if !isTerminal(stderr) || os.Getenv("TERM") == "dumb" {
		return nil // what cannot erase a line gets none to be erased
	}
	return []wasm.Option{wasm.WithProgress(func(p wasm.Progress) {
		switch {
		case p.Warm:
		case p.Finished:
			fmt.Fprint(stderr, "\r\x1b[K")
		default:
			fmt.Fprintf(stderr, "cloche: compiling %s (%.1f MB), once...", p.Program, float64(p.Size)/1e6)
		}
	})}
}

// isTerminal reports whether a person can be on the other side of stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
