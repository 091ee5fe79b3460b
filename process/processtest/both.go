package processtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Both runs specs, one after another, on two backends, as in native.Register and
// wasm.RegisterWith(...). Each works in a directory of the host of its own that
// holds the files of a txtar archive, as Fixture has it. It fails the test where
// they differ in exit code, signal, output or the files that are left, and returns
// the outputs of the first.
func Both(t testing.TB, files string, a, b func(*core.Core) core.Result, specs ...process.Spec) []process.Output {
	t.Helper()
	specs = rereadable(t, specs)
	first, second := runCase(t, files, a, specs), runCase(t, files, b, specs)
	if first.story != second.story {
		t.Errorf("the backends differ\n%s", compare(first.backend, first.story, second.backend, second.story))
	}
	return first.outputs
}

// rereadable reads all input, since it is needed twice.
func rereadable(t testing.TB, specs []process.Spec) []process.Spec {
	t.Helper()
	specs = append([]process.Spec(nil), specs...)
	for i := range specs {
		if specs[i].Stdin == nil {
			continue
		}
		data, err := io.ReadAll(specs[i].Stdin)
		if err != nil {
			t.Fatalf("reading the input of %s: %v", specs[i].Command, err)
		}
		specs[i].Stdin = bytes.NewReader(data)
	}
	return specs
}

// caseRun is what a backend made of a case.
type caseRun struct {
	backend string
	story   string // all that must be the same
	outputs []process.Output
}

func runCase(t testing.TB, files string, backend func(*core.Core) core.Result, specs []process.Spec) caseRun {
	t.Helper()
	f, err := fs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := parseArchive([]byte(files))
	if err == nil {
		err = content.addTo(f)
	}
	if err != nil {
		t.Fatalf("the files: %v", err)
	}
	c := startCore(t, core.WithPlainFs(f), backend)
	var r caseRun
	var story strings.Builder
	for _, s := range specs {
		if input, ok := s.Stdin.(*bytes.Reader); ok {
			_, _ = input.Seek(0, io.SeekStart)
		}
		out := r.run(t, process.For(c), s)
		fmt.Fprintf(&story, "$ %s %s\n", s.Command, quoteAll(s.Args))
		fmt.Fprintln(&story, strings.TrimSpace(fmt.Sprintln("exit code", out.Exit.Code, out.Exit.Signal)))
		story.WriteString(section("stdout", string(out.Stdout)))
		story.WriteString(section("stderr", string(out.Stderr)))
		r.outputs = append(r.outputs, out)
	}
	r.story = story.String() + "files:\n" + Tree(t, f)
	endCore(t, c) // before f is closed
	return r
}

func (r *caseRun) run(t testing.TB, s *process.Service, spec process.Spec) process.Output {
	t.Helper()
	h, err := s.Start(t.Context(), spec)
	if err != nil {
		// Backends find their programs in different places, and say so.
		return process.Output{Exit: process.Exit{Code: process.ExitCode(err), Reason: err}}
	}
	r.backend = h.Info().Backend
	if _, err := h.Wait(t.Context()); err != nil {
		if _, failed := errors.AsType[*process.ExitError](err); !failed {
			t.Fatalf("%s on %s: %v", spec.Command, r.backend, err)
		}
	}
	return h.Output()
}

// section is an output with its name, for a text of lines.
func section(name, output string) string {
	if legible(output) {
		return name + ":\n" + output
	}
	return name + " (quoted):\n" + quoteLines(output)
}
