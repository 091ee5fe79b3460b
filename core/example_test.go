package core_test

import (
	"context"
	"fmt"

	"dappco.re/go/cloche/core"
)

func Example() {
	c := core.New(core.WithOption("greeting", "hello"))
	c.Action("greet", func(ctx context.Context, opts core.Options) core.Result {
		return core.Ok(c.Options().String("greeting") + ", " + opts.String("name"))
	}).Accept(core.Field{Key: "name", Type: core.String, Required: true})

	ctx := context.Background()
	text, err := core.Value[string](c.Action("greet").Run(ctx, core.NewOptions(core.Option{Key: "name", Value: "moss"})))
	fmt.Println(text, err)

	fmt.Println(c.Action("greet").Run(ctx, core.NewOptions(core.Option{Key: "name", Value: 7})).Err())
	fmt.Println(c.Process().Exists())
	// Output:
	// hello, moss <nil>
	// action "greet": option "name": want a string, got int; pass a string
	// false
}
