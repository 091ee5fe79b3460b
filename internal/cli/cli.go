// Package cli is the cloche command: it turns flags into a Core and a Spec, runs
// it, and turns what happened into an exit code.
//
// Standard output belongs to the guest alone. What cloche itself has to say
// goes to standard error, each line behind "cloche: ".
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Stdio is what the command reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

const usage = `cloche runs programs in a sandbox: WebAssembly modules that see only what they are given.

Usage:
  cloche run [flags] [--] program [args...]   run a program
  cloche list [flags]                         list the programs that have a name
  cloche verify receipt                       run again what "cloche run --receipt" wrote down
  cloche help                                 print this text

"cloche run --help", "cloche list --help" and "cloche verify --help" tell more.
`

// Main runs the command and returns its exit code.
func Main(args []string, stdio Stdio) int {
	if len(args) == 0 {
		fmt.Fprint(stdio.Err, usage)
		return exitFailed
	}
	switch args[0] {
	case "run":
		return interruptible(func(ctx context.Context) int { return runCommand(ctx, args[1:], stdio) })
	case "list":
		return listCommand(args[1:], stdio)
	case "verify":
		return interruptible(func(ctx context.Context) int { return verifyCommand(ctx, args[1:], stdio) })
	case "help", "--help", "-help", "-h":
		fmt.Fprint(stdio.Out, usage)
		return 0
	}
	complain(stdio.Err, fmt.Errorf("unknown command %q; it is one of run, list, verify, help", args[0]))
	return exitFailed
}

// interruptible cancels main's context on SIGINT or SIGTERM and then exits as a
// shell would report it. SIGPIPE is caught so that a closed output is an error
// of one write, after which everything is still cleaned up.
func interruptible(main func(context.Context) int) int {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case s := <-signals:
			cancel(interrupted{s.(syscall.Signal)})
		case <-done:
		}
	}()

	code := main(ctx)
	if i, ok := context.Cause(ctx).(interrupted); ok {
		return exitSignal + int(i.signal)
	}
	return code
}

// interrupted is why a run was cancelled by a signal to cloche itself.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return "ended by a signal to cloche: " + i.signal.String() }

// complain says what went wrong. A guest may have had a word in it: by a path, or as
// the name of an import or a function.
func complain(w io.Writer, err error) { fmt.Fprintf(onScreen(w), "cloche: %v\n", err) }
