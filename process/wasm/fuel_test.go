package wasm

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// computers is the module path of a guest that computes without end of input: kind
// and amount are its arguments.
var computers = os.DirFS("../../testdata/wasm")

func fuelled(max int64, command string, args ...string) process.Spec {
	s := spec(command, args...)
	s.Limits = process.Limits{Fuel: max, Memory: 80 << 20}
	return s
}

func assertOutOfFuel(t testing.TB, max int64, exit process.Exit) {
	t.Helper()
	assert.Equal(t, 137, exit.Code)
	limit, ok := errors.AsType[*process.LimitError](exit.Reason)
	require.True(t, ok, "reason is %v", exit.Reason)
	assert.Equal(t, process.LimitError{Limit: process.LimitFuel, Max: max}, *limit)
}

func TestFuelIsTheSameNumberInEveryRunWhateverElseRuns(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, WithModulePath(computers))
	for _, run := range []string{
		"compute fib 20", "compute sort 10000", "compute matmul 32", "compute sha 1000", "compute interpret 100000", "compute chase 10000",
		"grow 0", "recurse",
	} {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(run)
			first := finish(t, e, fuelled(0, args[0], args[1:]...)).Usage.Fuel
			assert.Greater(t, first, int64(1000))
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					assert.Equal(t, first, finish(t, e, fuelled(0, args[0], args[1:]...)).Usage.Fuel)
					runtime.GC()
				})
			}
			wg.Wait()
		})
	}
}

func TestAGuestNeedsTheFuelThatItUsesAndNotAUnitLess(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, WithModulePath(computers))
	for _, run := range []string{"compute fib 20", "compute sort 10000", "compute matmul 32", "grow 0"} {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(run)
			whole := finish(t, e, fuelled(0, args[0], args[1:]...))
			require.NoError(t, whole.Reason)
			used := whole.Usage.Fuel
			assert.Equal(t, whole, finish(t, e, fuelled(used, args[0], args[1:]...)))
			for _, max := range []int64{used - 1, used / 2, 1000, 1} {
				exit := finish(t, e, fuelled(max, args[0], args[1:]...))
				assertOutOfFuel(t, max, exit)
				assert.Equal(t, exit, finish(t, e, fuelled(max, args[0], args[1:]...)), "it ends in the same place")
			}
		})
	}
}

func TestWhatDependsOnASizePaysByIt(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	got := finish(t, e, fuelled(0, "grow", "0"))
	assert.Greater(t, got.Usage.Fuel, got.Usage.Memory/16*9/10, "memory")
	assert.Greater(t, finish(t, e, spec("tablegrow")).Usage.Fuel, int64(1_000_000/2*9/10), "tables")
}

func TestAnEndlessGuestEndsWithItsFuel(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	for _, command := range busy {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			for _, max := range []int64{1, 100, fuelSlice, fuelSlice + 1, 10_000_000} {
				exit := finish(t, e, fuelled(max, command))
				assertOutOfFuel(t, max, exit)
				assert.Equal(t, exit, finish(t, e, fuelled(max, command)))
			}
		})
	}
}
