package meter

import (
	"errors"
	"fmt"

	"dappco.re/go/cloche/process/wasm/internal/binary"
)

// Where the rewritten module asks for fuel: it imports this function, of type
// [i64] -> [i64], after all that it imported before. What it has left it exports.
const (
	ImportModule = "\x00meter"
	ImportName   = "refill"
	ExportName   = "\x00fuel"
)

// Version changes with what Instrument answers for a module.
const Version = 4

// MaxTableEntries is how many entries the tables of a module should have at most
// when it starts. What they grow by in all is no more, so that an instruction on
// them, which is done in one piece, takes a few milliseconds.
const MaxTableEntries = 1 << 20

// MinFuel is the least that the host may add at a time: more than any one charge but
// those by size. What is owed may take several.
const MinFuel = 1 << 12

// Errors of Instrument, besides those that name what is malformed.
var (
	ErrNoCode      = errors.New("it has no code of its own")
	ErrReserved    = errors.New("it imports or exports by a reserved name")
	ErrUnsupported = errors.New("its code is malformed, or has an instruction that cannot be metered")
)

// Ids of sections (core specification 2.0, section 5.5.2).
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionTable     = 4
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionElement   = 9
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
	sectionTag       = 13
)

const (
	externFunc   = 0
	externTable  = 1
	externMemory = 2
	externGlobal = 3
	externTag    = 4
)

// module is what of the original the rewriting has to know.
type module struct {
	sections []section

	types     []signature
	imports   int      // functions
	functions []uint32 // the type of each, imported ones first
	globals   int
	tables    int
	memory    bool
	counted   bool // has a section that says how many data segments there are

	bodies []body
}

type section struct {
	id   byte
	data []byte
}

// signature is how many operands a function type has.
type signature struct{ params, results int }

func malformed(what string) error { return fmt.Errorf("its %s is malformed", what) }

// parse splits b, a module whose magic and version are right, into sections and
// reads what counts.
func parse(b []byte) (*module, error) {
	m := &module{}
	r := &binary.Reader{B: b, Pos: 8}
	for r.More() {
		id := r.Byte()
		s := section{id: id, data: r.Bytes()}
		if r.Failed {
			return nil, malformed("outer form")
		}
		m.sections = append(m.sections, s)
	}
	for _, s := range m.sections {
		if err := m.read(s); err != nil {
			return nil, err
		}
	}
	if len(m.bodies) != len(m.functions)-m.imports {
		return nil, malformed("list of functions")
	}
	return m, nil
}

// read is called in the order of sections, which the engine checks: one out of
// its place fails there.
func (m *module) read(s section) error {
	r := &binary.Reader{B: s.data}
	var err error
	switch s.id {
	case sectionType:
		m.readTypes(r)
	case sectionImport:
		err = m.readImports(r)
	case sectionFunction:
		for n := r.U32(); n > 0 && !r.Failed; n-- {
			m.functions = append(m.functions, m.typeIndex(r))
		}
	case sectionTable:
		for n := r.U32(); n > 0 && !r.Failed; n-- {
			r.Byte()
			r.Limits()
			m.tables++
		}
	case sectionMemory:
		for n := r.U32(); n > 0 && !r.Failed; n-- {
			r.Limits()
			m.memory = true
		}
	case sectionTag:
		for n := r.U32(); n > 0 && !r.Failed; n-- {
			r.Byte()
			m.typeIndex(r)
		}
	case sectionGlobal:
		m.globals += int(r.U32())
		return nil
	case sectionDataCount:
		m.counted = true
		return nil
	case sectionCode:
		for n := r.U32(); n > 0 && !r.Failed; n-- {
			m.bodies = append(m.bodies, body{code: r.Bytes()})
		}
	default:
		return nil
	}
	if err == nil && (r.Failed || r.More()) {
		err = fmt.Errorf("its section of kind %d is malformed", s.id)
	}
	return err
}

func (m *module) readTypes(r *binary.Reader) {
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		if r.Byte() != 0x60 {
			r.Fail() // the only form that there is without the GC proposal
		}
		params := len(r.Bytes())
		m.types = append(m.types, signature{params, len(r.Bytes())})
	}
}

func (m *module) readImports(r *binary.Reader) error {
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		if string(r.Bytes()) == ImportModule {
			return ErrReserved
		}
		r.Bytes()
		switch r.Byte() {
		case externFunc:
			m.functions = append(m.functions, m.typeIndex(r))
			m.imports++
		case externTable:
			r.Byte()
			r.Limits()
		case externMemory:
			r.Limits()
			m.memory = true
		case externGlobal:
			r.Skip(2)
			m.globals++
		case externTag:
			r.Byte()
			m.typeIndex(r)
		default:
			r.Fail()
		}
	}
	return nil
}

// The spaces that the rewriting makes larger, as they were.

func (m *module) typeIndex(r *binary.Reader) uint32     { return below(r, len(m.types)) }
func (m *module) functionIndex(r *binary.Reader) uint32 { return below(r, len(m.functions)) }
func (m *module) globalIndex(r *binary.Reader) uint32   { return below(r, m.globals) }

func below(r *binary.Reader, n int) uint32 {
	i := r.U32()
	if uint64(i) >= uint64(n) {
		r.Fail()
	}
	return i
}
