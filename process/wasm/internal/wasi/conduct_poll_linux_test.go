package wasi_test

import (
	"math"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// Tags and flags of a subscription.
const (
	onClock  = 0
	onRead   = 1
	onWrite  = 2
	absolute = 1
)

// clockSub and fdSub make a $subscription.
func clockSub(userdata uint64, id uint32, timeout uint64, flags uint16) []byte {
	b := make([]byte, 48)
	le.PutUint64(b, userdata)
	le.PutUint32(b[16:], id)
	le.PutUint64(b[24:], timeout)
	le.PutUint64(b[32:], math.MaxUint64) // any precision
	le.PutUint16(b[40:], flags)
	return b
}

func fdSub(userdata uint64, tag byte, fd uint32) []byte {
	b := make([]byte, 48)
	le.PutUint64(b, userdata)
	b[8] = tag
	le.PutUint32(b[16:], fd)
	return b
}

// event is a $event.
type event struct {
	userdata uint64
	err      uint16
	tag      byte
	bytes    uint64
	hangup   bool
}

// poll makes the arguments of a call from subscriptions.
func poll(subs ...[]byte) []any {
	var all []byte
	for _, s := range subs {
		all = append(all, s...)
	}
	return []any{all, buffers, len(subs), res}
}

// tells checks the events of a call.
func tells(want ...event) func(*world) {
	return func(w *world) {
		require.EqualValues(w.t, len(want), w.moved(), "number of events")
		for i, e := range want {
			b := w.bytes(buffers+32*uint32(i), 32)
			got := event{le.Uint64(b), le.Uint16(b[8:]), b[10], le.Uint64(b[16:]), le.Uint16(b[24:]) == 1}
			assert.Equal(w.t, e, got, "event %d", i)
		}
	}
}

// pollConduct is of poll_oneoff. What is wrong with one subscription is told by its
// event, and the others are heard.
func pollConduct() []conduct {
	const never = math.MaxUint64
	return []conduct{{
		fn: "poll_oneoff", call: poll(clockSub(1, 0, 0, 0), fdSub(2, onWrite, fdStdout)),
		pointers: []pointer{toEach(0, 48, 2), toEach(1, 32, 2), to(3, 4)},
		rows: append([]row{
			{name: "nothing", args: []any{0, buffers, 0, res}, want: inval},
			{name: "more than there can be descriptors", args: []any{0, buffers, kernel.MaxSubscriptions + 1, res}, want: inval},
			{name: "far too much", args: []any{0, buffers, math.MaxUint32, res}, want: inval},
			{name: "beyond memory", args: []any{0, buffers, kernel.MaxSubscriptions, res}, want: fault},
			{
				name: "as much as there can be", args: []any{memorySize, 2 * memorySize, kernel.MaxSubscriptions, res},
				setup: func(w *world) {
					_, ok := w.mod.Memory().Grow(6)
					require.True(w.t, ok)
					w.mod.Memory().Write(memorySize, make([]byte, 48*kernel.MaxSubscriptions))
				},
				want: success, effect: moves(kernel.MaxSubscriptions),
			},
			{name: "unknown tag", args: poll(fdSub(1, 3, 0)), want: inval},
			{name: "unknown tag after others", args: poll(fdSub(1, onRead, fdFile), fdSub(1, 255, 0)), want: inval},
			{name: "unknown clock", args: poll(clockSub(7, 4, 0, 0)), effect: tells(event{7, inval, onClock, 0, false})},
			{name: "a clock that counts CPU time", args: poll(clockSub(7, 2, 0, 0)), effect: tells(event{7, inval, onClock, 0, false})},
			{name: "unknown clock flags", args: poll(clockSub(7, 0, 0, 2)), effect: tells(event{7, inval, onClock, 0, false})},
			{
				name: "an error does not wait", args: poll(clockSub(1, 1, never, 0), clockSub(7, 9, 0, 0)),
				effect: tells(event{7, inval, onClock, 0, false}),
			},
			{
				name: "the same userdata twice", args: poll(clockSub(7, 0, 0, 0), clockSub(7, 1, 0, 0)),
				effect: tells(event{userdata: 7}, event{userdata: 7}),
			},
			{
				name: "the earlier clock", args: poll(clockSub(1, 1, never, 0), clockSub(2, 0, 1000, 0)),
				effect: tells(event{userdata: 2}),
			},
			{name: "absolute, long ago", args: poll(clockSub(1, 0, 1, absolute), clockSub(2, 1, 1, absolute)), effect: tells(event{userdata: 1}, event{userdata: 2})},
			{
				name: "absolute, long after", args: poll(clockSub(1, 0, never, absolute), clockSub(2, 1, never, absolute), fdSub(3, onWrite, fdStdout)),
				effect: tells(event{userdata: 3, tag: onWrite, bytes: 65536}),
			},
			{name: "a file to read", args: poll(fdSub(1, onRead, fdFile)), effect: tells(event{userdata: 1, tag: onRead, bytes: 10})},
			{
				name: "a file at its end", args: poll(fdSub(1, onRead, fdFile)),
				setup:  func(w *world) { w.must("fd_seek", fdFile, 1<<40, 0, res) },
				effect: tells(event{userdata: 1, tag: onRead}),
			},
			{name: "a file to write", args: poll(fdSub(1, onWrite, fdFile)), effect: tells(event{userdata: 1, tag: onWrite})},
			{
				name: "a file both ways", args: poll(fdSub(1, onRead, fdFile), fdSub(1, onWrite, fdFile)),
				effect: tells(event{userdata: 1, tag: onRead, bytes: 10}, event{userdata: 1, tag: onWrite}),
			},
			{
				name: "a file opened for reading, to write", args: poll(fdSub(1, onWrite, 7)),
				setup:  func(w *world) { w.openAs("f", justToRead|int(kernel.RightPoll)) },
				effect: tells(event{userdata: 1, tag: onWrite, err: badf}),
			},
			{
				name: "without the right to poll", args: poll(fdSub(1, onRead, fdFile)),
				setup:  func(w *world) { w.without(fdFile, kernel.RightPoll) },
				effect: tells(event{userdata: 1, tag: onRead, err: notcapable}),
			},
			{
				name: "without the right to read", args: poll(fdSub(1, onRead, fdFile)),
				setup:  func(w *world) { w.without(fdFile, kernel.RightRead) },
				effect: tells(event{userdata: 1, tag: onRead, err: badf}),
			},
			{name: "a directory", args: poll(fdSub(1, onRead, fdDir)), effect: tells(event{userdata: 1, tag: onRead, err: notcapable})},
			{name: "no descriptor", args: poll(fdSub(1, onWrite, fdNone)), effect: tells(event{userdata: 1, tag: onWrite, err: badf})},
			{name: "stdin to write", args: poll(fdSub(1, onWrite, fdStdin)), effect: tells(event{userdata: 1, tag: onWrite, err: badf})},
			{name: "stdout to read", args: poll(fdSub(1, onRead, fdStdout)), effect: tells(event{userdata: 1, tag: onRead, err: badf})},
			{name: "stdin", args: poll(fdSub(1, onRead, fdStdin)), effect: tells(event{userdata: 1, tag: onRead, bytes: 5})},
			{
				name: "stdin twice", args: poll(fdSub(1, onRead, fdStdin), fdSub(2, onRead, fdStdin)),
				effect: tells(event{userdata: 1, tag: onRead, bytes: 5}, event{userdata: 2, tag: onRead, bytes: 5}),
			},
			{
				name: "stdin at its end", args: poll(clockSub(2, 1, never, 0), fdSub(1, onRead, fdStdin)),
				setup: func(w *world) {
					w.must("fd_read", fdStdin, iov{9}, res)
					w.must("fd_read", fdStdin, iov{9}, res)
				},
				effect: tells(event{userdata: 1, tag: onRead, hangup: true}),
			},
		}, append(each([]uint32{0, 1}, func(id uint32) row {
			var began time.Time
			return row{
				name: "waits on clock", args: poll(clockSub(1, id, 2_000_000, 0)),
				setup: func(*world) { began = time.Now() },
				effect: func(w *world) {
					assert.GreaterOrEqual(w.t, time.Since(began), 2*time.Millisecond)
					tells(event{userdata: 1})(w)
				},
			}
		}), each([]uint32{0, 1}, func(id uint32) row {
			return row{
				name: "absolute on clock", args: poll(clockSub(1, id, 0, absolute)),
				effect: func(w *world) {
					w.must("clock_time_get", int(id), 0, res)
					until := w.u64(res) + 2_000_000
					w.must("poll_oneoff", poll(clockSub(1, id, until, absolute))...)
					w.must("clock_time_get", int(id), 0, res)
					assert.GreaterOrEqual(w.t, w.u64(res), until)
				},
			}
		})...)...),
	}}
}
