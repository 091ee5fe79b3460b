package wasm

import (
	"context"
	"runtime"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/meter"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// fuelSlice is how much a guest may do until it has to come back: a tenth of a
// millisecond or so.
const fuelSlice = 200_000

// instantiateFuel makes the host module that metered guests ask for fuel.
func instantiateFuel(ctx context.Context, r wazero.Runtime) error {
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := r.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(refill), i64, i64).Export(meter.ImportName).Instantiate(ctx)
	return err
}

// refill ends a guest whose time or fuel is over. Others get more, when whoever
// waits for a processor has had one: the collector above all, which a guest's machine
// code holds up until it is back in Go, and for good without this.
func refill(ctx context.Context, guest api.Module, stack []uint64) {
	t := ctx.Value(tankKey{}).(*tank)
	if t.level == nil {
		t.level = guest.ExportedGlobal(meter.ExportName)
	}
	if ctx.Err() == nil && !t.grant(int64(stack[0])) {
		t.kill(&process.LimitError{Limit: process.LimitFuel, Max: t.max})
	}
	if ctx.Err() != nil {
		panic(sys.NewExitError(sys.ExitCodeContextCanceled))
	}
	runtime.Gosched()
	stack[0] += uint64(t.slice)
}

// tank is the fuel of one guest, which alone uses it.
type tank struct {
	max     int64 // 0 for no limit
	kill    context.CancelCauseFunc
	granted int64
	slice   int64      // the last that was granted
	level   api.Global // what is left of it, nil until the guest first asks
}

type tankKey struct{}

func withTank(ctx context.Context, t *tank) context.Context {
	return context.WithValue(ctx, tankKey{}, t)
}

// grant gives the next slice to a guest that has so much left, or refuses it. A guest
// asks when it has used more than it was granted, or would by what it does next, so
// that one who asks with all of max granted is over it. Since nobody is who does not
// ask, a guest ends in the same place whatever the slices were.
func (t *tank) grant(left int64) bool {
	if t.max > 0 && (t.granted == t.max || t.granted-left > t.max) {
		return false
	}
	t.slice = fuelSlice
	if t.max > 0 {
		t.slice = min(t.slice, t.max-t.granted)
	}
	t.granted += t.slice
	return true
}

// used is what the guest has used so far, to the unit.
func (t *tank) used() int64 {
	if t.level == nil {
		return 0
	}
	return t.granted - int64(t.level.Get())
}
