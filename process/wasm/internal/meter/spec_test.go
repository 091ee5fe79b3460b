package meter_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"dappco.re/go/cloche/process/wasm/internal/meter"
)

// specFolder is where the engine's source keeps the test suite of the WebAssembly
// specification, compiled.
func specFolder(t *testing.T) string {
	t.Helper()
	file, _ := runtime.FuncForPC(reflect.ValueOf(wazero.NewRuntime).Pointer()).FileLine(0)
	folder := filepath.Join(filepath.Dir(file), "internal", "integration_test", "spectest")
	_, err := os.Stat(folder)
	require.NoError(t, err, "the engine's source is where it was compiled from, unless by -trimpath")
	return folder
}

// specScript is one file of the suite, as wast2json writes it.
type specScript struct {
	Commands []specCommand `json:"commands"`
}

type specCommand struct {
	Type, Name, Filename, As string
	Line                     int
	ModuleType               string `json:"module_type"`
	Action                   struct {
		Type, Field, Module string
		Args                []specValue
	}
}

type specValue struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any
}

const specFeatures = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling

// TestMeteredModulesBehaveAsTheSpecificationsTestsDemand runs every script of the
// suite on plain and on metered modules. What the plain ones answer the engine
// tests itself, so both need only agree.
func TestMeteredModulesBehaveAsTheSpecificationsTestsDemand(t *testing.T) {
	t.Parallel()
	folder := specFolder(t)
	for _, part := range []string{"v1", "v2", "tail-call", "extended-const", "exception-handling"} {
		scripts, err := filepath.Glob(filepath.Join(folder, part, "testdata", "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, scripts)
		for _, script := range scripts {
			t.Run(part+"/"+strings.TrimSuffix(filepath.Base(script), ".json"), func(t *testing.T) {
				t.Parallel()
				compareScript(t, folder, script)
			})
		}
	}
}

// usesOtherTypes has the line from which on a script's modules have types of the
// proposals for garbage collection and typed references, which are not read here.
var usesOtherTypes = map[string]int{"tag.json": 30, "try_table.json": 420}

func compareScript(t *testing.T, folder, path string) {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var script specScript
	require.NoError(t, json.Unmarshal(text, &script))
	plain := newSpecWorld(t, folder, func(b []byte) ([]byte, error) { return b, nil })
	metered := newSpecWorld(t, folder, func(b []byte) ([]byte, error) {
		out, err := meter.Instrument(b)
		if errors.Is(err, meter.ErrNoCode) {
			return b, nil // many declare a memory, say, for others to import
		}
		return out, err
	})
	nameRegistered(script.Commands)
	for _, c := range script.Commands {
		if usesOtherTypes[filepath.Base(path)] == c.Line {
			return
		}
		want := plain.do(t, filepath.Dir(path), c)
		got := metered.do(t, filepath.Dir(path), c)
		require.Equal(t, want, got, "line %d: %s %s", c.Line, c.Type, c.Action.Field)
	}
	for name, m := range plain.named {
		assertSameMemory(t, m, metered.named[name])
	}
	if plain.last != nil {
		assertSameMemory(t, plain.last, metered.last)
	}
}

// nameRegistered gives modules that are registered later the name by which others
// import from them: the engine knows a module by one name, from its beginning.
func nameRegistered(commands []specCommand) {
	for k, r := range commands {
		if r.Type != "register" {
			continue
		}
		for j := k - 1; j >= 0; j-- {
			if m := &commands[j]; m.Type == "module" && (r.Name == "" || r.Name == m.Name) {
				m.As = r.As
				break
			}
		}
	}
}

func assertSameMemory(t *testing.T, a, b api.Module) {
	for name := range a.ExportedMemoryDefinitions() {
		x, _ := a.ExportedMemory(name).Read(0, a.ExportedMemory(name).Size())
		y, _ := b.ExportedMemory(name).Read(0, b.ExportedMemory(name).Size())
		assert.True(t, slices.Equal(x, y), name)
	}
}

// specWorld is an engine with the modules that a script has made so far.
type specWorld struct {
	runtime    wazero.Runtime
	instrument func([]byte) ([]byte, error)
	named      map[string]api.Module
	last       api.Module
}

func newSpecWorld(t *testing.T, folder string, instrument func([]byte) ([]byte, error)) *specWorld {
	ctx := context.Background()
	w := &specWorld{
		runtime:    wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(specFeatures)),
		instrument: instrument,
		named:      make(map[string]api.Module),
	}
	t.Cleanup(func() { w.runtime.Close(ctx) })
	hostFuel(t, w.runtime, func(int64) int64 { return meter.MinFuel })
	b, err := os.ReadFile(filepath.Join(folder, "testdata", "spectest.wasm"))
	require.NoError(t, err)
	_, err = w.runtime.InstantiateWithConfig(ctx, b, wazero.NewModuleConfig().WithName("spectest"))
	require.NoError(t, err)
	return w
}

// do returns what can be told from outside: values, or the kind of failure.
func (w *specWorld) do(t *testing.T, folder string, c specCommand) any {
	switch c.Type {
	case "module":
		m, err := w.instantiate(t, folder, c)
		if err == nil {
			w.last = m
			if c.Name != "" {
				w.named[c.Name] = m
			}
		}
		return outcome(err)
	case "register":
		return nil
	case "assert_invalid", "assert_malformed", "assert_unlinkable", "assert_uninstantiable":
		if c.ModuleType == "text" {
			return nil
		}
		_, err := w.instantiate(t, folder, c)
		return err != nil
	}
	return w.act(c)
}

func (w *specWorld) instantiate(t *testing.T, folder string, c specCommand) (api.Module, error) {
	b, err := os.ReadFile(filepath.Join(folder, c.Filename))
	require.NoError(t, err)
	if len(b) < 8 {
		return nil, errors.New("too short to be a module")
	}
	b, err = w.instrument(b)
	if err != nil {
		return nil, err
	}
	return w.runtime.InstantiateWithConfig(context.Background(), b, wazero.NewModuleConfig().WithName(c.As))
}

func (w *specWorld) act(c specCommand) any {
	m := w.last
	if c.Action.Module != "" {
		m = w.named[c.Action.Module]
	}
	if m == nil {
		return "no module"
	}
	if c.Action.Type == "get" {
		if g := m.ExportedGlobal(c.Action.Field); g != nil {
			return g.Get()
		}
		return "no global"
	}
	f := m.ExportedFunction(c.Action.Field)
	if f == nil {
		return "no function"
	}
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, a.words()...)
	}
	results, err := f.Call(context.Background(), args...)
	if err != nil {
		return outcome(err)
	}
	return results
}

// outcome is a trap without its stack, which is deeper by nothing but may name
// other addresses.
func outcome(err error) any {
	if err == nil {
		return nil
	}
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return exit.ExitCode()
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

func (v specValue) words() []uint64 {
	if v.Type != "v128" {
		return []uint64{word(v.Value)}
	}
	lanes := v.Value.([]any)
	var words [2]uint64
	bits := 128 / len(lanes)
	for k, lane := range lanes {
		at := k * bits
		words[at/64] |= word(lane) & (1<<(bits-1)<<1 - 1) << (at % 64)
	}
	return words[:]
}

func word(v any) uint64 {
	s, _ := v.(string)
	switch {
	case s == "null":
		return 0
	case strings.HasPrefix(s, "nan:"):
		return 0x7ff8000000000000
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	n, _ := strconv.ParseInt(s, 10, 64)
	return uint64(n)
}
