package binary

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestNumbersAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint32().Draw(t, "unsigned")
		r := Reader{B: AppendU32(nil, u)}
		assert.Equal(t, u, r.U32())
		assert.False(t, r.Failed || r.More())

		s := rapid.Int64Range(-1<<32, 1<<32-1).Draw(t, "signed")
		r = Reader{B: AppendS64(nil, s)}
		assert.Equal(t, s, r.S33())
		assert.False(t, r.Failed || r.More())
	})
}

func TestWhatIsTooLongOrMissingIsAFailureAndZero(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]struct {
		b    []byte
		read func(*Reader) any
	}{
		"a number beyond 32 bits": {[]byte{0x80, 0x80, 0x80, 0x80, 0x10}, func(r *Reader) any { return r.U32() }},
		"a number without an end": {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}, func(r *Reader) any { return r.U32() }},
		"a signed one":            {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}, func(r *Reader) any { return r.S33() }},
		"nothing":                 {nil, func(r *Reader) any { return r.Byte() }},
		"a vector cut off":        {[]byte{3, 1, 2}, func(r *Reader) any { return len(r.Bytes()) }},
		"a vector of gigabytes":   {AppendU32(nil, math.MaxUint32), func(r *Reader) any { return len(r.Bytes()) }},
	} {
		r := &Reader{B: read.b}
		assert.Zero(t, read.read(r), name)
		assert.True(t, r.Failed, name)
		assert.False(t, r.More(), name)
		assert.Zero(t, r.Byte(), "%s: it stays failed", name)
	}
}
