package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dappco.re/go/cloche/internal/hermetic"
	"dappco.re/go/cloche/internal/reapi"
)

const verifyUsage = `Usage: cloche verify receipt.json

Runs again what "cloche run --hermetic --receipt receipt.json" ran, and compares
all that the program is given and all that it does: exit code, output, and the
files it changes in overlays, of which nothing is kept. A module, an input file
and directories are looked for where they were, seen from the receipt; an input
that came from elsewhere has to be given again. What is different is printed.

Exit codes: 0 the same, 1 different, 125 it could not be run.
`

const exitDifferent = 1

func verifyCommand(ctx context.Context, args []string, stdio Stdio) int {
	set := flag.NewFlagSet("verify", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	err := set.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdio.Out, verifyUsage)
		return 0
	}
	if err == nil && set.NArg() != 1 {
		err = errors.New("it takes one argument, the receipt")
	}
	var differences []hermetic.Difference
	if err == nil {
		differences, err = verify(ctx, set.Arg(0), stdio)
	}
	if err != nil {
		complain(stdio.Err, fmt.Errorf("verify: %w", err))
		return exitFailed
	}
	for _, d := range differences {
		fmt.Fprintln(onScreen(stdio.Out), printable(d.String()))
	}
	if len(differences) > 0 {
		return exitDifferent
	}
	return 0
}

// verify tells what is different now. If that is what the program is given, it is not
// run: what it does was never said to be the same then.
func verify(ctx context.Context, file string, stdio Stdio) ([]hermetic.Difference, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	receipt, err := hermetic.Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	dir, err := realDir(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	f := flagsOf(receipt, file, dir)
	dirs, err := openDirs(f.dirs)
	if err != nil {
		return nil, err
	}
	defer dirs.close()
	engine, err := hermetic.Engine()
	if err != nil {
		return nil, err
	}
	r, err := newRecording(engine, f, dirs)
	if err != nil {
		return nil, err
	}
	if err := r.readInput(ctx, stdio.In); err != nil {
		return nil, err
	}
	if changed := r.given.Since(&receipt.Run); len(changed) > 0 {
		return changed, nil
	}
	if r.given.Engine != receipt.Run.Engine {
		complain(stdio.Err, fmt.Errorf("verify: this is another engine than the receipt's, %s: %s", receipt.Run.Engine, r.given.Engine))
	}
	out, err := r.run(ctx, Stdio{Out: io.Discard, Err: io.Discard}, new(findings))
	if out == nil {
		return nil, err
	}
	if reason := r.result.Reason; !lasting(reason) {
		return nil, fmt.Errorf("the program was ended before it was done: %s", reason)
	}
	if err := r.checkInputs(); err != nil {
		return nil, err
	}
	return r.result.Since(&receipt.Result), nil
}

// flagsOf are those that the receipt's run had, with what it was given in dir.
func flagsOf(receipt *hermetic.Receipt, file, dir string) runFlags {
	host := func(path string) string {
		path = filepath.FromSlash(path)
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	run, source := receipt.Run, receipt.Source
	f := runFlags{
		hermetic: true,
		receipt:  file,
		seed:     run.Seed,
		time:     run.Time,
		env:      run.Env,
		workdir:  run.Dir,
		timeout:  run.Timeout,
		limits:   run.Limits,
		program:  source.Program,
		args:     run.Args[1:],
	}
	if isModuleFile(f.program) {
		f.program = host(f.program)
	}
	for _, m := range source.ModulePath {
		f.modulePath = append(f.modulePath, host(m))
	}
	switch {
	case source.Stdin != "":
		f.stdin = stdinFlag(host(source.Stdin))
	case run.Stdin == reapi.Sum(nil):
		f.stdin = "none"
	}
	for i, m := range run.Mounts {
		f.dirs = append(f.dirs, dirFlag{host: host(source.Mounts[i]), guest: m.Target, readOnly: !m.Overlay, overlay: m.Overlay})
	}
	return f
}
