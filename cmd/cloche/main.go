// Command cloche runs programs in a sandbox; see package cli for its manual.
package main

import (
	"os"

	"dappco.re/go/cloche/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
