package userland_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

func Example() {
	ctx := context.Background()
	c := core.New(core.WithService(wasm.RegisterWith(wasm.WithFallback(userland.Programs()...))))
	if err := c.ServiceStartup(ctx).Err(); err != nil {
		fmt.Println(err)
		return
	}
	defer c.ServiceShutdown(ctx)

	out, err := process.For(c).Run(ctx, process.Spec{
		Command: "jq",
		Args:    []string{"-r", ".name"},
		Stdin:   strings.NewReader(`{"name": "cloche"}`),
		Timeout: time.Minute,
		Limits:  process.Limits{Memory: 256 << 20, Output: 1 << 20},
	})
	fmt.Printf("%s%v\n", out.Stdout, err)

	_, err = process.For(c).Run(ctx, process.Spec{Command: "cat", Args: []string{"/etc/passwd"}})
	exit, _ := errors.AsType[*process.ExitError](err)
	fmt.Printf("%d %s", exit.Exit.Code, exit.Stderr)
	// Output:
	// cloche
	// <nil>
	// 1 cat: /etc/passwd: No such file or directory
}
