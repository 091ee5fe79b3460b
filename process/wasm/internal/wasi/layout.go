package wasi

import (
	iofs "io/fs"
	"math"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// Sizes of the records in memory (typenames.witx).
const (
	fdstatSize       = 24
	filestatSize     = 64
	prestatSize      = 8
	direntSize       = 24
	subscriptionSize = 48
	eventSize        = 32
)

// filetype is $filetype.
type filetype = uint8

const (
	filetypeUnknown filetype = iota
	filetypeBlockDevice
	filetypeCharacterDevice
	filetypeDirectory
	filetypeRegularFile
	filetypeSocketDgram
	filetypeSocketStream
	filetypeSymbolicLink
)

// filetypeOf answers "unknown" for a pipe, which preview 1 has no word for. That
// is what keeps isatty(3) from taking one for a terminal.
func filetypeOf(m iofs.FileMode) filetype {
	switch m.Type() {
	case 0:
		return filetypeRegularFile
	case iofs.ModeDir:
		return filetypeDirectory
	case iofs.ModeSymlink:
		return filetypeSymbolicLink
	case iofs.ModeDevice:
		return filetypeBlockDevice
	case iofs.ModeDevice | iofs.ModeCharDevice:
		return filetypeCharacterDevice
	case iofs.ModeSocket:
		return filetypeSocketStream
	}
	return filetypeUnknown
}

// timestamp is nanoseconds since 1970; what was earlier is 0.
func timestamp(t time.Time) uint64 {
	s := t.Unix()
	switch {
	case s < 0:
		return 0
	case uint64(s) >= math.MaxUint64/1_000_000_000:
		return math.MaxUint64
	}
	return uint64(s)*1e9 + uint64(t.Nanosecond())
}

func timeOf(ns uint64) time.Time { return time.Unix(int64(ns/1e9), int64(ns%1e9)) }

func putFdstat(b []byte, s kernel.FDStat) {
	clear(b[:fdstatSize])
	b[0] = filetypeOf(s.Stat.Mode)
	le.PutUint16(b[2:], uint16(s.Flags))
	le.PutUint64(b[8:], uint64(s.Base))
	le.PutUint64(b[16:], uint64(s.Inheriting))
}

func putFilestat(b []byte, s fs.Stat) {
	clear(b[:filestatSize])
	le.PutUint64(b, s.Dev)
	le.PutUint64(b[8:], s.Ino)
	b[16] = filetypeOf(s.Mode)
	le.PutUint64(b[24:], s.Nlink)
	le.PutUint64(b[32:], uint64(s.Size))
	le.PutUint64(b[40:], timestamp(s.Atime))
	le.PutUint64(b[48:], timestamp(s.Mtime))
	le.PutUint64(b[56:], timestamp(s.Ctime))
}

func putDirent(b []byte, e fs.Entry, next uint64) {
	clear(b[:direntSize])
	le.PutUint64(b, next)
	le.PutUint64(b[8:], e.Ino)
	le.PutUint32(b[16:], uint32(len(e.Name)))
	b[20] = filetypeOf(e.Mode)
}

func putEvent(b []byte, e kernel.Event) {
	clear(b[:eventSize])
	le.PutUint64(b, e.Userdata)
	le.PutUint16(b[8:], uint16(errnoOf(e.Err)))
	b[10] = uint8(e.Kind)
	le.PutUint64(b[16:], e.Bytes)
	if e.Hangup {
		le.PutUint16(b[24:], 1) // fd_readwrite_hangup
	}
}
