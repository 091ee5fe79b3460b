package meter_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"

	"dappco.re/go/cloche/process/wasm/internal/binary"
	"dappco.re/go/cloche/process/wasm/internal/meter"
)

// module assembles one from its sections, each an id and what is in it.
func module(sections ...[]byte) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range sections {
		b = append(b, s[0], byte(len(s)-1))
		b = append(b, s[1:]...)
	}
	return b
}

// Sections of a module with one type [] -> [], one function and one global.
var (
	oneType     = []byte{1, 1, 0x60, 0, 0}
	oneFunction = []byte{3, 1, 0}
	oneTable    = []byte{4, 1, 0x70, 0, 1}
	oneGlobal   = []byte{6, 1, 0x7e, 1, 0x42, 0, 0x0b}
)

// code is the section of one function with that body.
func code(body ...byte) []byte {
	body = append(append([]byte{0}, body...), 0x0b)
	return append([]byte{10, 1, byte(len(body))}, body...)
}

// Each of these is invalid, but would be valid if the module had what is added to
// it. To let one pass would hand the guest its own fuel.
func TestAModuleCannotNameWhatIsAddedToIt(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"the fuel, written":          module(oneType, oneFunction, oneGlobal, code(0x42, 0, 0x24, 1)),
		"the fuel, read":             module(oneType, oneFunction, oneGlobal, code(0x23, 1, 0x1a)),
		"the fuel, exported":         module(oneType, oneFunction, oneGlobal, []byte{7, 1, 1, 'f', 3, 1}, code()),
		"the fuel, as a constant":    module(oneType, oneFunction, []byte{6, 1, 0x7e, 1, 0x23, 1, 0x0b}, code()),
		"the import, called":         module(oneType, oneFunction, code(0x42, 0, 0x10, 1, 0x1a)),
		"a helper, called":           module(oneType, oneFunction, code(0x41, 0, 0x10, 2, 0x1a)),
		"a helper, tail-called":      module(oneType, oneFunction, code(0x12, 1)),
		"a helper, referred to":      module(oneType, oneFunction, code(0xd2, 1, 0x1a)),
		"a helper, exported":         module(oneType, oneFunction, []byte{7, 1, 1, 'f', 0, 1}, code()),
		"a helper, in a table":       module(oneType, oneFunction, oneTable, []byte{9, 1, 0, 0x41, 0, 0x0b, 1, 1}, code()),
		"a helper, as an expression": module(oneType, oneFunction, oneTable, []byte{9, 1, 5, 0x70, 1, 0xd2, 1, 0x0b}, code()),
		"a helper, as the start":     module(oneType, oneFunction, []byte{8, 1}, code()),
		"a type, of a block":         module(oneType, oneFunction, code(0x02, 1, 0x0b)),
		"a type, of a call":          module(oneType, oneFunction, oneTable, code(0x42, 0, 0x41, 0, 0x11, 1, 0, 0x1a)),
		"a type, of a function":      module(oneType, []byte{3, 1, 1}, code()),
		"a type, of an import":       module(oneType, []byte{2, 1, 1, 'm', 1, 'f', 0, 1}, oneFunction, code()),
	} {
		_, err := meter.Instrument(b)
		assert.Error(t, err, name)
	}
	_, err := meter.Instrument(module(oneType, oneFunction, oneGlobal, code(0x42, 0, 0x24, 0, 0x10, 0, 0x02, 0, 0x0b)))
	assert.NoError(t, err, "what is its own it may name")
}

func TestTheMetersModuleCannotBeImported(t *testing.T) {
	t.Parallel()
	entry := append([]byte{2, 1, byte(len(meter.ImportModule))}, meter.ImportModule...)
	entry = append(append(append(entry, byte(len(meter.ImportName))), meter.ImportName...), 0, 0)
	_, err := meter.Instrument(module([]byte{1, 1, 0x60, 1, 0x7e, 1, 0x7e}, entry, oneFunction, code(0x42, 0)))
	assert.ErrorIs(t, err, meter.ErrReserved)
}

func TestNothingElseIsExportedByTheNameOfTheFuel(t *testing.T) {
	t.Parallel()
	entry := append([]byte{7, 1, byte(len(meter.ExportName))}, meter.ExportName...)
	_, err := meter.Instrument(module(oneType, oneFunction, append(entry, 0, 0), code()))
	assert.ErrorIs(t, err, meter.ErrReserved)
}

// FuzzInstrument looks for modules that make the rewriting panic, and for ones that
// are valid before it and invalid after it, or the other way round. What is refused
// the engine is never shown: it makes room for as many imports or globals as a
// module claims to have, and ends the program when there is none.
func FuzzInstrument(f *testing.F) {
	for _, folder := range []string{"../../testdata", "../../../../testdata/wasm"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
		require.NoError(f, err)
		require.NotEmpty(f, files)
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil && len(b) < 64<<10 {
				f.Add(b)
			}
		}
	}
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 || string(b[:8]) != "\x00asm\x01\x00\x00\x00" {
			return
		}
		rewritten, err := meter.Instrument(b)
		if err != nil {
			return
		}
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
		defer r.Close(ctx)
		_, plain := r.CompileModule(ctx, withoutCustom(b))
		_, metered := r.CompileModule(ctx, rewritten)
		if (plain == nil) != (metered == nil) {
			t.Errorf("plain: %v; metered: %v", plain, metered)
		}
	})
}

// withoutCustom leaves out what Instrument leaves out.
func withoutCustom(b []byte) []byte {
	out := slices.Clone(b[:8])
	for r := (&binary.Reader{B: b, Pos: 8}); r.More(); {
		id, data := r.Byte(), r.Bytes()
		if id != 0 {
			out = binary.AppendBytes(append(out, id), data)
		}
	}
	return out
}
