// Command agent dispatches coding tools into workspaces, one folder each, and keeps
// a status.json in every one of them that is right at any moment, whoever is killed.
//
//	go run ./examples/agent -root DIR -tool 'NAME=COMMAND ARGS...' serve
//	go run ./examples/agent -root DIR -tool ... dispatch WORKSPACE TOOL REPO BRANCH TASK
//	go run ./examples/agent -root DIR status
//	go run ./examples/agent -root DIR check WORKSPACE
//	go run ./examples/agent -root DIR resume WORKSPACE [ANSWER]
//	go run ./examples/agent -root DIR kill WORKSPACE
//
// Only serve runs tools; the others write into the files what it is to do, or the next
// one.
//
// A tool reads its task from its input and works in the folder src. It says by a file
// question.md above it that it has a question, which is answered in answer.md, and by
// pr_url where its work can be seen.
//
// With -sandbox the tools are WebAssembly programs that see the root and nothing else,
// and git alone is the host's. That is one line: backend.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

type options struct {
	root    string
	sandbox bool
	most    int
	tools   map[string]Tool
	env     []string
}

func parse(args []string) (o options, rest []string, err error) {
	o.tools = make(map[string]Tool)
	set := flag.NewFlagSet("agent", flag.ContinueOnError)
	set.StringVar(&o.root, "root", ".", "the folder of the workspaces")
	set.BoolVar(&o.sandbox, "sandbox", false, "run the tools as WebAssembly programs")
	set.IntVar(&o.most, "most", 4, "how many workspaces to work on at once")
	set.Func("tool", "NAME=COMMAND ARGS..., may be repeated", func(text string) error {
		name, command, ok := strings.Cut(text, "=")
		words := strings.Fields(command)
		if !ok || len(words) == 0 {
			return errors.New("write it as NAME=COMMAND, with arguments behind it")
		}
		o.tools[name] = Tool{Command: words[0], Args: words[1:]}
		return nil
	})
	set.Func("env", "a variable for tools, git and the checks: KEY=VALUE, or KEY to pass it on", func(text string) error {
		if !strings.Contains(text, "=") {
			text += "=" + os.Getenv(text)
		}
		o.env = append(o.env, text)
		return nil
	})
	err = set.Parse(args)
	return o, set.Args(), err
}

// backend is the one place where it matters what a tool is.
func backend(sandbox bool) func(*core.Core) core.Result {
	if sandbox {
		return sandboxed
	}
	return native.Register
}

// sandboxed has an explicit list of what is native all the same.
func sandboxed(c *core.Core) core.Result {
	guests, err := wasm.New(c.Fs().Plain(), wasm.WithFallback(userland.Programs()...))
	if err != nil {
		return core.Fail(err)
	}
	return process.Register(c, process.Route(map[string]process.Executor{"git": native.New(c.Fs().Plain())}, guests))
}

func run(ctx context.Context, args []string) (err error) {
	o, rest, err := parse(args)
	if err != nil {
		return err
	}
	c := core.New(core.WithFs(o.root), core.WithService(backend(o.sandbox)))
	if err := c.ServiceStartup(ctx).Err(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.ServiceShutdown(context.WithoutCancel(ctx)).Err()) }()
	a := New(c, o.tools, o.env, o.most, slog.NewTextHandler(os.Stderr, nil))
	return a.command(ctx, rest)
}

var errUsage = errors.New("say what to do: serve, dispatch, status, check, resume or kill; see the package's documentation")

func (a *Agent) command(ctx context.Context, words []string) error {
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch word(0) {
	case "serve":
		return a.Serve(ctx)
	case "dispatch":
		return a.Dispatch(word(1), Job{Agent: word(2), Repo: word(3), Branch: word(4), Task: word(5)})
	case "resume":
		return a.Resume(word(1), word(2))
	case "kill":
		return a.Kill(ctx, word(1))
	case "check":
		return a.prep.Check(ctx, a.path(word(1), sourceFolder))
	case "status":
		return a.print()
	}
	return errUsage
}

func (a *Agent) print() error {
	names, err := a.Workspaces()
	if err != nil {
		return err
	}
	all := make(map[string]Status, len(names))
	for _, name := range names {
		if all[name], err = a.status(name); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "\t")
	return out.Encode(all)
}
