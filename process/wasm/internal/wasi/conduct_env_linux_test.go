package wasi_test

import (
	"math"

	"github.com/stretchr/testify/assert"
)

// environmentConduct is of the functions that tell a guest what it was started
// with, and the time.
func environmentConduct() []conduct {
	clocks := []uint64{2, 3, 4, 1 << 31, math.MaxUint32}
	return []conduct{
		{
			fn: "args_get", call: []any{res, buffers},
			pointers: []pointer{to(0, 8), to(1, 7)},
			rows: []row{
				{
					name: "pointers lead to the strings", args: []any{res, buffers},
					effect: func(w *world) {
						assert.Equal(w.t, "prog\x00a\x00h", w.buf(8))
						assert.EqualValues(w.t, buffers, w.u32(res))
						assert.EqualValues(w.t, buffers+5, w.u32(res+4))
					},
				},
			},
		},
		{
			fn: "args_sizes_get", call: []any{res, res2},
			pointers: []pointer{to(0, 4), to(1, 4)},
			rows: []row{
				{
					name: "counts the NULs", args: []any{res, res2},
					effect: func(w *world) {
						assert.EqualValues(w.t, 2, w.u32(res))
						assert.EqualValues(w.t, 7, w.u32(res2))
					},
				},
			},
		},
		{fn: "environ_get", call: []any{res, buffers}, pointers: []pointer{to(0, 4), to(1, 4)}},
		{fn: "environ_sizes_get", call: []any{res, res2}, pointers: []pointer{to(0, 4), to(1, 4)}},
		{
			fn: "clock_res_get", call: []any{0, res},
			pointers: []pointer{to(1, 8)},
			rows: each(clocks, func(id uint64) row {
				return row{name: "no such clock", args: []any{id, res}, want: inval}
			}),
		},
		{
			fn: "clock_time_get", call: []any{1, 0, res},
			pointers: []pointer{to(2, 8)},
			rows: append(each(clocks, func(id uint64) row {
				return row{name: "no such clock", args: []any{id, 0, res}, want: inval}
			}), row{name: "any precision will do", args: []any{0, uint64(math.MaxUint64), res}}),
		},
	}
}
