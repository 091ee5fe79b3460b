package wasm

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2030, 5, 6, 12, 0, 0, 7, time.UTC)

// reading is what the guest clock saw.
type reading struct {
	wall      time.Time
	monotonic time.Duration
}

func readings(o *output) (all []reading) {
	for b := []byte(o.String()); len(b) >= 16; b = b[16:] {
		wall, monotonic := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		all = append(all, reading{time.Unix(0, int64(wall)).UTC(), time.Duration(monotonic)})
	}
	return all
}

func startClock(t testing.TB, e *Executor) (process.Instance, *output) {
	t.Helper()
	var out output
	s := spec("clock")
	s.Stdout = &out
	i, err := e.Start(t.Context(), s)
	require.NoError(t, err)
	return i, &out
}

func TestAGuestSleepsUntilTheClockIsAdvanced(t *testing.T) {
	t.Parallel()
	c := NewClock(noon)
	i, out := startClock(t, newExecutor(t, WithClock(c)))
	require.NoError(t, c.BlockUntil(t.Context(), 1))
	c.Advance(59 * time.Minute)
	require.NoError(t, c.BlockUntil(t.Context(), 1), "it still sleeps")
	assert.Len(t, readings(out), 1)
	c.Advance(time.Minute)
	exit, err := i.Wait()
	require.NoError(t, err)
	assert.Zero(t, exit.Code)
	assert.Equal(t, []reading{{noon, time.Second}, {noon.Add(time.Hour), time.Second + time.Hour}}, readings(out))
	assert.Equal(t, noon.Add(time.Hour), c.Now())
}

func TestASleeperOnAClockThatStandsIsKilled(t *testing.T) {
	t.Parallel()
	c := NewClock(noon)
	e := newExecutor(t, WithClock(c))
	i, _ := startClock(t, e)
	require.NoError(t, c.BlockUntil(t.Context(), 1))
	require.NoError(t, i.Signal(process.SIGKILL))
	exit, err := i.Wait()
	require.NoError(t, err)
	assert.Equal(t, 137, exit.Code)
	assert.Empty(t, c.sleepers, "it does not wait any more")
}

func TestASkippingClockIsTakenToTheEndOfASleep(t *testing.T) {
	t.Parallel()
	c := NewSkippingClock(noon)
	e := newExecutor(t, WithClock(c))
	for n := range 3 {
		i, out := startClock(t, e)
		exit, err := i.Wait()
		require.NoError(t, err)
		assert.Zero(t, exit.Code)
		before, after := time.Duration(n)*time.Hour, time.Duration(n+1)*time.Hour
		assert.Equal(t, []reading{
			{noon.Add(before), time.Second + before}, {noon.Add(after), time.Second + after},
		}, readings(out))
	}
}

func TestASkippingClockWakesThoseWhoWaitForLess(t *testing.T) {
	t.Parallel()
	c := guestClock{NewSkippingClock(noon)}
	c.mu.Lock()
	woken, _ := c.sleep(time.Hour)
	asleep, stop := c.sleep(time.Hour + 1)
	c.mu.Unlock()
	c.Until(firstTick+time.Hour, true)
	assert.Len(t, woken, 1)
	assert.Empty(t, asleep)
	assert.True(t, stop())
}

func TestAWaitForInputIsNotSkipped(t *testing.T) {
	t.Parallel()
	wait := []kernel.Subscription{{Kind: kernel.EventRead}, {Timeout: uint64(time.Hour)}}
	for name, test := range map[string]struct {
		input time.Duration // after
		want  kernel.Event
		moved time.Duration
	}{
		"input comes in time": {time.Minute, kernel.Event{Kind: kernel.EventRead, Bytes: 1}, 0},
		"input comes late":    {2 * time.Hour, kernel.Event{Kind: kernel.EventClock}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				c := NewSkippingClock(noon)
				p, err := kernel.New(t.Context(), kernel.Config{Stdin: r, Clock: guestClock{c}})
				require.NoError(t, err)
				defer p.Close()
				late := time.AfterFunc(test.input, func() { _, _ = w.Write([]byte("x")) })
				defer late.Stop()
				began := time.Now()
				events, err := p.Poll(wait, nil)
				require.NoError(t, err)
				assert.Equal(t, []kernel.Event{test.want}, events)
				assert.Equal(t, min(test.input, time.Hour), time.Since(began))
				assert.Equal(t, noon.Add(test.moved), c.Now())
			})
		})
	}
}

func TestEveryKindOfTimeoutEndsWhenTheClockComesToIt(t *testing.T) {
	t.Parallel()
	const minute = uint64(time.Minute)
	for name, sub := range map[string]kernel.Subscription{
		"relative":           {Timeout: minute},
		"relative, wall":     {Timeout: minute, Wall: true},
		"absolute wall":      {Timeout: uint64(noon.UnixNano()) + minute, Absolute: true, Wall: true},
		"absolute monotonic": {Timeout: uint64(firstTick) + minute, Absolute: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := NewClock(noon)
				p, err := kernel.New(t.Context(), kernel.Config{Clock: guestClock{c}})
				require.NoError(t, err)
				defer p.Close()
				done := make(chan error, 1)
				go func() {
					_, err := p.Poll([]kernel.Subscription{sub, {Timeout: 1 << 63}}, nil)
					done <- err
				}()
				synctest.Wait()
				c.Advance(time.Minute - 1)
				synctest.Wait()
				assert.Empty(t, done)
				c.Advance(1)
				require.NoError(t, <-done)
			})
		})
	}
}

// Between a guest's look at the clock and its sleep, the clock may move.
func TestNoAdvanceIsMissed(t *testing.T) {
	t.Parallel()
	for range 1000 {
		c := NewClock(noon)
		p, err := kernel.New(t.Context(), kernel.Config{Clock: guestClock{c}})
		require.NoError(t, err)
		at := uint64(noon.Add(time.Minute).UnixNano())
		go c.Advance(time.Minute)
		_, err = p.Poll([]kernel.Subscription{{Timeout: at, Absolute: true, Wall: true}}, nil)
		require.NoError(t, err)
		p.Close()
	}
}

func TestTimeDoesNotGoBack(t *testing.T) {
	t.Parallel()
	c := NewClock(noon)
	c.Advance(-time.Hour)
	assert.Equal(t, noon, c.Now())
}

func TestBlockUntilEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	assert.ErrorIs(t, NewClock(noon).BlockUntil(ctx, 1), cause)
	assert.NoError(t, NewClock(noon).BlockUntil(ctx, 0))
}

func random(t testing.TB, e *Executor) string {
	t.Helper()
	var out output
	s := spec("random")
	s.Stdout = &out
	require.Zero(t, finish(t, e, s).Code)
	require.Len(t, out.String(), 16)
	return hex.EncodeToString([]byte(out.String()))
}

func TestASeedGivesEveryGuestTheSameRandomBytes(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, WithSeed(42))
	// What ChaCha8 gives for the key 42, 0, 0...: a change would break what others have recorded.
	const want = "22301fb8d82978daf007b05614969f34"
	assert.Equal(t, want, random(t, e))
	assert.Equal(t, want, random(t, e), "a second guest")
	assert.NotEqual(t, want, random(t, newExecutor(t, WithSeed(43))))
}

func TestWithoutASeedNoGuestGetsTheSameRandomBytes(t *testing.T) {
	t.Parallel()
	e := newExecutor(t)
	assert.NotEqual(t, random(t, e), random(t, e))
}
