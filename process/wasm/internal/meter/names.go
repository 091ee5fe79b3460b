package meter

import "dappco.re/go/cloche/process/wasm/internal/binary"

// Subsections of the custom section "name" (core specification 2.0, appendix
// 7.4.1) that count functions.
const (
	namesOfFunctions = 1
	namesOfLocals    = 2
)

// names shifts the names of functions, and leaves out every other custom section
// and what is malformed: names decide nothing.
func (p *plan) names(r *binary.Reader) []byte {
	if string(r.Bytes()) != "name" {
		return nil
	}
	data := binary.AppendBytes(nil, []byte("name"))
	for r.More() {
		id, s := r.Byte(), &binary.Reader{B: r.Bytes()}
		sub := s.B
		if id == namesOfFunctions || id == namesOfLocals {
			sub = p.shiftNames(s, id)
		}
		if r.Failed || s.Failed {
			return nil
		}
		data = binary.AppendBytes(append(data, id), sub)
	}
	return data
}

func (p *plan) shiftNames(s *binary.Reader, id byte) []byte {
	n := s.U32()
	data := binary.AppendU32(make([]byte, 0, len(s.B)+8), n)
	for ; n > 0 && !s.Failed; n-- {
		data = binary.AppendU32(data, p.function(s.U32()))
		if id == namesOfFunctions {
			data = binary.AppendBytes(data, s.Bytes())
			continue
		}
		locals := s.U32()
		data = binary.AppendU32(data, locals)
		for ; locals > 0 && !s.Failed; locals-- {
			data = binary.AppendU32(data, s.U32())
			data = binary.AppendBytes(data, s.Bytes())
		}
	}
	return data
}
