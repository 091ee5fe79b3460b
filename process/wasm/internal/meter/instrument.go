package meter

import (
	"math"

	"dappco.re/go/cloche/process/wasm/internal/binary"
)

// Instrument rewrites module b, whose magic and version the caller has checked.
// An error says what is wrong with b; a module that gets none may still be invalid.
//
// Custom sections are left out, but for the names of functions, which a trap's
// stack shows: what others say of places in the code would be wrong.
func Instrument(b []byte) ([]byte, error) {
	m, err := parse(b)
	if err != nil {
		return nil, err
	}
	if len(m.bodies) == 0 {
		return nil, ErrNoCode
	}
	for i := range m.bodies {
		params := m.types[m.functions[m.imports+i]].params
		if err := m.survey(&m.bodies[i], params); err != nil {
			return nil, err
		}
	}
	m.settle()
	p := newPlan(m)
	out := append(make([]byte, 0, len(b)*5/4+1024), b[:8]...)
	for _, s := range p.sections() {
		data, err := p.section(s)
		if err != nil {
			return nil, err
		}
		if data != nil {
			out = binary.AppendBytes(append(out, s.id), data)
		}
	}
	return out, nil
}

// plan says where in the rewritten module everything is.
type plan struct {
	*module
	fuel   uint32 // a global
	refill uint32 // functions
	helpers

	refillType, payType, bulkType uint32
}

func newPlan(m *module) *plan {
	types, functions := uint32(len(m.types)), uint32(len(m.functions))
	return &plan{
		module:     m,
		fuel:       uint32(m.globals),
		refill:     uint32(m.imports),
		helpers:    helpersFrom(functions + 1),
		refillType: types,
		payType:    types + 1,
		bulkType:   types + 2,
	}
}

// function is where one of the original is now: the import was put before those
// that the module has itself.
func (p *plan) function(original uint32) uint32 {
	if original < p.refill {
		return original
	}
	return original + 1
}

// place is where a section of that id stands among the others (core
// specification 2.0, section 5.5.16).
func place(id byte) int {
	switch id {
	case sectionDataCount:
		return 2*sectionCode - 1
	case sectionTag:
		return 2*sectionGlobal - 1
	}
	return 2 * int(id)
}

// sections are those of the module, and the three that it may lack, empty.
func (p *plan) sections() []section {
	var all []section
	missing := []byte{sectionImport, sectionGlobal, sectionExport}
	for _, s := range p.module.sections {
		for s.id != sectionCustom && len(missing) > 0 && place(missing[0]) <= place(s.id) {
			if missing[0] != s.id {
				all = append(all, section{id: missing[0], data: []byte{0}})
			}
			missing = missing[1:]
		}
		all = append(all, s)
	}
	return all
}

// section is nil for one that is left out.
func (p *plan) section(s section) (data []byte, err error) {
	r := &binary.Reader{B: s.data}
	switch s.id {
	case sectionCustom:
		return p.names(r), nil
	case sectionType:
		data = p.types(r)
	case sectionImport:
		data = p.imports(r)
	case sectionFunction:
		data = p.functions(r)
	case sectionTable:
		data = p.tables(r)
	case sectionGlobal:
		data = p.globals(r)
	case sectionExport:
		if data, err = p.exports(r); err != nil {
			return nil, err
		}
	case sectionStart:
		data = binary.AppendU32(nil, p.function(p.functionIndex(r)))
	case sectionElement:
		if data, err = p.elements(r); err != nil {
			return nil, err
		}
	case sectionCode:
		return p.code()
	case sectionData:
		if data, err = p.data(r); err != nil {
			return nil, err
		}
	default:
		return s.data, nil
	}
	if r.Failed || r.More() {
		return nil, malformed(sectionNames[s.id])
	}
	return data, nil
}

var sectionNames = map[byte]string{
	sectionType: "list of types", sectionImport: "list of imports", sectionFunction: "list of functions", sectionTable: "list of tables",
	sectionGlobal: "list of globals", sectionExport: "list of exports", sectionStart: "start function",
	sectionElement: "list of elements", sectionData: "data",
}

// extend copies a vector whose elements are not looked at, and adds to it.
func extend(r *binary.Reader, n uint32, more ...byte) []byte {
	data := binary.AppendU32(nil, r.U32()+n)
	data = append(data, r.Take(len(r.B)-r.Pos)...)
	return append(data, more...)
}

func (p *plan) types(r *binary.Reader) []byte {
	return extend(r, 3,
		funcType, 1, i64Type, 1, i64Type,
		funcType, 1, i32Type, 1, i32Type,
		funcType, 3, i32Type, i32Type, i32Type, 0)
}

func (p *plan) imports(r *binary.Reader) []byte {
	entry := binary.AppendBytes(nil, []byte(ImportModule))
	entry = binary.AppendBytes(entry, []byte(ImportName))
	entry = binary.AppendU32(append(entry, externFunc), p.refillType)
	return extend(r, 1, entry...)
}

func (p *plan) functions(r *binary.Reader) []byte {
	var entries []byte
	all := p.all()
	for _, h := range all {
		entries = binary.AppendU32(entries, h.typ)
	}
	return extend(r, uint32(len(all)), entries...)
}

// tables bounds what each can grow to, to its share or what it has at the start.
func (p *plan) tables(r *binary.Reader) []byte {
	n := r.U32()
	data := binary.AppendU32(nil, n)
	for ; n > 0 && !r.Failed; n-- {
		data = append(data, r.Byte())
		flags, low := r.Byte(), r.U32()
		high := uint32(math.MaxUint32)
		if flags&1 != 0 {
			high = r.U32()
		}
		data = binary.AppendU32(append(data, flags|1), low)
		data = binary.AppendU32(data, min(high, max(low, MaxTableEntries/uint32(p.module.tables))))
	}
	return data
}

// globals adds the fuel, which is none: the first that runs has to ask.
func (p *plan) globals(r *binary.Reader) []byte {
	n := r.U32()
	data := binary.AppendU32(nil, n+1)
	for ; n > 0 && !r.Failed; n-- {
		data = append(data, r.Take(2)...)
		data = p.constant(r, data)
	}
	return append(data, i64Type, mutable, byte(opI64Const), 0, byte(opEnd))
}

// exports adds the fuel, for the host to read: a guest can use no export of its own.
func (p *plan) exports(r *binary.Reader) ([]byte, error) {
	n := r.U32()
	data := binary.AppendU32(nil, n+1)
	for ; n > 0 && !r.Failed; n-- {
		name := r.Bytes()
		if string(name) == ExportName {
			return nil, ErrReserved
		}
		data = binary.AppendBytes(data, name)
		kind := r.Byte()
		data = append(data, kind)
		switch kind {
		case externFunc:
			data = binary.AppendU32(data, p.function(p.functionIndex(r)))
		case externGlobal:
			data = binary.AppendU32(data, p.globalIndex(r))
		default:
			data = binary.AppendU32(data, r.U32())
		}
	}
	data = append(binary.AppendBytes(data, []byte(ExportName)), externGlobal)
	return binary.AppendU32(data, p.fuel), nil
}

// constant copies a constant expression (core specification 2.0, section 3.3.10).
func (p *plan) constant(r *binary.Reader, data []byte) []byte {
	for !r.Failed {
		i := p.next(r)
		if i.op == opRefFunc {
			data = binary.AppendU32(append(data, byte(opRefFunc)), p.function(i.arg))
			continue
		}
		data = append(data, r.B[i.start:i.end]...)
		if i.op == opEnd {
			break
		}
	}
	return data
}

// elements copies the segments, whose form is in their flags (core specification
// 2.0, section 5.5.12).
func (p *plan) elements(r *binary.Reader) ([]byte, error) {
	const passive, explicit, expressions = 1, 2, 4
	all := 0
	n := r.U32()
	data := binary.AppendU32(nil, n)
	for ; n > 0 && !r.Failed; n-- {
		flags := r.U32()
		data = binary.AppendU32(data, flags)
		if flags&passive == 0 {
			if flags&explicit != 0 {
				data = binary.AppendU32(data, r.U32()) // the table
			}
			data = p.constant(r, data)
		}
		if flags&(passive|explicit) != 0 {
			data = append(data, r.Byte()) // the kind
		}
		entries := r.U32()
		data = binary.AppendU32(data, entries)
		all += int(entries)
		if err := within("elements", all, maxElements); err != nil {
			return nil, err
		}
		for ; entries > 0 && !r.Failed; entries-- {
			if flags&expressions != 0 {
				data = p.constant(r, data)
			} else {
				data = binary.AppendU32(data, p.function(p.functionIndex(r)))
			}
		}
	}
	return data, nil
}

func (p *plan) code() ([]byte, error) {
	all := p.all()
	data := binary.AppendU32(nil, uint32(len(p.bodies)+len(all)))
	var instructions []instruction
	var at []int
	for k := range p.bodies {
		b := &p.bodies[k]
		instructions = instructions[:0]
		if err := p.decode(b, func(i instruction) { instructions = append(instructions, i) }); err != nil {
			return nil, err
		}
		c := p.analyse(b, instructions, at)
		at = c.at
		data = binary.AppendBytes(data, p.rewrite(p, b, instructions, c))
	}
	for _, h := range all {
		data = binary.AppendBytes(data, h.body)
	}
	return data, nil
}
