package wasi_test

import (
	"bytes"
	iofs "io/fs"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// listing is a directory that can only be listed.
type listing struct {
	fs.Dir
	entries []fs.Entry
}

func (l *listing) Dup() (fs.Dir, error)         { return l, nil }
func (l *listing) Stat() (fs.Stat, error)       { return fs.Stat{Mode: iofs.ModeDir, Ino: 7}, nil }
func (l *listing) ReadDir() ([]fs.Entry, error) { return slices.Clone(l.entries), nil }
func (l *listing) Close() error                 { return nil }

// newListing makes a directory of what it finds in data.
func newListing(d *dice) *listing {
	types := []iofs.FileMode{0, iofs.ModeDir, iofs.ModeSymlink, iofs.ModeNamedPipe, iofs.ModeSocket, iofs.ModeDevice}
	l := &listing{}
	seen := map[string]bool{".": true, "..": true, "": true}
	for range d.below(64) {
		name := string(bytes.ReplaceAll(bytes.ReplaceAll(d.take(d.below(256)), []byte("/"), nil), []byte{0}, nil))
		if !seen[name] {
			seen[name] = true
			l.entries = append(l.entries, fs.Entry{Name: name, Mode: types[d.below(len(types))], Ino: d.number()})
		}
	}
	return l
}

// records is what the whole listing looks like in memory, by the specification: a
// record for each entry, whose cookie leads behind it.
func (l *listing) records() (all [][]byte) {
	filetypes := map[iofs.FileMode]byte{
		0: 4, iofs.ModeDir: 3, iofs.ModeSymlink: 7, iofs.ModeNamedPipe: 0, iofs.ModeSocket: 6, iofs.ModeDevice: 1,
	}
	sorted := slices.SortedFunc(slices.Values(l.entries), func(a, b fs.Entry) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	dots := []fs.Entry{{Name: ".", Mode: iofs.ModeDir, Ino: 7}, {Name: "..", Mode: iofs.ModeDir, Ino: 7}}
	for i, e := range append(dots, sorted...) {
		b := le.AppendUint64(nil, uint64(i+1))
		b = le.AppendUint64(b, e.Ino)
		b = le.AppendUint32(b, uint32(len(e.Name)))
		b = append(b, filetypes[e.Mode], 0, 0, 0)
		all = append(all, append(b, e.Name...))
	}
	return all
}

// FuzzReaddir lists directories of any content through buffers of any size from any
// cookie. The bytes must be those of the specification, up to the buffer's end and
// not one further; and a guest that goes on by cookies sees each entry once.
func FuzzReaddir(f *testing.F) {
	f.Add([]byte{3, 1, 'a', 0, 0, 2, 'b', 'c', 1, 1, 1, 'd', 24, 30})
	f.Add([]byte{1, 255})
	f.Add([]byte{2, 1, 0xff, 0, 0, 3, '.', '.', '.', 5, 0, 0, 23})
	addNoise(f)
	h := newHost(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data}
		l := newListing(d)
		g := newProxyIn(t, h, t.Context(), kernel.Config{Root: fs.FromDir(l)})
		defer g.mod.Close(t.Context())
		all := l.records()

		const buf, used = 4096, 512
		list := func(size int, cookie uint64) []byte {
			g.mod.Memory().Write(buf, bytes.Repeat([]byte{0xee}, size+64))
			g.ok("fd_readdir", 3, buf, uint64(size), cookie, used)
			n := g.u32(used)
			require.LessOrEqual(t, n, uint32(size))
			require.Equal(t, bytes.Repeat([]byte{0xee}, size+64-int(n)), g.bytes(buf+n, uint32(size+64)-n), "behind the records")
			return g.bytes(buf, n)
		}

		for range 8 {
			cookie, size := d.number(), d.below(1024)
			if d.below(2) == 0 {
				cookie %= uint64(len(all)) + 1
			}
			want := slices.Concat(all[min(cookie, uint64(len(all))):]...)
			require.Equal(t, string(want[:min(len(want), size)]), string(list(size, cookie)), "cookie %d size %d", cookie, size)
		}

		var got []string
		for cookie := uint64(0); ; {
			size := d.below(400)
			read := list(size, cookie)
			if len(read) == size && len(dirents(t, read)) == 0 {
				size = 24 + 255 // what a libc does: a buffer that is too small grows
				read = list(size, cookie)
			}
			full := len(read) == size
			for _, e := range dirents(t, read) {
				got, cookie = append(got, e.name), e.next
			}
			if !full {
				break
			}
		}
		require.Len(t, got, len(all))
		for i, r := range all {
			require.Equal(t, string(r[24:]), got[i])
		}
	})
}
