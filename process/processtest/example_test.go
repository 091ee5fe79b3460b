package processtest_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
	"github.com/rogpeppe/go-internal/testscript"
)

// A Core whose guests see nothing of the machine. BlockUntil lets the guest begin
// its sleep before the clock moves.
func ExampleCore() {
	TestReminder := func(t *testing.T) {
		t.Parallel()
		clock := wasm.NewClock(time.Date(2030, 1, 1, 9, 0, 0, 0, time.UTC))
		files := processtest.Fixture(t, "-- list --\nwater the moss\n", fs.WithClock(clock.Now))
		c := processtest.Core(t, files, wasm.RegisterWith(
			wasm.WithClock(clock), wasm.WithSeed(1), wasm.WithFallback(userland.Programs()...)))

		h, err := process.For(c).Start(t.Context(), process.Spec{Command: "sleep", Args: []string{"3600"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := clock.BlockUntil(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		if _, err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := processtest.Tree(t, files); got != "-- list --\nwater the moss\n" {
			t.Error(got)
		}
	}
	_ = TestReminder
}

// What jq, installed on this machine, does with a file, a guest must do as well.
func ExampleBoth() {
	TestJQ := func(t *testing.T) {
		t.Parallel()
		processtest.Both(t, "-- plant --\n{\"name\": \"moss\"}\n",
			native.Register, wasm.RegisterWith(wasm.WithFallback(userland.Programs()...)),
			process.Spec{Command: "jq", Args: []string{".name", "plant"}},
			process.Spec{Command: "jq", Args: []string{"."}, Stdin: strings.NewReader("[1, 2]")},
		)
	}
	_ = TestJQ
}

// A test of what calls git, without one.
func ExampleAnswers() {
	TestRelease := func(t *testing.T) {
		git := processtest.Record(processtest.Fake{"git": processtest.Answers(t,
			processtest.Answer{Args: []string{"describe"}, Stdout: "v1.2.3\n"},
			processtest.Answer{Args: []string{"push", "--tags"}, Stderr: "rejected\n", Code: 1},
		)})
		s := process.New(git)
		defer s.Shutdown(t.Context())

		_, err := s.Run(t.Context(), process.Spec{Command: "git", Args: []string{"push", "--tags"}})
		if process.ExitCode(err) != 1 || len(git.Calls()) != 1 {
			t.Error(err, git.Calls())
		}
	}
	_ = TestRelease
}

// The compiler runs where the test is given -update, and is played back elsewhere.
func ExampleCassette() {
	update := flag.Bool("update", false, "record cassettes and write golden files anew")

	TestCompile := func(t *testing.T) {
		files, err := fs.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		if err := files.Write("hello.c", []byte("int main(void) { return 0; }\n")); err != nil {
			t.Fatal(err)
		}
		cc := processtest.Cassette{
			Path: "testdata/compile.txtar", Fs: files, Inputs: []string{"*.c"},
			Update: *update, Executor: native.New(files),
		}.Open(t)
		s := process.New(cc)
		defer s.Shutdown(t.Context())

		out, err := s.Run(t.Context(), process.Spec{Command: "cc", Args: []string{"-S", "hello.c"}})
		if err != nil {
			t.Fatal(err)
		}
		processtest.Golden(t, *update, "testdata/compile.golden", out.Stderr)
	}
	_ = TestCompile
}

// Scripts in testdata may say "cloche grep moss file".
func ExampleScript() {
	TestScripts := func(t *testing.T) {
		guests, err := wasm.New(nil, wasm.WithFallback(userland.Programs()...))
		if err != nil {
			t.Fatal(err)
		}
		s := process.New(guests)
		t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
		testscript.Run(t, testscript.Params{
			Dir:  "testdata/script",
			Cmds: map[string]func(*testscript.TestScript, bool, []string){"cloche": processtest.Script(s)},
		})
	}
	_ = TestScripts
}

func ExampleFake() {
	exec := processtest.Fake{"greet": func(p *processtest.Process) int {
		fmt.Fprintln(p.Stdout, "hello,", p.Args[0])
		return 0
	}}
	c := core.New(core.WithService(func(c *core.Core) core.Result { return process.Register(c, exec) }))
	out, err := core.Value[string](c.Process().Run(context.Background(), "greet", "moss"))
	fmt.Print(out, err)
	// Output:
	// hello, moss
	// <nil>
}
