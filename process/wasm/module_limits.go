package wasm

import (
	"fmt"

	"dappco.re/go/cloche/process/wasm/internal/binary"
)

// maxCode is how many bytes of code a module may have in all. What is made of them
// takes several times as much.
const maxCode = 128 << 20

// maxSignature is how many parameters, and how many results, a function may have:
// the limit of the WebAssembly JavaScript Interface, "Implementation Limitations".
const maxSignature = 1000

// mostOf is how many things of a kind a module may have: those of a section, by its
// id. The engine keeps some hundred bytes of each. That interface allows more of most;
// of data segments there are more here, for Go makes many.
var mostOf = map[byte]struct {
	what string
	max  uint64
}{
	sectionType:     {"types", 100_000},
	sectionImport:   {"imports", 10_000},
	sectionFunction: {"functions", 250_000},
	sectionTable:    {"tables", 100},
	sectionGlobal:   {"globals", 100_000},
	sectionExport:   {"exports", 100_000},
	sectionElement:  {"segments of elements", 100_000},
	sectionCode:     {"functions", 250_000},
	sectionData:     {"segments of data", 2_000_000},
}

// bound refuses what would take too much to read. It counts all sections of an id,
// though only one is valid.
func (o *outline) bound(id byte, s binary.Reader) error {
	most, ok := mostOf[id]
	if !ok {
		return nil
	}
	if size := len(s.B) - s.Pos; id == sectionCode && size > maxCode {
		return tooMuch(uint64(size), "bytes of code", maxCode)
	}
	o.counts[id] += uint64(s.U32())
	if n := o.counts[id]; n > most.max {
		return tooMuch(n, most.what, most.max)
	}
	return nil
}

func (t funcType) bound() error {
	switch {
	case len(t.params) > maxSignature:
		return tooMuch(uint64(len(t.params)), "parameters", maxSignature)
	case len(t.results) > maxSignature:
		return tooMuch(uint64(len(t.results)), "results", maxSignature)
	}
	return nil
}

func tooMuch(have uint64, what string, max uint64) error {
	return &ModuleError{Problem: fmt.Sprintf("it has %d %s, and %d are allowed", have, what, max), Fix: fixSize}
}
