// Package binary reads and writes the primitives of the WebAssembly binary format
// (core specification 2.0, section 5.2).
package binary

import "encoding/binary"

// Reader reads from B, from Pos on. After a failure it yields zeros, so that the
// caller needs to look at Failed only once.
type Reader struct {
	B      []byte
	Pos    int
	Failed bool
}

// More says whether there is more to read.
func (r *Reader) More() bool { return !r.Failed && r.Pos < len(r.B) }

// Fail makes everything that follows a failure. It is for what can be read and
// must not be there.
func (r *Reader) Fail() { r.Failed = true }

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if !r.More() {
		r.Failed = true
		return 0
	}
	r.Pos++
	return r.B[r.Pos-1]
}

// U32 reads an unsigned LEB128 of at most 32 bits.
func (r *Reader) U32() uint32 {
	// Nearly all numbers take one byte.
	if r.Pos < len(r.B) && r.B[r.Pos] < 0x80 && !r.Failed {
		r.Pos++
		return uint32(r.B[r.Pos-1])
	}
	v := r.unsigned(35)
	if v > 1<<32-1 {
		r.Failed = true
		return 0
	}
	return uint32(v)
}

func (r *Reader) unsigned(bits int) (v uint64) {
	for shift := 0; shift < bits; shift += 7 {
		c := r.Byte()
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			return v
		}
	}
	r.Failed = true
	return 0
}

// S33 reads a signed LEB128 of at most 33 bits, as a block's type is written.
func (r *Reader) S33() int64 { return r.signed(33) }

// SkipSigned passes over a signed LEB128 of at most so many bits.
func (r *Reader) SkipSigned(bits int) { r.signed(bits) }

func (r *Reader) signed(bits int) (v int64) {
	for shift := 0; shift < bits; shift += 7 {
		c := r.Byte()
		v |= int64(c&0x7f) << shift
		if c&0x80 == 0 {
			if c&0x40 != 0 && shift+7 < 64 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.Failed = true
	return 0
}

// Skip passes over n bytes.
func (r *Reader) Skip(n int) { r.Take(n) }

// Take reads n bytes. They are B's own.
func (r *Reader) Take(n int) []byte {
	if r.Failed || n < 0 || n > len(r.B)-r.Pos {
		r.Failed = true
		return nil
	}
	r.Pos += n
	return r.B[r.Pos-n : r.Pos : r.Pos]
}

// Bytes reads a vector of bytes.
func (r *Reader) Bytes() []byte {
	n := r.U32()
	if uint64(n) > uint64(len(r.B)) {
		r.Failed = true
		return nil
	}
	return r.Take(int(n))
}

// Limits reads the limits of a table or memory and returns the minimum.
func (r *Reader) Limits() uint64 {
	flags, low := r.Byte(), r.U32()
	if flags&1 != 0 {
		r.U32()
	}
	return uint64(low)
}

// AppendU32 writes an unsigned LEB128.
func AppendU32(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

// AppendS64 writes a signed LEB128.
func AppendS64(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// AppendBytes writes a vector of bytes.
func AppendBytes(b []byte, v []byte) []byte { return append(AppendU32(b, uint32(len(v))), v...) }
