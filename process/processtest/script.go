package processtest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/rogpeppe/go-internal/testscript"
)

// Script is a command for testscript that runs programs by s, which needs a backend
// that can mount, as wasm can:
//
//	testscript.Run(t, testscript.Params{
//		Dir:  "testdata",
//		Cmds: map[string]func(*testscript.TestScript, bool, []string){"cloche": processtest.Script(s)},
//	})
//
// A script may then say
//
//	cloche [-stdin file] program [args...]
//	! cloche grep moss file
//
// The program sees the script's work directory, as its root, and nothing else; not
// the script's variables either. It works where cd has led. What it writes is for
// the commands stdout, stderr and cmp. With "!" it must run and fail: one that
// cannot be started is no success.
func Script(s *process.Service) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		spec := process.Spec{Stdout: ts.Stdout(), Stderr: ts.Stderr(), Capture: -1}
		if len(args) >= 2 && args[0] == "-stdin" {
			spec.Stdin, args = strings.NewReader(ts.ReadFile(args[1])), args[2:]
		}
		if len(args) == 0 {
			ts.Fatalf("usage: cloche [-stdin file] program [args...]")
		}
		spec.Command, spec.Args = args[0], args[1:]
		work := ts.Getenv("WORK")
		f, err := fs.New(work)
		ts.Check(err)
		defer f.Close()
		dir, err := filepath.Rel(work, ts.MkAbs("."))
		ts.Check(err)
		spec.Mounts, spec.Dir = []process.Mount{{Fs: f, Target: "/"}}, filepath.ToSlash(dir)

		_, err = s.Run(context.Background(), spec)
		_, failed := errors.AsType[*process.ExitError](err)
		switch {
		case err != nil && (!neg || !failed):
			ts.Fatalf("%v", err)
		case err == nil && neg:
			ts.Fatalf("%s succeeded unexpectedly", spec.Command)
		}
	}
}
