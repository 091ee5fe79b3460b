package wasi_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// model is what a guest's memory and a file must be after each call.
type model struct {
	memory []byte
	file   []byte
	offset int
}

// vector reads an iovec_array as the specification has it, and what is wrong with
// it.
func (m *model) vector(array, n uint32) (bufs [][2]uint32, errno int) {
	if n > 1024 {
		return nil, inval
	}
	if uint64(array)+8*uint64(n) > memorySize {
		return nil, fault
	}
	for i := range n {
		ptr, size := le.Uint32(m.memory[array+8*i:]), le.Uint32(m.memory[array+8*i+4:])
		if uint64(ptr)+uint64(size) > memorySize {
			return nil, fault
		}
		bufs = append(bufs, [2]uint32{ptr, size})
	}
	return bufs, success
}

// read fills the parts one after the other: where they overlap, the later wins.
func (m *model) read(bufs [][2]uint32, at int) (moved int) {
	for _, b := range bufs {
		at := min(at+moved, len(m.file))
		moved += copy(m.memory[b[0]:b[0]+b[1]], m.file[at:])
	}
	return moved
}

func (m *model) write(bufs [][2]uint32, at int) (moved int) {
	var data []byte
	for _, b := range bufs {
		data = append(data, m.memory[b[0]:b[0]+b[1]]...)
	}
	if end := at + len(data); len(data) > 0 && end > len(m.file) {
		m.file = append(m.file, make([]byte, end-len(m.file))...)
	}
	return copy(m.file[min(at, len(m.file)):], data)
}

// FuzzIovecs reads and writes by iovec arrays of any shape, anywhere in memory, over
// each other and over the array itself, and compares memory, file and offset with
// a model.
func FuzzIovecs(f *testing.F) {
	f.Add([]byte{0, 2, 10, 0, 100, 0, 20, 5, 0, 102, 0, 7})
	f.Add([]byte{1, 3, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 2, 2, 2, 2})
	addNoise(f)
	h := newHost(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := scratch(t)
		content := bytes.Repeat([]byte("0123456789abcdef"), 32)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), content, 0o644))
		root, err := fs.New(dir)
		require.NoError(t, err)
		g := newProxyIn(t, h, t.Context(), kernel.Config{Root: root})
		defer g.mod.Close(t.Context())
		fd := g.open("f", 0)
		for i := range uint32(memorySize / 4) {
			g.mod.Memory().WriteUint32Le(4*i, i*2654435761)
		}
		m := &model{memory: bytes.Clone(g.bytes(0, memorySize)), file: content}

		d := &dice{data}
		for range 16 {
			if d.done() {
				break
			}
			m.step(t, g, d, fd)
			require.True(t, bytes.Equal(m.memory, g.bytes(0, memorySize)), "the memory")
			got, err := os.ReadFile(filepath.Join(dir, "f"))
			require.NoError(t, err)
			require.True(t, bytes.Equal(m.file, got), "the file")
			g.ok("fd_tell", fd, 0)
			require.EqualValues(t, m.offset, g.u64(0))
			copy(m.memory, g.bytes(0, 8))
		}
	})
}

// step makes one call, in the guest and in the model.
func (m *model) step(t *testing.T, g *proxy, d *dice, fd uint64) {
	call := d.below(4)
	array, n := m.arrange(g, d)
	out := uint32(d.number())
	at := d.below(2048)

	want, moved := success, 0
	if uint64(out)+4 > memorySize {
		want = fault
	}
	var bufs [][2]uint32
	if want == success {
		bufs, want = m.vector(array, n)
	}
	if want == success {
		switch call {
		case 0:
			moved = m.read(bufs, m.offset)
			m.offset += moved
		case 1:
			moved = m.write(bufs, m.offset)
			m.offset += moved
		case 2:
			moved = m.read(bufs, at)
		case 3:
			moved = m.write(bufs, at)
		}
		le.PutUint32(m.memory[out:], uint32(moved))
	}

	name := []string{"fd_read", "fd_write", "fd_pread", "fd_pwrite"}[call]
	args := []uint64{fd, uint64(array), uint64(n), uint64(at), uint64(out)}
	if call < 2 {
		args = []uint64{fd, uint64(array), uint64(n), uint64(out)}
	}
	require.Equal(t, want, g.call(name, args...), "%s%d", name, args)
}

// arrange writes an iovec_array into both memories.
func (m *model) arrange(g *proxy, d *dice) (array, n uint32) {
	array, n = uint32(d.below(memorySize>>1)), uint32(d.below(12))
	for i := range n {
		ptr, size := uint32(d.below(memorySize>>1)), uint32(d.below(64))
		switch d.below(16) {
		case 0:
			ptr = array // over the array itself
		case 1:
			ptr = memorySize - size
		case 2:
			ptr = uint32(d.number())
		case 3:
			size = 4096
		case 4:
			size = uint32(d.number())
		}
		le.PutUint32(m.memory[array+8*i:], ptr)
		le.PutUint32(m.memory[array+8*i+4:], size)
	}
	switch d.below(32) {
	case 1:
		n = uint32(d.number())
	case 2:
		array = uint32(d.number())
	}
	g.mod.Memory().Write(0, m.memory)
	return array, n
}
