// Command panics counts the calls of panic below a directory, by grep: in the sandbox,
// or with -native by the host's own. Where the Core is built is the only place
// that knows which.
//
//	go run ./examples/panics [-native] DIR
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

func main() {
	hosts := flag.Bool("native", false, "run the host's grep")
	flag.Parse()
	n, err := countIn(context.Background(), flag.Arg(0), *hosts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "panics:", err)
		os.Exit(1)
	}
	fmt.Println(n)
}

// countIn makes a Core over dir, uses it once and stops it.
func countIn(ctx context.Context, dir string, hosts bool) (n int, err error) {
	backend := wasm.RegisterWith(wasm.WithFallback(userland.Programs()...))
	if hosts {
		backend = native.Register
	}
	c := core.New(core.WithFs(dir), core.WithService(backend))
	if err := c.ServiceStartup(ctx).Err(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.ServiceShutdown(ctx).Err()) }()
	return count(ctx, c)
}

// count is the part that real programs have a lot of, and it is the same for
// every backend.
func count(ctx context.Context, c *core.Core) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	text, err := core.Value[string](c.Process().Run(ctx, "grep", "-rhoF", "panic(", "."))
	if exit, ok := errors.AsType[*process.ExitError](err); ok && exit.Exit.Code == 1 && exit.Exit.Reason == nil {
		return 0, nil // grep says so when it finds nothing
	}
	if err != nil {
		return 0, err
	}
	return strings.Count(text, "\n"), nil
}
