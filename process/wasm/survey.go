package wasm

import (
	"bytes"
	"fmt"

	"dappco.re/go/cloche/process/wasm/internal/binary"
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
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionElement  = 9
	sectionCode     = 10
	sectionData     = 11
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
	tableMin   uint64                  // entries, over all tables
	memoryMin  uint64                  // pages, over all memories
	memoryDone bool                    // has a memory of its own
	counts     [sectionData + 1]uint64 // of things in the sections of an id
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
	r := &binary.Reader{B: b, Pos: 8}
	for r.More() {
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

func (o *outline) section(r *binary.Reader) error {
	start := r.Pos
	id, size := r.Byte(), r.U32()
	if r.Failed {
		return &ModuleError{Problem: fmt.Sprintf("it is truncated or malformed at byte %d", start)}
	}
	if rest := len(r.B) - r.Pos; uint64(size) > uint64(rest) {
		return &ModuleError{Problem: fmt.Sprintf("it is truncated: the section at byte %d should have %d bytes, but %d follow", start, size, rest)}
	}
	s := &binary.Reader{B: r.B[:r.Pos+int(size)], Pos: r.Pos}
	r.Pos += int(size)
	if err := o.bound(id, *s); err != nil {
		return err
	}
	switch id {
	case sectionType:
		if err := o.readTypes(s); err != nil {
			return err
		}
	case sectionImport:
		o.readImports(s)
	case sectionTable:
		for n := s.U32(); n > 0 && !s.Failed; n-- {
			o.readTable(s)
		}
	case sectionMemory:
		for n := s.U32(); n > 0 && !s.Failed; n-- {
			o.memoryMin += s.Limits()
			o.memoryDone = true
		}
	case sectionExport:
		o.readExports(s)
	}
	if s.Failed {
		return &ModuleError{Problem: fmt.Sprintf("the section at byte %d is malformed", start)}
	}
	return nil
}

func (o *outline) readTypes(r *binary.Reader) error {
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		if r.Byte() != 0x60 { // the only form there is before the GC proposal
			r.Failed = true
			return nil
		}
		t := funcType{params: r.Bytes(), results: r.Bytes()}
		if err := t.bound(); err != nil {
			return err
		}
		o.types = append(o.types, t)
	}
	return nil
}

func (o *outline) readImports(r *binary.Reader) {
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		i := importedName{module: string(r.Bytes()), name: string(r.Bytes()), kind: externKind(r.Byte())}
		switch i.kind {
		case externFunc:
			i.typ = r.U32()
		case externTable:
			o.readTable(r)
		case externMemory:
			r.Limits()
		case externGlobal:
			r.Byte()
			r.Byte()
		case externTag:
			r.Byte()
			r.U32()
		default:
			r.Failed = true
		}
		o.imports = append(o.imports, i)
	}
}

func (o *outline) readTable(r *binary.Reader) {
	r.Byte()
	o.tableMin += r.Limits()
}

func (o *outline) readExports(r *binary.Reader) {
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		name := string(r.Bytes())
		o.exports[name] = externKind(r.Byte())
		r.U32()
	}
}
