package wasi_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// Flags of $fdflags.
const (
	fdAppend   = 1
	fdNonblock = 4
	fdAllFlags = 31
)

// fdConduct is of the functions that take a descriptor.
func fdConduct() []conduct {
	return []conduct{
		{
			fn: "fd_advise", call: []any{fdFile, 0, 0, 0},
			fds:    []descriptors{{0, badf, spipe, spipe, success, badf}},
			rights: []right{{0, kernel.RightAdvise, notcapable}},
			flags:  []flagBits{{3, 6}},
			rows: append(each([]int{0, 1, 2, 3, 4, 5}, func(advice int) row {
				return row{name: "advice", args: []any{fdFile, 0, 10, advice}}
			}),
				row{name: "beyond the end", args: []any{fdFile, math.MaxInt64, math.MaxInt64, 0}},
				row{name: "length is no offset", args: []any{fdFile, 0, uint64(1 << 63), 0}, want: inval},
				row{name: "offset is no offset", args: []any{fdFile, uint64(1 << 63), 1, 0}, want: inval},
			),
		},
		{
			fn: "fd_close", call: []any{fdFile},
			fds: []descriptors{{0, badf, success, success, success, success}},
			rows: []row{
				{
					name: "twice", args: []any{fdFile}, want: badf,
					setup: func(w *world) { w.must("fd_close", fdFile) },
				},
				{
					name: "the number is free again", args: []any{fdFile},
					effect: func(w *world) { assert.Equal(w.t, fdFile, w.openAs("g", allRights)) },
				},
				{
					name: "a preopen", args: []any{fdMount},
					effect: func(w *world) { assert.Equal(w.t, badf, w.do("fd_prestat_get", fdMount, res)) },
				},
			},
		},
		syncConduct("fd_sync", kernel.RightSync),
		syncConduct("fd_datasync", kernel.RightDatasync),
		{
			fn: "fd_fdstat_get", call: []any{fdFile, res},
			pointers: []pointer{to(1, 24)},
			fds:      []descriptors{{0, badf, success, success, success, success}},
			rows: append(each([][2]int{{fdStdin, 0}, {fdStdout, 0}, {fdRoot, 3}, {fdMount, 3}, {fdDir, 3}, {fdFile, 4}}, func(v [2]int) row {
				return row{
					name: "filetype", args: []any{v[0], res},
					effect: func(w *world) { assert.EqualValues(w.t, v[1], w.bytes(res, 1)[0]) },
				}
			}), row{
				name: "a file has no right of directories", args: []any{fdFile, res},
				effect: func(w *world) {
					assert.Zero(w.t, w.u64(res+8)&uint64(kernel.RightPathOpen|kernel.RightReaddir))
					assert.Zero(w.t, w.u64(res+16), "nothing can be opened beneath it")
				},
			}),
		},
		{
			fn: "fd_fdstat_set_flags", call: []any{fdFile, fdAppend},
			fds:    []descriptors{{0, badf, success, success, success, success}},
			rights: []right{{0, kernel.RightSetFlags, notcapable}},
			flags:  []flagBits{{1, 32}},
			rows: each(upTo(fdAllFlags), func(flags int) row {
				return row{
					name: "flags", args: []any{fdFile, flags},
					effect: func(w *world) {
						w.must("fd_fdstat_get", fdFile, res)
						assert.Equal(w.t, uint16(flags), le.Uint16(w.bytes(res+2, 2)))
						w.must("fd_write", fdFile, iov{2}, res)
						want := "ab23456789"
						if flags&fdAppend != 0 {
							want = "0123456789ab"
						}
						assert.Equal(w.t, want, w.content("f"))
					},
				}
			}),
		},
		{
			fn: "fd_fdstat_set_rights", call: []any{fdFile, 0, 0},
			fds: []descriptors{{0, badf, success, success, success, success}},
			rows: []row{
				{name: "more than there is", args: []any{fdDir, allRights, 0}, want: notcapable},
				{name: "undefined", args: []any{fdFile, uint64(1 << 63), 0}, want: notcapable},
				{name: "more to inherit", args: []any{fdFile, 0, 1}, want: notcapable},
				{
					name: "given up for good", args: []any{fdFile, kernel.RightRead, 0}, want: notcapable,
					setup: func(w *world) { w.must("fd_fdstat_set_rights", fdFile, kernel.RightWrite, 0) },
				},
				{
					name: "the inherited bound what is opened", args: []any{fdRoot, kernel.RightPathOpen, kernel.RightRead},
					effect: func(w *world) {
						assert.Equal(w.t, notcapable, w.do("path_open", fdRoot, 0, "f", 0, kernel.RightWrite, 0, 0, res))
						assert.Equal(w.t, notcapable, w.do("path_open", fdRoot, 0, "f", 0, kernel.RightRead, 0, 2, res), "O_DSYNC")
						w.must("path_open", fdRoot, 0, "f", 0, kernel.RightRead, 0, 0, res)
					},
				},
			},
		},
		{
			fn: "fd_filestat_get", call: []any{fdFile, res},
			pointers: []pointer{to(1, 64)},
			fds:      []descriptors{{0, badf, success, success, success, success}},
			rights:   []right{{0, kernel.RightFilestatGet, notcapable}},
			rows: []row{
				{
					name: "of an unlinked file", args: []any{fdFile, res},
					setup: func(w *world) { w.must("path_unlink_file", fdRoot, "f") },
					effect: func(w *world) {
						assert.Zero(w.t, w.u64(res+24), "links")
						assert.EqualValues(w.t, 10, w.u64(res+32), "size")
					},
				},
				{
					name: "streams are told apart", args: []any{fdStdin, res},
					effect: func(w *world) {
						w.must("fd_filestat_get", fdStdout, buffers)
						assert.NotEqual(w.t, w.u64(res+8), w.u64(buffers+8), "st_ino")
					},
				},
			},
		},
		{
			fn: "fd_filestat_set_size", call: []any{fdFile, 3},
			fds:    []descriptors{{0, badf, inval, inval, success, inval}},
			rights: []right{{0, kernel.RightFilestatSetSize, notcapable}},
			rows: []row{
				{
					name: "shorter", args: []any{fdFile, 3},
					effect: func(w *world) { assert.Equal(w.t, "012", w.content("f")) },
				},
				{
					name: "longer", args: []any{fdFile, 12},
					effect: func(w *world) { assert.Equal(w.t, "0123456789\x00\x00", w.content("f")) },
				},
				{
					name: "sparse", args: []any{fdFile, 1 << 40},
					effect: func(w *world) {
						w.must("fd_seek", fdFile, 0, 2, res)
						assert.EqualValues(w.t, 1<<40, w.u64(res))
						w.must("fd_pread", fdFile, iov{4}, 1<<40-4, res)
						assert.EqualValues(w.t, 4, w.moved())
						w.must("fd_filestat_set_size", fdFile, 0)
					},
				},
				{
					name: "the offset stays", args: []any{fdFile, 3},
					setup: func(w *world) { w.must("fd_seek", fdFile, 8, 0, res) },
					effect: func(w *world) {
						w.must("fd_write", fdFile, iov{1}, res)
						assert.Equal(w.t, "012\x00\x00\x00\x00\x00a", w.content("f"))
					},
				},
				{name: "no offset", args: []any{fdFile, uint64(1 << 63)}, want: inval},
				{
					name: "not open for writing", args: []any{7, 0}, want: inval,
					setup:  func(w *world) { require.Equal(w.t, 7, w.openAs("f", justToRead)) },
					effect: func(w *world) { assert.Equal(w.t, "0123456789", w.content("f")) },
				},
				{
					name: "unlinked", args: []any{fdFile, 1},
					setup: func(w *world) { w.must("path_unlink_file", fdRoot, "f") },
				},
			},
		},
		{
			fn: "fd_filestat_set_times", call: []any{fdFile, 1, 2, 5},
			fds:    []descriptors{{0, badf, notcapable, notcapable, success, success}},
			rights: []right{{0, kernel.RightFilestatSetTimes, notcapable}},
			flags:  []flagBits{{3, 16}},
			rows:   timesRows(func(flags int) []any { return []any{fdFile, stamp, stamp + 7, flags} }, "f"),
		},
		{
			fn: "fd_pread", call: []any{fdFile, iov{4}, 0, res},
			pointers: []pointer{toEach(1, 8, 2), to(4, 4)},
			fds:      []descriptors{{0, badf, spipe, spipe, success, isdir}},
			rights:   []right{{0, kernel.RightRead, badf}, {0, kernel.RightSeek, notcapable}},
			rows: append(vectorRows(fdFile, 0),
				row{
					name: "leaves the offset", args: []any{fdFile, iov{4}, 3, res},
					effect: func(w *world) {
						assert.Equal(w.t, "3456e", w.buf(5))
						w.must("fd_tell", fdFile, res)
						assert.Zero(w.t, w.u64(res))
					},
				},
				row{name: "cut short by the end", args: []any{fdFile, iov{4, 4}, 5, res}, effect: moves(5)},
				row{name: "at the end", args: []any{fdFile, iov{4}, 10, res}, effect: moves(0)},
				row{name: "beyond the end", args: []any{fdFile, iov{4}, 1 << 40, res}, effect: moves(0)},
				row{name: "at the last offset", args: []any{fdFile, iov{4}, math.MaxInt64, res}, effect: moves(0)},
				row{name: "up to the last offset", args: []any{fdFile, iov{4}, math.MaxInt64 - 4, res}, effect: moves(0)},
				row{name: "no offset", args: []any{fdFile, iov{4}, uint64(1 << 63), res}, want: inval},
				row{name: "no offset, nothing to read", args: []any{fdFile, iov{}, uint64(math.MaxUint64), res}, want: inval},
				row{
					name: "unlinked", args: []any{fdFile, iov{10}, 0, res},
					setup:  func(w *world) { w.must("path_unlink_file", fdRoot, "f") },
					effect: moves(10),
				},
			),
		},
		{
			fn: "fd_prestat_get", call: []any{fdMount, res},
			pointers: []pointer{to(1, 8)},
			fds:      []descriptors{{0, badf, badf, badf, badf, badf}},
		},
		{
			fn: "fd_prestat_dir_name", call: []any{fdMount, area(2)},
			pointers: []pointer{toEach(1, 1, 2)},
			fds:      []descriptors{{0, badf, badf, badf, badf, badf}},
			rows: []row{
				{name: "no room", args: []any{fdMount, area(1)}, want: nametoolong},
				{name: "no room at all", args: []any{fdMount, area(0)}, want: nametoolong},
				{
					name: "room to spare", args: []any{fdMount, area(8)},
					effect: func(w *world) { assert.Equal(w.t, "/dcd", w.buf(4)) },
				},
			},
		},
		{
			fn: "fd_pwrite", call: []any{fdFile, iov{4}, 0, res},
			pointers: []pointer{toEach(1, 8, 2), to(4, 4)},
			fds:      []descriptors{{0, badf, spipe, spipe, success, badf}},
			rights:   []right{{0, kernel.RightWrite, badf}, {0, kernel.RightSeek, notcapable}},
			rows: append(vectorRows(fdFile, 0),
				row{
					name: "leaves the offset", args: []any{fdFile, iov{1, 0, 2}, 3, res},
					effect: func(w *world) {
						assert.Equal(w.t, "012abc6789", w.content("f"))
						w.must("fd_tell", fdFile, res)
						assert.Zero(w.t, w.u64(res))
					},
				},
				row{
					name: "goes where it is told under append", args: []any{fdFile, iov{2}, 0, res},
					setup:  func(w *world) { w.must("fd_fdstat_set_flags", fdFile, fdAppend) },
					effect: func(w *world) { assert.Equal(w.t, "ab23456789", w.content("f")) },
				},
				row{
					name: "beyond the end", args: []any{fdFile, iov{1}, 12, res},
					effect: func(w *world) { assert.Equal(w.t, "0123456789\x00\x00a", w.content("f")) },
				},
				row{
					name: "far beyond the end", args: []any{fdFile, iov{1}, 1 << 40, res},
					effect: func(w *world) {
						w.must("fd_filestat_get", fdFile, res)
						assert.EqualValues(w.t, 1<<40+1, w.u64(res+32))
						w.must("fd_filestat_set_size", fdFile, 0)
					},
				},
				row{name: "at the last offset", args: []any{fdFile, iov{1}, math.MaxInt64, res}, want: fbig, effect: same("f")},
				row{name: "across the last offset", args: []any{fdFile, iov{1, 9}, math.MaxInt64 - 9, res}, want: fbig, effect: same("f")},
				row{name: "nothing at the last offset", args: []any{fdFile, iov{0}, math.MaxInt64, res}, effect: same("f")},
				row{name: "no offset", args: []any{fdFile, iov{1}, uint64(1 << 63), res}, want: inval, effect: same("f")},
				row{
					name: "not open for writing", args: []any{7, iov{1}, 0, res}, want: badf,
					setup: func(w *world) { w.openAs("f", justToRead) }, effect: same("f"),
				},
			),
		},
		{
			fn: "fd_read", call: []any{fdFile, iov{4}, res},
			pointers: []pointer{toEach(1, 8, 2), to(3, 4)},
			fds:      []descriptors{{0, badf, success, badf, success, isdir}},
			rights:   []right{{0, kernel.RightRead, badf}},
			rows: append(vectorRows(fdFile),
				row{
					name: "moves the offset", args: []any{fdFile, iov{1, 0, 2}, res},
					effect: func(w *world) {
						assert.Equal(w.t, "012d", w.buf(4))
						w.must("fd_tell", fdFile, res)
						assert.EqualValues(w.t, 3, w.u64(res))
					},
				},
				row{
					name: "at the last offset", args: []any{fdFile, iov{4}, res},
					setup:  func(w *world) { w.must("fd_seek", fdFile, math.MaxInt64, 0, res) },
					effect: moves(0),
				},
				row{name: "stdin", args: []any{fdStdin, iov{2, 1}, res}, effect: moves(3)},
				row{
					name: "stdin's end", args: []any{fdStdin, iov{9}, res},
					setup:  func(w *world) { w.must("fd_read", fdStdin, iov{9}, res) },
					effect: moves(0),
				},
				row{
					name: "only for writing", args: []any{7, iov{1}, res}, want: badf,
					setup: func(w *world) { w.openAs("f", int(kernel.RightWrite)) },
				},
			),
		},
		{
			fn: "fd_renumber", call: []any{fdFile, fdDir},
			fds: []descriptors{{0, badf, success, success, success, success}, {1, badf, success, success, success, success}},
			rows: []row{
				{
					name: "onto itself", args: []any{fdFile, fdFile},
					effect: func(w *world) { w.must("fd_tell", fdFile, res) },
				},
				{name: "onto itself, closed", args: []any{fdNone, fdNone}, want: badf},
				{
					name: "onto a number that is free", args: []any{fdFile, 7}, want: badf,
					effect: func(w *world) { w.must("fd_tell", fdFile, res) },
				},
				{
					name: "a file onto stdout", args: []any{fdFile, fdStdout},
					effect: func(w *world) {
						w.must("fd_write", fdStdout, iov{3}, res)
						assert.Equal(w.t, "abc3456789", w.content("f"))
						assert.Empty(w.t, w.stdout.String())
						assert.Equal(w.t, badf, w.do("fd_tell", fdFile, res), "the old number is free")
						assert.Equal(w.t, fdFile, w.openAs("g", allRights))
					},
				},
				{
					name: "stdout onto a file", args: []any{fdStdout, fdFile},
					effect: func(w *world) {
						w.must("fd_write", fdFile, iov{3}, res)
						assert.Equal(w.t, "abc", w.stdout.String())
						assert.Equal(w.t, "0123456789", w.content("f"))
					},
				},
				{
					name: "a file onto a preopen", args: []any{fdFile, fdMount},
					effect: func(w *world) {
						assert.Equal(w.t, badf, w.do("fd_prestat_get", fdMount, res), "it is no preopen")
						w.must("fd_tell", fdMount, res)
					},
				},
				{
					name: "a preopen onto a file", args: []any{fdMount, fdFile},
					effect: func(w *world) {
						w.must("fd_prestat_get", fdFile, res)
						assert.Equal(w.t, badf, w.do("fd_prestat_get", fdMount, res))
					},
				},
				{
					name: "a preopen onto another", args: []any{fdMount, fdRoot},
					effect: func(w *world) {
						w.must("fd_prestat_dir_name", fdRoot, area(2))
						assert.Equal(w.t, "/d", w.buf(2))
						w.must("path_filestat_get", fdRoot, 0, "x", res)
						w.must("path_filestat_get", fdRoot, 0, "../f", res)
					},
				},
				{
					name: "the offset goes with it", args: []any{fdFile, fdDir},
					setup: func(w *world) { w.must("fd_seek", fdFile, 4, 0, res) },
					effect: func(w *world) {
						w.must("fd_tell", fdDir, res)
						assert.EqualValues(w.t, 4, w.u64(res))
					},
				},
				{
					name: "rights and flags go with it", args: []any{fdFile, fdDir},
					setup: func(w *world) {
						w.must("fd_fdstat_set_flags", fdFile, fdNonblock)
						w.keeping(fdFile, kernel.RightRead)
					},
					effect: func(w *world) {
						w.must("fd_fdstat_get", fdDir, res)
						assert.EqualValues(w.t, fdNonblock, le.Uint16(w.bytes(res+2, 2)))
						assert.EqualValues(w.t, kernel.RightRead, w.u64(res+8))
					},
				},
			},
		},
		{
			fn: "fd_seek", call: []any{fdFile, 3, 0, res},
			pointers: []pointer{to(3, 8)},
			fds:      []descriptors{{0, badf, spipe, spipe, success, badf}},
			rights:   []right{{0, kernel.RightSeek, notcapable}},
			flags:    []flagBits{{2, 3}},
			rows: []row{
				{name: "forward", args: []any{fdFile, 3, 1, res}, effect: at(3)},
				{name: "from the end", args: []any{fdFile, -3, 2, res}, effect: at(7)},
				{name: "beyond the end", args: []any{fdFile, 1 << 40, 2, res}, effect: at(1<<40 + 10)},
				{name: "to the last offset", args: []any{fdFile, math.MaxInt64, 0, res}, effect: at(math.MaxInt64)},
				{name: "before the start", args: []any{fdFile, -1, 0, res}, want: inval, effect: stays},
				{name: "before the start from the end", args: []any{fdFile, -11, 2, res}, want: inval, effect: stays},
				{name: "far before the start", args: []any{fdFile, math.MinInt64, 1, res}, want: inval, effect: stays},
				{name: "beyond every offset", args: []any{fdFile, math.MaxInt64, 2, res}, want: overflow, effect: stays},
				{
					name: "one more than the last offset", args: []any{fdFile, 1, 1, res}, want: overflow,
					setup: func(w *world) { w.must("fd_seek", fdFile, math.MaxInt64, 0, res) },
				},
				{
					name: "to stay takes the right to tell", args: []any{fdFile, 0, 1, res},
					setup: func(w *world) { w.keeping(fdFile, kernel.RightTell) },
				},
				{
					name: "to stay at the start is a move", args: []any{fdFile, 0, 0, res}, want: notcapable,
					setup: func(w *world) { w.keeping(fdFile, kernel.RightTell) },
				},
			},
		},
		{
			fn: "fd_tell", call: []any{fdFile, res},
			pointers: []pointer{to(1, 8)},
			fds:      []descriptors{{0, badf, spipe, spipe, success, badf}},
			rights:   []right{{0, kernel.RightTell, notcapable}},
		},
		{
			fn: "fd_write", call: []any{fdFile, iov{4}, res},
			pointers: []pointer{toEach(1, 8, 2), to(3, 4)},
			fds:      []descriptors{{0, badf, badf, success, success, badf}},
			rights:   []right{{0, kernel.RightWrite, badf}},
			rows: append(vectorRows(fdFile),
				row{
					name: "in the order of the parts", args: []any{fdFile, iov{2, 0, 3}, res},
					effect: func(w *world) { assert.Equal(w.t, "abcde56789", w.content("f")) },
				},
				row{
					name: "append finds the end each time", args: []any{fdFile, iov{2}, res},
					setup: func(w *world) {
						w.must("fd_fdstat_set_flags", fdFile, fdAppend)
						w.openAs("f", allRights)
						w.must("fd_pwrite", 7, iov{1}, 10, res)
					},
					effect: func(w *world) {
						assert.Equal(w.t, "0123456789aab", w.content("f"))
						w.must("fd_tell", fdFile, res)
						assert.EqualValues(w.t, 13, w.u64(res), "the offset is behind what was written")
					},
				},
				row{
					name: "at the last offset", args: []any{fdFile, iov{1}, res}, want: fbig,
					setup:  func(w *world) { w.must("fd_seek", fdFile, math.MaxInt64, 0, res) },
					effect: same("f"),
				},
				row{
					name: "nothing at the last offset", args: []any{fdFile, iov{}, res},
					setup:  func(w *world) { w.must("fd_seek", fdFile, math.MaxInt64, 0, res) },
					effect: same("f"),
				},
				row{
					name: "stdout", args: []any{fdStdout, iov{2, 3}, res},
					effect: func(w *world) { assert.Equal(w.t, "abcde", w.stdout.String()) },
				},
				row{
					name: "unlinked", args: []any{fdFile, iov{2}, res},
					setup: func(w *world) { w.must("path_unlink_file", fdRoot, "f") },
					effect: func(w *world) {
						w.must("fd_pread", fdFile, iov{10}, 0, res)
						assert.EqualValues(w.t, 10, w.moved())
						_, err := os.Lstat(w.host("f"))
						assert.ErrorIs(w.t, err, os.ErrNotExist)
					},
				},
			),
		},
		readdirConduct(),
		allocateConduct(),
	}
}

func syncConduct(fn string, r kernel.Rights) conduct {
	return conduct{
		fn: fn, call: []any{fdFile},
		fds:    []descriptors{{0, badf, inval, inval, success, success}},
		rights: []right{{0, r, notcapable}},
		rows: []row{
			{name: "a preopen", args: []any{fdRoot}},
			{
				name: "a file open for reading", args: []any{7},
				setup: func(w *world) { w.openAs("f", justToRead|int(kernel.RightSync|kernel.RightDatasync)) },
			},
			{
				name: "a directory without the right", args: []any{fdDir}, want: notcapable,
				setup: func(w *world) { w.without(fdDir, r) },
			},
		},
	}
}

func upTo(last int) (all []int) {
	for i := range last + 1 {
		all = append(all, i)
	}
	return all
}

// moves, at, stays and same are effects.
func moves(n int) func(*world) {
	return func(w *world) { assert.EqualValues(w.t, n, w.moved(), "bytes moved") }
}

func at(offset int64) func(*world) {
	return func(w *world) {
		assert.EqualValues(w.t, offset, w.u64(res))
		w.must("fd_tell", fdFile, res)
		assert.EqualValues(w.t, offset, w.u64(res))
	}
}

func stays(w *world) {
	w.must("fd_tell", fdFile, res)
	assert.Zero(w.t, w.u64(res), "the offset")
}

func same(path string) func(*world) {
	return func(w *world) {
		before := map[string]string{"f": "0123456789", "g": "other"}
		assert.Equal(w.t, before[path], w.content(path))
	}
}

// vectorRows are the ways in which an iovec_array can be wrong. The array is the
// second parameter; what follows it is put before the result.
func vectorRows(fd int, middle ...any) []row {
	record := func(parts ...uint32) []byte {
		var b []byte
		for _, p := range parts {
			b = le.AppendUint32(b, p)
		}
		return b
	}
	args := func(array any, count int) []any {
		return append(append([]any{fd, array, count}, middle...), res)
	}
	rows := []row{
		{name: "part ends beyond memory", args: args(record(memorySize-3, 4), 1), want: fault},
		{name: "part begins beyond memory", args: args(record(memorySize, 1), 1), want: fault},
		{name: "part wraps", args: args(record(math.MaxUint32-1, 4), 1), want: fault},
		{name: "part is longer than memory", args: args(record(0, math.MaxUint32), 1), want: fault},
		{name: "part is of 2 GB", args: args(record(buffers, 1<<31), 1), want: fault},
		{name: "the second part is wrong", args: args(record(buffers, 2, memorySize, 1), 2), want: fault},
		{name: "lengths overflow", args: args(record(buffers, 2, 1<<31, 1<<31, 1<<31, 1<<31), 3), want: fault},
		{name: "empty part at the end of memory", args: args(record(memorySize, 0), 1), effect: moves(0)},
		{name: "array ends beyond memory", args: args(memorySize-8, 2), want: fault},
		{name: "array wraps", args: args(math.MaxUint32-7, 2), want: fault},
		{name: "too many parts", args: args(0, 1025), want: inval},
		{name: "count wraps", args: args(0, 1<<29+1), want: inval},
		{name: "no parts", args: args(0, 0), effect: moves(0)},
	}
	for i := range rows {
		r := &rows[i]
		effect := r.effect
		r.effect = func(w *world) {
			if effect != nil {
				effect(w)
			}
			stays(w)
			same("f")(w)
		}
	}
	return rows
}

// stamp is a time in nanoseconds.
const stamp = 1_000_000_000_000_000_007

// timesRows sets the times of path by every combination of $fstflags.
func timesRows(args func(flags int) []any, path string) []row {
	return each(upTo(15), func(flags int) row {
		r := row{name: fmt.Sprintf("flags %04b", flags), args: args(flags)}
		if flags&3 == 3 || flags&12 == 12 {
			r.want = inval
		}
		var before []uint64
		times := func(w *world) []uint64 {
			w.must("path_filestat_get", fdRoot, 0, path, res)
			return []uint64{w.u64(res + 40), w.u64(res + 48)}
		}
		r.setup = func(w *world) { before = times(w) }
		r.effect = func(w *world) {
			for i, now := range times(w) {
				switch {
				case r.want != success || flags>>(2*i)&3 == 0:
					assert.Equal(w.t, before[i], now, "left alone")
				case flags>>(2*i)&3 == 1:
					assert.EqualValues(w.t, stamp+7*i, now)
				default:
					assert.WithinDuration(w.t, time.Now(), time.Unix(0, int64(now)), time.Minute)
				}
			}
		}
		return r
	})
}

func allocateConduct() conduct {
	return conduct{
		fn: "fd_allocate", call: []any{fdFile, 0, 20},
		fds:    []descriptors{{0, badf, spipe, spipe, success, badf}},
		rights: []right{{0, kernel.RightAllocate, notcapable}},
		rows: []row{
			{
				name: "extends with zeros", args: []any{fdFile, 8, 4},
				effect: func(w *world) { assert.Equal(w.t, "0123456789\x00\x00", w.content("f")) },
			},
			{name: "never shortens", args: []any{fdFile, 0, 4}, effect: same("f")},
			{name: "nothing", args: []any{fdFile, 0, 0}, want: inval},
			{name: "offset is no offset", args: []any{fdFile, uint64(1 << 63), 1}, want: inval},
			{name: "length is no offset", args: []any{fdFile, 0, uint64(1 << 63)}, want: inval},
			{name: "beyond the last offset", args: []any{fdFile, math.MaxInt64, 1}, want: fbig, effect: same("f")},
			{
				name: "not open for writing", args: []any{7, 0, 20}, want: notcapable,
				setup: func(w *world) { w.openAs("f", justToRead) },
			},
		},
	}
}

func readdirConduct() conduct {
	return conduct{
		fn: "fd_readdir", call: []any{fdDir, area(200), 0, res},
		pointers: []pointer{toEach(1, 1, 2), to(4, 4)},
		fds:      []descriptors{{0, badf, notdir, notdir, notdir, success}},
		rights:   []right{{0, kernel.RightReaddir, notcapable}},
		rows: []row{
			{
				name: "types and inodes", args: []any{fdRoot, area(4000), 0, res},
				effect: func(w *world) {
					types := map[string]byte{}
					for _, e := range dirents(w.t, w.bytes(buffers, w.moved())) {
						types[e.name] = e.filetype
						if e.name == "." || e.name == ".." {
							continue
						}
						w.must("path_filestat_get", fdRoot, 0, e.name, res2)
						assert.Equal(w.t, w.u64(res2+8), e.ino, e.name)
					}
					assert.Equal(w.t, map[string]byte{
						".": 3, "..": 3, "d": 3, "dangling": 7, "empty": 3, "f": 4, "g": 4, "ld": 7, "lf": 7, "loop": 7, "up": 7,
					}, types)
				},
			},
			{name: "no room", args: []any{fdDir, area(0), 0, res}, effect: moves(0)},
			{name: "room for a part of a header", args: []any{fdDir, area(23), 0, res}, effect: moves(23)},
			{name: "room for a header", args: []any{fdDir, area(24), 0, res}, effect: moves(24)},
			{
				name: "a name cut off", args: []any{fdDir, area(26), 3, res},
				setup: func(w *world) { w.must("fd_readdir", fdDir, area(200), 0, res) },
				effect: func(w *world) {
					// Of ".", "..", "sub" and "x" the last is 25 bytes and the end.
					assert.EqualValues(w.t, 25, w.moved())
				},
			},
			{name: "a cookie at the end", args: []any{fdDir, area(200), 4, res}, effect: moves(0)},
			{name: "a cookie beyond the end", args: []any{fdDir, area(200), 5, res}, effect: moves(0)},
			{name: "no cookie at all", args: []any{fdDir, area(200), uint64(math.MaxUint64), res}, effect: moves(0)},
			{
				name: "a removed directory is empty", args: []any{7, area(200), 0, res},
				setup: func(w *world) {
					w.openAs("empty", dirRights)
					w.must("path_remove_directory", fdRoot, "empty")
				},
				effect: moves(0),
			},
			{
				name: "a renamed directory is the same", args: []any{fdDir, area(200), 0, res},
				setup: func(w *world) { w.must("path_rename", fdRoot, "d", fdRoot, "empty") },
				effect: func(w *world) {
					assert.Equal(w.t, ". .. sub x", strings.Join(names(dirents(w.t, w.bytes(buffers, w.moved()))), " "))
				},
			},
		},
	}
}

type dirent struct {
	next, ino uint64
	filetype  byte
	name      string
}

// dirents reads records. The last may be cut off.
func dirents(t require.TestingT, b []byte) (list []dirent) {
	for len(b) >= 24 {
		e := dirent{next: le.Uint64(b), ino: le.Uint64(b[8:]), filetype: b[20]}
		n := uint64(le.Uint32(b[16:]))
		require.LessOrEqual(t, n, uint64(1024), "a name's length")
		require.Equal(t, []byte{0, 0, 0}, b[21:24], "padding")
		if uint64(len(b)) < 24+n {
			break
		}
		e.name, b = string(b[24:24+n]), b[24+n:]
		list = append(list, e)
	}
	return list
}

func names(list []dirent) (names []string) {
	for _, e := range list {
		names = append(names, e.name)
	}
	return names
}
