package wasi

import (
	"encoding/binary"
	"math"
	"sync"
	"syscall"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/api"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// Bounds on what a guest can make us allocate.
const (
	maxPath = 4095 // PATH_MAX without its NUL
	maxIovs = 1024 // IOV_MAX
)

// memory is a guest's memory. The zero memory is empty.
//
// Slices of it stay valid during a call, in which the guest cannot grow it.
type memory struct{ m api.Memory }

// bytes returns n bytes of memory at ptr.
func (m memory) bytes(ptr, n uint32) ([]byte, error) {
	if m.m == nil {
		return nil, syscall.EFAULT
	}
	b, ok := m.m.Read(ptr, n)
	if !ok {
		return nil, syscall.EFAULT
	}
	return b, nil
}

// array returns n elements of memory, each of size bytes.
func (m memory) array(ptr, n, size uint32) ([]byte, error) {
	if uint64(n)*uint64(size) > math.MaxUint32 {
		return nil, syscall.EFAULT
	}
	return m.bytes(ptr, n*size)
}

// text returns a copy of a guest's string.
func (m memory) text(ptr, n uint32) (string, error) {
	b, err := m.bytes(ptr, n)
	switch {
	case err != nil:
		return "", err
	case len(b) > maxPath:
		return "", syscall.ENAMETOOLONG
	case !utf8.Valid(b):
		return "", syscall.EILSEQ
	}
	return string(b), nil
}

func (m memory) putU32(ptr, v uint32) error {
	b, err := m.bytes(ptr, 4)
	if err == nil {
		le.PutUint32(b, v)
	}
	return err
}

func (m memory) putU64(ptr uint32, v uint64) error {
	b, err := m.bytes(ptr, 8)
	if err == nil {
		le.PutUint64(b, v)
	}
	return err
}

var le = binary.LittleEndian

// vector is a guest's iovec_array, as slices of its memory.
type vector struct{ bufs [][]byte }

// vectors keeps vectors for the next call: one made anew for each would be the only
// allocation of a read.
var vectors = sync.Pool{New: func() any { return new(vector) }}

// vector reads an iovec_array, each {buf: u32, buf_len: u32}, and cuts long ones up.
// The caller puts it back by drop. As for writev(2), too many of them, or of bytes,
// are EINVAL.
func (m memory) vector(ptr, n uint32) (*vector, error) {
	if n > maxIovs {
		return nil, syscall.EINVAL
	}
	raw, err := m.array(ptr, n, 8)
	if err != nil {
		return nil, err
	}
	v := vectors.Get().(*vector)
	var sum uint64
	for ; len(raw) > 0; raw = raw[8:] {
		b, err := m.bytes(le.Uint32(raw), le.Uint32(raw[4:]))
		if sum += uint64(len(b)); err == nil && sum > math.MaxUint32 {
			err = syscall.EINVAL
		}
		if err != nil {
			v.drop()
			return nil, err
		}
		for len(b) > kernel.MaxStep {
			v.bufs, b = append(v.bufs, b[:kernel.MaxStep]), b[kernel.MaxStep:]
		}
		v.bufs = append(v.bufs, b)
	}
	return v, nil
}

// drop gives the vector back, without a trace of the guest's memory.
func (v *vector) drop() {
	clear(v.bufs)
	v.bufs = v.bufs[:0]
	vectors.Put(v)
}
