package wasm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/binary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// hostile guests never end by themselves: they compute, wait, flood, or ask for what
// they do not get.
var hostile = append([]string{"flood", "makefiles", "denied", "growing", "spinpoll", "bulk"}, endless...)

// waiting are those who are blocked in a call, and so use no fuel.
var waiting = []string{"cat", "sleep", "poll"}

// bulk calls itself twice in each of a hundred, after 5000 fills of a page each in a row.
func bulk() ([]byte, error) {
	const fill, callLess = "\x41\x00\x41\x00\x41\x80\x80\x04\xfc\x0b\x00", "\x20\x00\x41\x01\x6b\x10\x00"
	tree := append(append([]byte{0}, times(5000, fill)...), "\x20\x00\x04\x40"+callLess+callLess+"\x0b\x0b"...)
	return assemble().
		section(sectionType, 2, []byte("\x60\x00\x00"), []byte("\x60\x01\x7f\x00")).
		section(sectionFunction, 2, []byte{1, 0}).
		section(sectionMemory, 1, []byte{0, 1}).
		section(sectionExport, 1, []byte("\x06_start\x00\x01")).
		section(sectionCode, 2, binary.AppendBytes(nil, tree), []byte("\x07\x00\x41\xe4\x00\x10\x00\x0b")), nil
}

func newHostileExecutor(t testing.TB) *Executor {
	t.Helper()
	return newExecutorOn(t, fs.Memory(), WithModulePath(computers), WithPrograms(Program{Name: "bulk", Module: bulk}))
}

// startHostile starts a guest, to be ended in that way.
func startHostile(t testing.TB, e *Executor, command, way string) process.Instance {
	t.Helper()
	s, ctx := spec(command), t.Context()
	s.Stdin, _ = pipe(t)
	s.Limits = process.Limits{Memory: 80 << 20, Created: 1000, Descriptors: 100}
	s.Denied = func(*process.DeniedError) {}
	switch way {
	case "deadline":
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, 50*time.Millisecond, process.ErrTimeout)
		t.Cleanup(cancel)
	case "fuel":
		s.Limits.Fuel = hostileFuel
	}
	i, err := e.Start(ctx, s)
	require.NoError(t, err)
	return i
}

const hostileFuel = 100_000

// assertEnded is what every hostile guest's end is told as, whatever it did.
func assertEnded(t testing.TB, exit process.Exit, way string) {
	t.Helper()
	if way == "fuel" {
		assertOutOfFuel(t, hostileFuel, exit)
		return
	}
	assert.Equal(t, 137, exit.Code)
	assert.ErrorIs(t, exit.Reason, map[string]error{"deadline": process.ErrTimeout, "kill": process.ErrKilled}[way])
}

const honestAnswer = "264037393\n"

// honest runs guests whose answers are known, and says so if they are others.
func honest(t testing.TB, e *Executor) {
	t.Helper()
	var out output
	s := spec("compute", "sha", "1000")
	s.Stdout = &out
	exit := finish(t, e, s)
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason)
	assert.Equal(t, honestAnswer, out.String())

	var copied output
	lines := strings.Repeat("line\r\n\x00\xff\xfe", 10_000)
	s = spec("cat")
	s.Stdin, s.Stdout = io.NopCloser(bytes.NewReader([]byte(lines))), &copied
	exit = finish(t, e, s)
	assert.Equal(t, 0, exit.Code)
	assert.NoError(t, exit.Reason)
	assert.True(t, copied.String() == lines)
}

// Not parallel: it counts goroutines and descriptors.
func TestHostileGuestsEndAlikeHoweverAndHarmNobodyBesideThem(t *testing.T) {
	e := newHostileExecutor(t)
	honest(t, e)
	for _, command := range hostile { // so that compiling does not count below
		i := startHostile(t, e, command, "kill")
		require.NoError(t, i.Signal(process.SIGKILL))
		_, _ = i.Wait()
	}
	before := descriptors(t)
	present := goleak.IgnoreCurrent()
	for _, command := range hostile {
		for _, way := range []string{"deadline", "kill", "fuel"} {
			if way == "fuel" && slices.Contains(waiting, command) {
				continue
			}
			t.Run(command+"/"+way, func(t *testing.T) {
				var guests []process.Instance
				for range 2 * runtime.GOMAXPROCS(0) {
					guests = append(guests, startHostile(t, e, command, way))
				}
				honest(t, e)
				for _, g := range guests {
					if way == "kill" {
						require.NoError(t, g.Signal(process.SIGKILL))
					}
					exit, err := g.Wait()
					require.NoError(t, err)
					assertEnded(t, exit, way)
				}
				honest(t, e)
			})
		}
	}
	assert.LessOrEqual(t, descriptors(t), before)
	goleak.VerifyNone(t, present)
}

// A deadline and fuel that are not used up leave a guest's own end alone, even one
// that looks like theirs.
func TestAnEndOfTheGuestsOwnIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	e := newHostileExecutor(t)
	for run, want := range map[string]int{
		"exit 4294967295": -1, "exit 256": 256, "exit 124": 124, "exit 137": 137, "exit 134": 134, "recurse": 134, "unreachable": 134,
	} {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, process.ErrTimeout)
			defer cancel()
			args := strings.Fields(run)
			i, err := e.Start(ctx, fuelled(1_000_000_000, args[0], args[1:]...))
			require.NoError(t, err)
			exit, err := i.Wait()
			require.NoError(t, err)
			assert.Equal(t, want, exit.Code)
			if args[0] == "exit" {
				assert.NoError(t, exit.Reason)
				return
			}
			_, ok := errors.AsType[*process.TrapError](exit.Reason)
			assert.True(t, ok, "reason is %v", exit.Reason)
		})
	}
}

// Whoever is told of a refusal may end the guest then, from within its call.
func TestAGuestIsEndedByWhomItsRefusalsAreTold(t *testing.T) {
	t.Parallel()
	e := newHostileExecutor(t)
	for command, op := range map[string]string{"makefiles": "open", "denied": "symlink"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			s := spec(command)
			s.Limits.Created = 10
			s.Denied = func(d *process.DeniedError) { cancel(d) }
			i, err := e.Start(ctx, s)
			require.NoError(t, err)
			exit, err := i.Wait()
			require.NoError(t, err)
			assert.Equal(t, 137, exit.Code)
			denied, ok := errors.AsType[*process.DeniedError](exit.Reason)
			require.True(t, ok, "reason is %v", exit.Reason)
			assert.Equal(t, op, denied.Op)
		})
	}
}
