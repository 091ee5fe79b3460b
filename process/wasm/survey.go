package wasm

import (
	"bytes"
	"fmt"
)

// The survey reads just enough of a module's binary to say, before any
// expensive work, whether it can run here at all. It checks nothing that the
// engine checks anyway. The format is that of the WebAssembly core
// specification 2.0, section 5.

var (
	magic            = []byte("\x00asm")
	moduleVersion    = []byte{1, 0, 0, 0}
	componentVersion = []byte{0x0d, 0, 1, 0} // the component model's Binary.md
)

const (
	sectionType   = 1
	sectionImport = 2
	sectionTable  = 4
	sectionMemory = 5
	sectionExport = 7
)

// externKind is what an import or an export is.
type externKind byte

const (
	externFunc externKind = iota
	externTable
	externMemory
	externGlobal
	externTag
)

func (k externKind) String() string {
	if names := [...]string{"function", "table", "memory", "global", "tag"}; int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("thing of kind %d", byte(k))
}

// outline is what the survey found.
type outline struct {
	types      []funcType
	imports    []importedName
	exports    map[string]externKind
	tableMin   uint64 // entries, over all tables
	memoryMin  uint64 // pages, over all memories
	memoryDone bool   // has a memory of its own
}

type funcType struct{ params, results []byte }

type importedName struct {
	module, name string
	kind         externKind
	typ          uint32 // index of a function's type
}

// survey reports what is wrong with the outer form of module b as a
// *ModuleError.
func survey(b []byte) (*outline, error) {
	switch {
	case len(b) == 0:
		return nil, &ModuleError{Problem: "it is empty"}
	case len(b) < 8 && bytes.HasPrefix(magic, b[:min(len(b), 4)]):
		return nil, &ModuleError{Problem: "it is truncated: a module has at least 8 bytes"}
	case !bytes.HasPrefix(b, magic):
		return nil, &ModuleError{Problem: "it is " + guess(b) + ", not a WebAssembly module"}
	case bytes.Equal(b[4:8], componentVersion):
		return nil, &ModuleError{Problem: "it is a WebAssembly component, not a module", Fix: "build it for WASI preview 1 (wasm32-wasip1)"}
	case !bytes.Equal(b[4:8], moduleVersion):
		return nil, &ModuleError{Problem: fmt.Sprintf("it has the unknown WebAssembly version % x", b[4:8]), Fix: "build it for WASI preview 1 (wasm32-wasip1)"}
	}
	o := &outline{exports: make(map[string]externKind)}
	r := &reader{b: b, pos: 8}
	for r.more() {
		if err := o.section(r); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// guess says what a file that is no module looks like.
func guess(b []byte) string {
	switch head := b[:min(len(b), 512)]; {
	case bytes.HasPrefix(b, []byte("#!")):
		return "a script"
	case bytes.HasPrefix(b, []byte("\x7fELF")), bytes.HasPrefix(b, []byte("MZ")), bytes.HasPrefix(b, []byte("\xcf\xfa\xed\xfe")):
		return "a native executable"
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		return "a gzip archive"
	case bytes.IndexByte(head, 0) < 0:
		return "text"
	}
	return "some other file"
}

func (o *outline) section(r *reader) error {
	start := r.pos
	id, size := r.byte(), r.u32()
	if r.failed {
		return &ModuleError{Problem: fmt.Sprintf("it is truncated or malformed at byte %d", start)}
	}
	if rest := len(r.b) - r.pos; uint64(size) > uint64(rest) {
		return &ModuleError{Problem: fmt.Sprintf("it is truncated: the section at byte %d should have %d bytes, but %d follow", start, size, rest)}
	}
	s := &reader{b: r.b[:r.pos+int(size)], pos: r.pos}
	r.pos += int(size)
	switch id {
	case sectionType:
		o.readTypes(s)
	case sectionImport:
		o.readImports(s)
	case sectionTable:
		for n := s.u32(); n > 0 && !s.failed; n-- {
			o.readTable(s)
		}
	case sectionMemory:
		for n := s.u32(); n > 0 && !s.failed; n-- {
			o.memoryMin += s.limits()
			o.memoryDone = true
		}
	case sectionExport:
		o.readExports(s)
	}
	if s.failed {
		return &ModuleError{Problem: fmt.Sprintf("the section at byte %d is malformed", start)}
	}
	return nil
}

func (o *outline) readTypes(r *reader) {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		if r.byte() != 0x60 { // the only form there is before the GC proposal
			r.failed = true
			return
		}
		o.types = append(o.types, funcType{params: r.bytes(), results: r.bytes()})
	}
}

func (o *outline) readImports(r *reader) {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		i := importedName{module: string(r.bytes()), name: string(r.bytes()), kind: externKind(r.byte())}
		switch i.kind {
		case externFunc:
			i.typ = r.u32()
		case externTable:
			o.readTable(r)
		case externMemory:
			r.limits()
		case externGlobal:
			r.byte()
			r.byte()
		case externTag:
			r.byte()
			r.u32()
		default:
			r.failed = true
		}
		o.imports = append(o.imports, i)
	}
}

func (o *outline) readTable(r *reader) {
	r.byte()
	o.tableMin += r.limits()
}

func (o *outline) readExports(r *reader) {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		name := string(r.bytes())
		o.exports[name] = externKind(r.byte())
		r.u32()
	}
}

// reader reads the binary format. After a failure it yields zeros, so that the
// caller needs to look at failed only once.
type reader struct {
	b      []byte
	pos    int
	failed bool
}

func (r *reader) more() bool { return !r.failed && r.pos < len(r.b) }

func (r *reader) byte() byte {
	if !r.more() {
		r.failed = true
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// u32 reads an unsigned LEB128 of at most 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.failed = true
	return 0
}

// bytes reads a vector of bytes.
func (r *reader) bytes() []byte {
	n := r.u32()
	if r.failed || uint64(n) > uint64(len(r.b)-r.pos) {
		r.failed = true
		return nil
	}
	r.pos += int(n)
	return r.b[r.pos-int(n) : r.pos]
}

// limits reads the limits of a table or memory and returns the minimum.
func (r *reader) limits() uint64 {
	flags, low := r.byte(), r.u32()
	if flags&1 != 0 {
		r.u32()
	}
	return uint64(low)
}
