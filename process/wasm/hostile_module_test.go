package wasm

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"dappco.re/go/cloche/process/wasm/internal/binary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assembly is a module being put together, section by section.
type assembly []byte

func assemble() assembly { return assembly("\x00asm\x01\x00\x00\x00") }

// section adds n things, or what claims to be so many.
func (a assembly) section(id byte, n uint32, things ...[]byte) assembly {
	data := append(binary.AppendU32(nil, n), bytes.Join(things, nil)...)
	return binary.AppendBytes(append(a, id), data)
}

func (a assembly) types() assembly             { return a.section(sectionType, 1, []byte{0x60, 0, 0}) }
func (a assembly) functions(n uint32) assembly { return a.section(sectionFunction, n, make([]byte, n)) }
func (a assembly) start() assembly {
	return a.section(sectionExport, 1, []byte("\x06_start\x00\x00"))
}

// code adds n functions of that body, which begins with its locals.
func (a assembly) code(n uint32, body ...[]byte) assembly {
	one := binary.AppendBytes(nil, append(bytes.Join(body, nil), 0x0b))
	return a.section(sectionCode, n, bytes.Repeat(one, int(n)))
}

// bodies is a module of n such functions and nothing else.
func bodies(n uint32, body ...[]byte) assembly {
	return assemble().types().functions(n).start().code(n, body...)
}

func times(n int, code string) []byte { return bytes.Repeat([]byte(code), n) }

// i32s are n locals.
func i32s(n uint32) []byte { return append(binary.AppendU32([]byte{1}, n), 0x7f) }

var noLocals = []byte{0}

// hostileModules ask for more than they look like, each in another way. Some of a
// hundred bytes would take all of the host's memory, others its time for hours.
func hostileModules() map[string]struct {
	module assembly
	want   string
} {
	block, loop, end := "\x02\x40", "\x03\x40", "\x0b"
	branches := []byte{}
	for i := range uint32(1000) { // each makes another local of all
		branches = append(binary.AppendU32(append(branches, 0x20, 0, 0x04, 0x40, 0x41, 1, 0x21), i), 0x0b)
	}
	table := append(binary.AppendU32([]byte("\x02\x40\x41\x00\x0e"), 1_000_000), times(1_000_001, "\x00")...)
	table = append(table, 0x0b)
	whole := slices.Clip(assemble().types().functions(1))
	return map[string]struct {
		module assembly
		want   string
	}{
		"locals by number":       {bodies(1, i32s(math.MaxUint32)), "4294967295 locals in one function"},
		"locals of many groups":  {bodies(1, append([]byte{200, 1}, times(200, "\xff\xff\xff\xff\x0f\x7f")...)), "locals in one function"},
		"locals of many":         {bodies(1000, i32s(50_000)), "50000 locals in one function"},
		"nested blocks":          {bodies(1, noLocals, times(100_000, block), times(100_000, end)), "100001 blocks in one another"},
		"nested loops":           {bodies(1, noLocals, times(5000, loop), times(5000, end)), "5000 loops in one function"},
		"loops, times locals":    {bodies(1, i32s(1000), times(1000, loop), times(1000, end)), "loops times locals"},
		"branches, times locals": {bodies(1, i32s(5000), branches), "branches times locals"},
		"a row of blocks":        {bodies(1, noLocals, times(300_000, block+end)), "300000 branches in one function"},
		"a table of branches":    {bodies(1, noLocals, table), "1000002 branches in one function"},
		"a long function":        {bodies(1, noLocals, times(5_000_000, "\x01")), "5000002 bytes of code in one function"},
		"much code":              {bodies(130, noLocals, times(1<<20-2, "\x01")), "bytes of code, and 134217728 are allowed"},
		"functions":              {bodies(300_000, noLocals), "300000 functions"},
		"types":                  {assemble().section(sectionType, 200_000, times(200_000, "\x60\x00\x00")), "200000 types"},
		"types of two sections": {
			assemble().section(sectionType, 60_000, times(60_000, "\x60\x00\x00")).section(sectionType, 60_000, times(60_000, "\x60\x00\x00")),
			"120000 types",
		},
		"types by number":   {assemble().section(sectionType, math.MaxUint32), "4294967295 types"},
		"parameters":        {assemble().section(sectionType, 1, binary.AppendBytes([]byte{0x60}, times(2000, "\x7f")), []byte{0}), "2000 parameters"},
		"results":           {assemble().section(sectionType, 1, binary.AppendBytes([]byte{0x60, 0}, times(2000, "\x7f"))), "2000 results"},
		"imports by number": {assemble().types().section(sectionImport, math.MaxUint32), "4294967295 imports"},
		"tables":            {whole.section(sectionTable, 1000, times(1000, "\x70\x00\x00")), "1000 tables"},
		"tables of much":    {whole.section(sectionTable, 2, []byte("\x70\x00\x80\x80\x40\x70\x00\x01")).start().code(1, noLocals), "tables of 1048577 entries"},
		"globals by number": {whole.section(sectionGlobal, math.MaxUint32), "4294967295 globals"},
		"globals":           {whole.section(sectionGlobal, 200_000, times(200_000, "\x7f\x01\x41\x00\x0b")), "200000 globals"},
		"exports by number": {whole.section(sectionExport, math.MaxUint32), "4294967295 exports"},
		"segments":          {whole.start().section(sectionElement, 200_000, times(200_000, "\x00\x41\x00\x0b\x00")), "200000 segments of elements"},
		"elements by number": {
			whole.section(sectionTable, 1, []byte("\x70\x00\x00")).start().
				section(sectionElement, 1, []byte("\x00\x41\x00\x0b\xff\xff\xff\xff\x0f")).code(1, noLocals),
			"4294967295 elements",
		},
		"data by number": {whole.start().code(1, noLocals).section(sectionData, math.MaxUint32), "4294967295 segments of data"},
		"a large segment": {
			whole.section(sectionMemory, 1, []byte{0, 1}).start().code(1, noLocals).
				section(sectionData, 1, binary.AppendBytes([]byte{1}, make([]byte, 65<<20))),
			"68157440 bytes in one data segment",
		},
	}
}

func TestHostileModulesAreRefusedBeforeTheyCostAnything(t *testing.T) {
	t.Parallel()
	cache := cacheDir(t)
	e := newExecutor(t, WithCacheDir(cache))
	finish(t, e, spec("hello"))
	before := entries(t, cache)
	t.Run("each", func(t *testing.T) {
		for name, c := range hostileModules() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				hostile, err := New(nil, WithPrograms(Program{Name: "p", Module: func() ([]byte, error) { return c.module, nil }}), WithCacheDir(cache))
				require.NoError(t, err)
				defer hostile.Close()
				err = refused(t, hostile, spec("p"))
				assertNotExecutable(t, err, "p")
				assert.Contains(t, err.Error(), c.want)
				assert.Contains(t, err.Error(), "allowed")
			})
		}
	})
	assert.Equal(t, before, entries(t, cache), "something was left in the cache")
	var r recorder
	again := newExecutor(t, WithCacheDir(cache), WithProgress(r.record))
	finish(t, again, spec("hello"))
	require.Len(t, r.finished(), 1)
	assert.True(t, r.finished()[0].Warm, "what was in the cache is still good")
}

// As Go's programs have that embed large files.
func TestALargeSegmentArrivesWholeAndLaterOnesOverIt(t *testing.T) {
	t.Parallel()
	const at, size, over = 1 << 16, 70 << 20, 1<<18 - 2
	want := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(want)
	large := binary.AppendBytes(append(binary.AppendS64([]byte("\x00\x41"), at), 0x0b), want)
	copy(want[over:], "over") // where two pieces meet
	small := binary.AppendBytes(append(binary.AppendS64([]byte("\x00\x41"), at+over), 0x0b), []byte("over"))
	iovec := []byte("\x00\x41\x00\x0b\x08\x00\x00\x01\x00\x00\x00\x60\x04") // at 0: at and size
	m := assemble().
		section(sectionType, 2, []byte("\x60\x00\x00"), []byte("\x60\x04\x7f\x7f\x7f\x7f\x01\x7f")).
		section(sectionImport, 1, binary.AppendBytes(binary.AppendBytes(nil, []byte(wasiModule)), []byte("fd_write")), []byte{0, 1}).
		functions(1).
		section(sectionMemory, 1, binary.AppendU32([]byte{0}, size/pageSize+1)).
		section(sectionExport, 2, []byte("\x06_start\x00\x01"), []byte("\x06memory\x02\x00")).
		code(1, noLocals, []byte("\x41\x01\x41\x00\x41\x01\x41\x10\x10\x00\x1a")). // fd_write(1, 0, 1, 16)
		section(sectionData, 3, large, small, iovec)
	e := newExecutor(t, WithPrograms(Program{Name: "p", Module: func() ([]byte, error) { return m, nil }}))
	var out output
	s := spec("p")
	s.Stdout = &out
	exit := finish(t, e, s)
	require.NoError(t, exit.Reason)
	assert.True(t, out.String() == string(want), "%d bytes of %d arrived, or others", len(out.String()), size)
}
