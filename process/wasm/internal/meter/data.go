package meter

import "dappco.re/go/cloche/process/wasm/internal/binary"

// segment is one of the data section (core specification 2.0, section 5.5.14).
type segment struct {
	head  []byte // flags, and the memory where they say so
	place []byte // the expression, nil for a passive one
	bytes []byte
}

func (s segment) append(data []byte) []byte {
	data = append(append(data, s.head...), s.place...)
	return binary.AppendBytes(data, s.bytes)
}

// data copies the segments, because of the expressions that place them, and cuts
// large ones: the engine copies each to memory in one piece.
func (p *plan) data(r *binary.Reader) ([]byte, error) {
	var count uint32
	segments := make([]byte, 0, len(r.B))
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		s := p.segment(r)
		for at, ok := p.cuttable(s); ok && len(s.bytes) > piece; count++ {
			segments = segment{s.head, s.place, s.bytes[:piece]}.append(segments)
			at += piece
			s.place, s.bytes = placed(at), s.bytes[piece:]
		}
		if err := within("bytes in one data segment", len(s.bytes), maxSegment); err != nil {
			return nil, err
		}
		segments = s.append(segments)
		count++
	}
	return append(binary.AppendU32(nil, count), segments...), nil
}

func (p *plan) segment(r *binary.Reader) (s segment) {
	const active, passive, explicit = 0, 1, 2
	flags := r.U32()
	s.head = binary.AppendU32(nil, flags)
	switch flags {
	case explicit:
		s.head = binary.AppendU32(s.head, r.U32()) // the memory
		s.place = p.constant(r, nil)
	case active:
		s.place = p.constant(r, nil)
	case passive:
	default:
		r.Fail()
	}
	s.bytes = r.Bytes()
	return s
}

// cuttable says where a segment is to be copied, if several that follow each other
// may do instead of it. They may not where code names segments by number, which needs
// a section that counts them, and where a later piece would begin again at 0.
func (p *plan) cuttable(s segment) (at uint32, ok bool) {
	r := &binary.Reader{B: s.place}
	if p.counted || r.Byte() != byte(opI32Const) {
		return 0, false
	}
	at = uint32(r.S33())
	ok = opcode(r.Byte()) == opEnd && !r.More() && !r.Failed
	return at, ok && uint64(at)+uint64(len(s.bytes)) <= 1<<32
}

// placed is the expression of an address.
func placed(at uint32) []byte {
	return append(binary.AppendS64([]byte{byte(opI32Const)}, int64(int32(at))), byte(opEnd))
}
