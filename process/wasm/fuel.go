package wasm

import (
	"context"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"dappco.re/go/cloche/process/wasm/internal/meter"
)

// fuelSlice is how much a guest may do until it has to come back: a tenth of a
// millisecond or so.
const fuelSlice = 200_000

// instantiateFuel makes the host module that metered guests ask for fuel.
func instantiateFuel(ctx context.Context, r wazero.Runtime) error {
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := r.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(refill), i64, i64).Export(meter.ImportName).Instantiate(ctx)
	return err
}

// refill ends a guest whose time is over. Others get more, when whoever waits for a
// processor has had one: the collector above all, which a guest's machine code
// holds up until it is back in Go, and for good without this.
func refill(ctx context.Context, stack []uint64) {
	if ctx.Err() != nil {
		panic(sys.NewExitError(sys.ExitCodeContextCanceled))
	}
	runtime.Gosched()
	stack[0] += fuelSlice
}
