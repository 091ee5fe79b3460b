package meter_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"dappco.re/go/cloche/process/wasm/internal/meter"
)

// hostFuel gives the guests of r what refill answers to what is left.
func hostFuel(t testing.TB, r wazero.Runtime, refill func(left int64) int64) {
	t.Helper()
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := r.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			stack[0] = uint64(refill(int64(stack[0])))
		}), i64, i64).Export(meter.ImportName).Instantiate(context.Background())
	require.NoError(t, err)
}
