package wasi_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// FuzzCall calls random functions with random arguments on random memory. A panic
// would come back as an error that is no exit; a call that waits is ended by the
// context.
func FuzzCall(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(seed, []byte("f\x00d/../x"))
	}
	h := newHost(f)
	f.Fuzz(func(t *testing.T, seed uint64, memory []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		g := newProxyIn(t, h, ctx, kernel.Config{
			Args:   []string{"fuzz"},
			Root:   tree(t, map[string]string{"f": "content", "d/g": ""}),
			Stdin:  io.NopCloser(strings.NewReader("input")),
			Stdout: io.Discard,
		})
		defer g.mod.Close(context.Background())
		defer g.p.Close()
		rnd := rand.New(rand.NewPCG(seed, 1))
		names := exported(g.mod)
		for range 20 {
			g.mod.Memory().Write(rnd.Uint32N(memorySize), memory[:min(len(memory), memorySize)])
			fn := g.mod.ExportedFunction(names[rnd.IntN(len(names))])
			args := make([]uint64, len(fn.Definition().ParamTypes()))
			for i := range args {
				args[i] = interesting(rnd)
			}
			r, err := fn.Call(g.ctx, args...)
			var exit *sys.ExitError
			switch {
			case errors.As(err, &exit):
				return
			case err != nil:
				t.Fatalf("%s%x: %v", fn.Definition().ExportNames()[0], args, err)
			case uint32(r[0]) > notcapable:
				t.Fatalf("%s%x: errno %d", fn.Definition().ExportNames()[0], args, uint32(r[0]))
			}
		}
	})
}

// exported lists the functions in an order that a seed can rely on.
func exported(m api.Module) []string {
	var names []string
	for name := range m.ExportedFunctionDefinitions() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// interesting makes numbers that are small, at an edge, or anything.
func interesting(rnd *rand.Rand) uint64 {
	edges := []uint64{0, 1, 3, memorySize - 1, memorySize, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	switch rnd.IntN(4) {
	case 0:
		return edges[rnd.IntN(len(edges))]
	case 1:
		return rnd.Uint64()
	case 2:
		return rnd.Uint64N(memorySize)
	}
	return rnd.Uint64N(8)
}
