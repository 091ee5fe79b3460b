package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"dappco.re/go/cloche/process/wasm"
)

const listUsage = `Usage: cloche list [--module-path LIST]

Lists the programs that "cloche run" knows by name, and where each comes from.
`

func listCommand(args []string, stdio Stdio) int {
	err := list(args, stdio.Out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdio.Out, listUsage)
		return 0
	case err != nil:
		complain(stdio.Err, fmt.Errorf("list: %w", err))
		return exitFailed
	}
	return 0
}

func list(args []string, out io.Writer) error {
	var modulePath []string
	set := flag.NewFlagSet("list", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	set.Func("module-path", "", pathFlag(&modulePath))
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("it takes no arguments, and was given %q", set.Args())
	}
	options, err := lookup(modulePath)
	if err != nil {
		return err
	}
	executor, err := wasm.New(nil, options...)
	if err != nil {
		return err
	}
	defer executor.Close()

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range executor.Programs() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, p.Module, p.Source)
	}
	return table.Flush()
}
