package reapi

import "encoding/binary"

// message is a message of protocol buffers being written, field by field in the order
// of their numbers (protobuf.dev, "Encoding").
type message []byte

const (
	wireVarint = 0
	wireBytes  = 2
)

func (m *message) tag(field, wire uint64) { *m = binary.AppendUvarint(*m, field<<3|wire) }

// number writes a field that is a number or, with 1, a true bool.
func (m *message) number(field, n uint64) {
	if n != 0 {
		m.tag(field, wireVarint)
		*m = binary.AppendUvarint(*m, n)
	}
}

// text writes a field that is a string or bytes.
func (m *message) text(field uint64, s string) {
	if s != "" {
		m.item(field, s)
	}
}

// item writes one of a list, or a message: those are there even if they are empty.
func (m *message) item(field uint64, s string) {
	m.tag(field, wireBytes)
	*m = binary.AppendUvarint(*m, uint64(len(s)))
	*m = append(*m, s...)
}

func (m *message) message(field uint64, part message) { m.item(field, string(part)) }

// pair is a message of two strings, as several are.
func pair(first, second string) (m message) {
	m.text(1, first)
	m.text(2, second)
	return m
}
