package meter

import (
	"unicode/utf8"

	"dappco.re/go/cloche/process/wasm/internal/binary"
)

// namesOfFunctions is the subsection of the custom section "name" that a trap's
// stack is told by (core specification 2.0, appendix 7.4.1).
const namesOfFunctions = 1

// names shifts the names of functions. Every other custom section is left out, and
// so is what is malformed: names decide nothing.
func (p *plan) names(r *binary.Reader) []byte {
	if string(r.Bytes()) != "name" {
		return nil
	}
	for r.More() {
		id, names := r.Byte(), r.Bytes()
		if id == namesOfFunctions && !r.Failed {
			return p.shiftNames(&binary.Reader{B: names})
		}
	}
	return nil
}

func (p *plan) shiftNames(r *binary.Reader) []byte {
	n := r.U32()
	if uint64(n) > uint64(len(p.module.functions)) {
		return nil // the engine keeps them all
	}
	shifted := binary.AppendU32(make([]byte, 0, len(r.B)+8), n)
	for ; n > 0 && !r.Failed; n-- {
		shifted = binary.AppendU32(shifted, p.function(r.U32()))
		name := r.Bytes()
		if !utf8.Valid(name) {
			return nil
		}
		shifted = binary.AppendBytes(shifted, name)
	}
	if r.Failed || r.More() {
		return nil
	}
	data := binary.AppendBytes(nil, []byte("name"))
	return binary.AppendBytes(append(data, namesOfFunctions), shifted)
}
