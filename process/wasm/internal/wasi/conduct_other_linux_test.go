package wasi_test

import (
	"math"

	"github.com/stretchr/testify/assert"
)

// otherConduct is of the functions that are about no file: processes, entropy and
// sockets, of which there are none. proc_exit, which does not return, has a test of
// its own.
func otherConduct() []conduct {
	socket := []descriptors{{0, badf, notsock, notsock, notsock, notsock}}
	return []conduct{
		{fn: "proc_exit"},
		{
			fn: "proc_raise", call: []any{0},
			flags: []flagBits{{0, 31}},
			rows: append(each([]int{16, 17, 22, 27}, func(sig int) row {
				return row{name: "ignored by default", args: []any{sig}}
			}), each([]int{18, 19, 20, 21}, func(sig int) row {
				return row{name: "would stop", args: []any{sig}, want: notsup}
			})...),
		},
		{fn: "sched_yield", call: []any{}},
		{
			fn: "random_get", call: []any{area(16)},
			pointers: []pointer{toEach(0, 1, 1)},
			rows: []row{
				{
					name: "fills the buffer and no more", args: []any{area(64)},
					effect: func(w *world) {
						assert.NotEqual(w.t, (filler + filler + filler)[:64], w.buf(64))
						assert.Equal(w.t, (filler + filler + filler)[64:], string(w.bytes(buffers+64, 14)))
					},
				},
				{name: "nothing", args: []any{memorySize, 0}},
				{name: "more than there is", args: []any{0, math.MaxUint32}, want: fault},
			},
		},
		{fn: "sock_accept", call: []any{fdFile, 0, res}, answer: notsock, fds: socket},
		{fn: "sock_recv", call: []any{fdFile, iov{4}, 0, res, res2}, answer: notsock, fds: socket},
		{fn: "sock_send", call: []any{fdFile, iov{4}, 0, res}, answer: notsock, fds: socket},
		{
			fn: "sock_shutdown", call: []any{fdFile, 1}, answer: notsock, fds: socket,
			rows: append(each([]uint64{0, 4, 1 << 8, math.MaxUint32}, func(how uint64) row {
				return row{name: "how", args: []any{fdFile, how}, want: inval}
			}), each([]int{1, 2, 3}, func(how int) row {
				return row{name: "how", args: []any{fdFile, how}, want: notsock}
			})...),
		},
	}
}
