// Package docs_test has every "after" of migrating.md as an Example, and the test that
// they are the same.
package docs_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/supervise"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

// begin is what stands before every snippet: a Core in an empty directory.
func begin() (c *core.Core, ctx context.Context, end func()) {
	ctx = context.Background()
	dir, err := os.MkdirTemp("", "migrating-")
	if err != nil {
		panic(err)
	}
	c = core.New(core.WithFs(dir), core.WithService(native.Register))
	if err := c.ServiceStartup(ctx).Err(); err != nil {
		panic(err)
	}
	return c, ctx, func() {
		c.ServiceShutdown(ctx)
		os.RemoveAll(dir)
	}
}

func Example_beforeYouBegin() {
	main := func() error {
		ctx := context.Background()
		c := core.New(core.WithFs("/srv/workspace"), core.WithService(native.Register))
		if err := c.ServiceStartup(ctx).Err(); err != nil {
			return err
		}
		defer c.ServiceShutdown(ctx)
		s, f := process.For(c), c.Fs().Plain()
		return work(ctx, c, s, f)
	}
	_ = main
}

func work(context.Context, *core.Core, *process.Service, *fs.Fs) error { return nil }

func Example_runAndCapture() {
	c, ctx, end := begin()
	defer end()
	text, err := core.Value[string](c.Process().Run(ctx, "echo", "moss"))
	fmt.Println(text, err)
	// Output:
	// moss
	//  <nil>
}

func Example_keepTheStreamsApart() {
	c, ctx, end := begin()
	defer end()
	s := process.For(c)
	_, err := s.Run(ctx, process.Spec{Command: "sh", Args: []string{"-c", "echo dry >&2; exit 3"}})
	if exit, ok := errors.AsType[*process.ExitError](err); ok {
		fmt.Println(exit.Exit.Code, string(exit.Stderr))
	}
	// Output: 3 dry
}

func Example_runInADirectory() {
	c, ctx, end := begin()
	defer end()
	c.Fs().EnsureDir("repo")
	c.Fs().Write("repo/list", "moss\n")
	text, err := core.Value[string](c.Process().RunIn(ctx, "repo", "cat", "list"))
	fmt.Println(text, err)
	// Output:
	// moss
	//  <nil>
}

func Example_withVariables() {
	c, ctx, end := begin()
	defer end()
	env := []string{"PLANT=moss", "PATH=" + os.Getenv("PATH")}
	text, err := core.Value[string](c.Process().RunWithEnv(ctx, ".", env, "sh", "-c", "echo $PLANT"))
	fmt.Println(text, err)
	// Output:
	// moss
	//  <nil>
}

func Example_withInput() {
	c, ctx, end := begin()
	defer end()
	s := process.For(c)
	out, err := s.Run(ctx, process.Spec{Command: "cat", Stdin: strings.NewReader("moss")})
	fmt.Println(string(out.Stdout), err)
	// Output: moss <nil>
}

func Example_outputAsItComes() {
	c, ctx, end := begin()
	defer end()
	s := process.For(c)
	h, err := s.Start(ctx, process.Spec{Command: "echo", Args: []string{"moss"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for out := range h.Follow(ctx) {
		os.Stdout.Write(out.Data)
	}
	fmt.Println(h.Err())
	// Output:
	// moss
	// <nil>
}

func Example_withATimeLimit() {
	c, ctx, end := begin()
	defer end()
	s := process.For(c)
	_, err := s.Run(ctx, process.Spec{
		Command: "sleep", Args: []string{"60"},
		Timeout: 10 * time.Millisecond,
	})
	fmt.Println(errors.Is(err, process.ErrTimeout), process.ExitCode(err))
	// Output: true 124
}

func Example_killATree() {
	c, ctx, end := begin()
	defer end()
	s := process.For(c)
	h, err := s.Start(ctx, process.Spec{
		Command: "sh", Args: []string{"-c", "sleep 60 & wait"},
		GracePeriod: 5 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Kill(ctx), h.Info().Status)
	// Output: <nil> killed
}

func Example_isItAlive() {
	c, ctx, end := begin()
	defer end()
	s := process.For(c)
	h, err := s.Start(ctx, process.Spec{Command: "true"})
	if err != nil {
		fmt.Println(err)
		return
	}
	id := h.ID()
	h, known := s.Get(id)
	if !known {
		fmt.Println("never started here, or long forgotten")
		return
	}
	if !h.Info().Status.Ended() {
		<-h.Done()
	}
	fmt.Println(h.Info().Status, h.Info().ExitCode)
	// Output: exited 0
}

func Example_leaveItRunning() {
	c, ctx, end := begin()
	defer end()
	s, f := process.For(c), c.Fs().Plain()
	h, err := s.Start(ctx, process.Spec{
		Command: "agent", Args: []string{"--serve"},
		Detach:     true,
		OutputFile: "agent.log",
		Starting: func(id process.Identity) error {
			text, err := json.Marshal(id)
			if err != nil {
				return err
			}
			return f.WriteAtomic("agent.json", text)
		},
	})
	_, _ = h, err
}

func Example_findItAgain() {
	c, ctx, end := begin()
	defer end()
	s, f := process.For(c), c.Fs().Plain()
	find := func() (*process.Handle, error) {
		text, err := f.Read("agent.json")
		if err != nil {
			return nil, err
		}
		var id process.Identity
		if err := json.Unmarshal(text, &id); err != nil {
			return nil, err
		}
		h, err := s.Adopt(ctx, id, process.Spec{Command: "agent", Detach: true})
		if errors.Is(err, process.ErrGone) {
			return nil, f.Delete("agent.json")
		}
		return h, err
	}
	_ = find
}

func Example_severalDaemons() {
	c, ctx, end := begin()
	defer end()
	s, f := process.For(c), c.Fs().Plain()
	keep := func() error {
		up, err := supervise.New(s, supervise.Sequential(
			supervise.Unit{
				Name:  "db",
				Spec:  process.Spec{Command: "db", OutputFile: "db.log"},
				Ready: supervise.Readiness{Probe: supervise.TCP("localhost:5432")},
			},
			supervise.Unit{
				Name:    "api",
				Spec:    process.Spec{Command: "api", OutputFile: "api.log"},
				Restart: supervise.Restart{When: supervise.OnFailure},
			},
		), supervise.WithRecords(f, "run"), supervise.WithLogger(slog.Default().Handler()))
		if err != nil {
			return err
		}
		return up.Run(ctx)
	}
	_ = keep
}

func Example_writeAStatusFile() {
	c, _, end := begin()
	defer end()
	f := c.Fs().Plain()
	err := f.WriteAtomic("status.json", []byte(`{"state": "running"}`))
	fmt.Println(err)
	// Output: <nil>
}

func Example_changeAStatusFile() {
	c, _, end := begin()
	defer end()
	f := c.Fs().Plain()
	err := f.Update("status.json", func(old []byte) ([]byte, error) {
		status := struct{ Runs int }{}
		if old != nil { // nil: there is no file yet
			if err := json.Unmarshal(old, &status); err != nil {
				return nil, err
			}
		}
		status.Runs++
		return json.Marshal(status)
	})
	fmt.Println(err)
	// Output: <nil>
}

func Example_pidFiles() {
	c, _, end := begin()
	defer end()
	f := c.Fs().Plain()
	pid, err := f.PIDFile("agent.pid")
	if held, ok := errors.AsType[*fs.HeldError](err); ok {
		fmt.Println("already running as", held.PID)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pid.Close()
	// Output:
}

func Example_leaveTheRoot() {
	c, _, end := begin()
	defer end()
	whole := c.Fs().NewUnrestricted()
	defer whole.Close()
	names, err := core.Value[string](whole.Read("/etc/hosts"))
	_, _ = names, err
}

func Example_testsThatTouchTheMachine() {
	TestList := func(t *testing.T) {
		t.Parallel()
		files := processtest.Fixture(t, "-- list --\nwater the moss\n")
		c := processtest.Core(t, files, wasm.RegisterWith(wasm.WithSeed(1), wasm.WithFallback(userland.Programs()...)))
		text, err := core.Value[string](c.Process().Run(t.Context(), "grep", "moss", "/list"))
		if err != nil || text != "water the moss\n" {
			t.Error(text, err)
		}
	}
	_ = TestList
}

func Example_testsWithAScriptInPATH() {
	TestRelease := func(t *testing.T) {
		git := processtest.Record(processtest.Fake{"git": processtest.Answers(t,
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

func Example_testsThatSkipWithoutATool() {
	update := flag.Bool("update", false, "record cassettes anew")

	TestCompile := func(t *testing.T) {
		files, err := fs.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		cc := processtest.Cassette{Path: "testdata/compile.txtar", Fs: files, Update: *update, Executor: native.New(files)}
		s := process.New(cc.Open(t))
		defer s.Shutdown(t.Context())
		if _, err := s.Run(t.Context(), process.Spec{Command: "cc", Args: []string{"--version"}}); err != nil {
			t.Error(err)
		}
	}
	_ = TestCompile
}

func Example_testsThatComparePrograms() {
	TestJQ := func(t *testing.T) {
		t.Parallel()
		processtest.Both(t, "-- plant --\n{\"name\": \"moss\"}\n",
			native.Register, wasm.RegisterWith(wasm.WithFallback(userland.Programs()...)),
			process.Spec{Command: "jq", Args: []string{".name", "plant"}},
		)
	}
	_ = TestJQ
}
