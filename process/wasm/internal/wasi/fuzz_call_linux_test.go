package wasi_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// maxAllocated is how much a single call may allocate: the subscriptions and
// events of a full poll_oneoff, and the listing of a small directory.
const maxAllocated = 4 << 20

// maxCalls is how many calls one input makes.
const maxCalls = 40

// FuzzCall makes sequences of calls. Most begin as calls that are right, of the
// tables of TestConduct, and are then made wrong, so they open, close and renumber
// descriptors that later calls find. Whatever is called, nothing may panic, the
// file outside must stay as it was and unread, and no call may allocate without
// bound.
func FuzzCall(f *testing.F) {
	calls := allCalls()
	for i := range calls {
		f.Add([]byte{byte(i), 0})                    // as it is
		f.Add([]byte{byte(i), 1, 0, 3, 7, 1, 1, 4})  // with something wrong
		f.Add([]byte{34, 0, byte(i), 0, byte(i), 1}) // after others
	}
	addNoise(f)
	h := newHost(f)
	f.Fuzz(func(t *testing.T, data []byte) { play(t, h, calls, data, nil) })
}

// TestTheSeedsOfTheFuzzTestCallEveryFunction keeps the fuzz test from going blind.
func TestTheSeedsOfTheFuzzTestCallEveryFunction(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	calls := allCalls()
	seen := map[string][]int{}
	for i := range calls {
		play(t, h, calls, []byte{byte(i), 0}, func(fn string, errno int) { seen[fn] = append(seen[fn], errno) })
	}
	for _, c := range calls {
		if c.fn != "proc_exit" {
			assert.Equal(t, []int{c.answer}, seen[c.fn], c.fn)
		}
	}
	assert.Len(t, seen, len(calls)-1)
}

// allCalls are the tables, in an order that an input can rely on.
func allCalls() []conduct {
	all := slices.Concat(environmentConduct(), fdConduct(), pathConduct(), pollConduct(), otherConduct())
	for i := range all {
		if all[i].fn == "proc_exit" {
			all[i].call = []any{3}
		}
	}
	return all
}

// addNoise adds inputs that are long enough to meet most of what a fuzz test does.
func addNoise(f *testing.F) {
	for seed := range byte(16) {
		noise := make([]byte, 2048)
		rand.NewChaCha8([32]byte{seed}).Read(noise)
		f.Add(noise)
	}
}

// dice answers questions from the bytes of an input; when they are used up, by 0.
type dice struct{ data []byte }

func (d *dice) done() bool { return len(d.data) == 0 }

func (d *dice) below(n int) int {
	if d.done() {
		return 0
	}
	v := int(d.data[0])
	d.data = d.data[1:]
	if n > 256 && !d.done() {
		v = v<<8 | int(d.data[0])
		d.data = d.data[1:]
	}
	return v % n
}

// take cuts up to n bytes off.
func (d *dice) take(n int) []byte {
	n = min(n, len(d.data))
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

// number makes numbers that are descriptors, places, edges or anything.
func (d *dice) number() uint64 {
	edges := []uint64{0, 1, memorySize - 1, memorySize, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	switch d.below(5) {
	case 0:
		return uint64(d.below(16))
	case 1:
		return edges[d.below(len(edges))]
	case 2:
		return inputs + uint64(d.below(1024))
	case 3:
		return uint64(d.below(memorySize>>1)) << 1
	}
	var b [8]byte
	copy(b[:], d.take(8))
	return le.Uint64(b[:])
}

// play makes the calls of one input.
func play(t testing.TB, h *host, calls []conduct, data []byte, saw func(fn string, errno int)) {
	w := newWorld(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	stop := context.AfterFunc(ctx, w.stop)
	defer stop()
	d := &dice{data}
	for range maxCalls {
		if d.done() {
			break
		}
		w.reset()
		c := calls[d.below(len(calls))]
		args := w.lower(c.call)
		if d.below(2) == 1 {
			w.spoil(d, args)
		}
		if c.fn == "fd_allocate" {
			args[2] &= 1<<16 - 1 // room on a real disk
		}
		before := allocated()
		errno, ended := w.try(c.fn, args)
		if ended {
			return
		}
		if grown := allocated() - before; grown > maxAllocated {
			t.Fatalf("%s%x allocated %d bytes", c.fn, args, grown)
		}
		w.unharmed()
		if saw != nil {
			saw(c.fn, errno)
		}
	}
}

// spoil changes parameters, and the memory that they may point to.
func (w *world) spoil(d *dice, args []uint64) {
	for range d.below(4) {
		if len(args) > 0 {
			args[d.below(len(args))] = d.number()
		}
	}
	if d.below(2) == 1 {
		at := uint32(d.number())
		w.mod.Memory().Write(at, d.take(d.below(64)))
	}
	if d.below(4) == 1 {
		w.put(inputs, []string{"../secret", "up", "d/../../secret", "loop", "ld/../../../root/../secret", "/secret"}[d.below(6)])
	}
}

// try makes a call, and reports whether the guest is at its end. A panic in the
// host comes back as an error that is no exit.
func (w *world) try(fn string, args []uint64) (errno int, ended bool) {
	r, err := w.mod.ExportedFunction(fn).Call(w.ctx, args...)
	if _, exit := errors.AsType[*sys.ExitError](err); exit {
		return 0, true
	}
	require.NoError(w.t, err, fmt.Sprintf("%s%x", fn, args))
	errno = int(uint32(r[0]))
	require.LessOrEqual(w.t, errno, notcapable, fmt.Sprintf("%s%x", fn, args))
	return errno, false
}

// allocated is how much this process has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// exported lists the functions of a module by name.
func exported(m api.Module) []string {
	var names []string
	for name := range m.ExportedFunctionDefinitions() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
