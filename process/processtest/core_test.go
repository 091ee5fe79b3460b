package processtest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/native"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC)

// hermetic is the backend that these tests use: time and chance are the test's.
func hermetic(clock *wasm.Clock) func(*core.Core) core.Result {
	return wasm.RegisterWith(wasm.WithClock(clock), wasm.WithSeed(1), wasm.WithFallback(userland.Programs()...))
}

func output(t testing.TB, c *core.Core, spec process.Spec) string {
	t.Helper()
	out, err := process.For(c).Run(t.Context(), spec)
	require.NoError(t, err)
	return string(out.Stdout)
}

func TestACoreComesOutTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for range 2 {
		clock := wasm.NewClock(noon)
		files := processtest.Fixture(t, "-- b --\ntext\n-- a/c --\n", fs.WithClock(clock.Now))
		c := processtest.Core(t, files, hermetic(clock))
		assert.Equal(t, "2030-05-06T12:00:00+00:00\n", output(t, c, process.Spec{Command: "date", Args: []string{"-Iseconds"}}))
		clock.Advance(90 * time.Minute)
		output(t, c, process.Spec{Command: "touch", Args: []string{"new"}})
		assert.Equal(t, ""+
			"./a/c 2030-05-06 12:00:00.000000000 +0000\n"+
			"./b 2030-05-06 12:00:00.000000000 +0000\n"+
			"./new 2030-05-06 13:30:00.000000000 +0000\n",
			output(t, c, process.Spec{Command: "stat", Args: []string{"-c", "%n %y", "./a/c", "./b", "./new"}}))
		assert.Empty(t, output(t, c, process.Spec{Command: "env"}))
	}
}

func TestASleepInACoreLastsUntilTheTestMovesTheClock(t *testing.T) {
	t.Parallel()
	clock := wasm.NewClock(noon)
	c := processtest.Core(t, fs.Memory(), hermetic(clock))
	h, err := process.For(c).Start(t.Context(), process.Spec{Command: "sleep", Args: []string{"3600"}})
	require.NoError(t, err)
	require.NoError(t, clock.BlockUntil(t.Context(), 1))
	clock.Advance(time.Hour)
	exit, err := h.Wait(t.Context())
	require.NoError(t, err)
	assert.Zero(t, exit.Code)
}

func TestASleepOnASkippingClockTakesNoTime(t *testing.T) {
	t.Parallel()
	clock := wasm.NewSkippingClock(noon)
	c := processtest.Core(t, fs.Memory(), hermetic(clock))
	output(t, c, process.Spec{Command: "sleep", Args: []string{"86400"}})
	assert.Equal(t, noon.Add(24*time.Hour), clock.Now())
}

func TestADeadlineIsMetOnAClockThatStandsStill(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"on the host": 50 * time.Millisecond, "in a bubble": 24 * time.Hour} {
		test := func(t *testing.T) {
			clock := wasm.NewClock(noon)
			c := processtest.Core(t, fs.Memory(), hermetic(clock))
			_, err := process.For(c).Run(t.Context(), process.Spec{Command: "sleep", Args: []string{"3600"}, Timeout: wait})
			assert.ErrorIs(t, err, process.ErrTimeout)
			assert.Equal(t, noon, clock.Now())
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if wait > time.Second {
				synctest.Test(t, test)
			} else {
				test(t)
			}
		})
	}
}

func TestACoreOverAnOverlayChangesNothing(t *testing.T) {
	t.Parallel()
	base := processtest.Fixture(t, "-- file --\nold\n")
	layer, err := fs.Overlay(base)
	require.NoError(t, err)
	c := processtest.Core(t, layer.Fs, hermetic(wasm.NewClock(noon)))
	output(t, c, process.Spec{Command: "sed", Args: []string{"-i", "s/old/new/", "file"}})
	assert.Equal(t, "-- file --\nnew\n", processtest.Tree(t, layer.Fs))
	assert.Equal(t, "-- file --\nold\n", processtest.Tree(t, base))
}

func TestACoreFailsATestThatLeavesAProcessRunning(t *testing.T) {
	t.Parallel()
	said := failing(t, func(tb testing.TB) {
		c := processtest.Core(tb, fs.Memory(), hermetic(wasm.NewClock(noon)))
		_, err := process.For(c).Start(t.Context(), process.Spec{Command: "sleep", Args: []string{"3600"}})
		require.NoError(t, err)
	})
	assert.Equal(t, "sleep [\"3600\"] was left running: await it, kill it, or shut the Core down\n", said)
}

func TestACoreThatIsShutDownHasNothingLeft(t *testing.T) {
	t.Parallel()
	c := processtest.Core(t, fs.Memory(), hermetic(wasm.NewClock(noon)))
	_, err := process.For(c).Start(t.Context(), process.Spec{Command: "sleep", Args: []string{"3600"}})
	require.NoError(t, err)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

func TestACoreFailsATestThatRunsNatively(t *testing.T) {
	t.Parallel()
	f, err := fs.New(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	program, _ := processtest.Build(t)
	said := failing(t, func(tb testing.TB) {
		c := processtest.Core(tb, f.NewUnrestricted(), native.Register)
		output(t, c, process.Spec{Command: program, Args: []string{"nothing"}})
	})
	assert.True(t, strings.HasSuffix(said, "ran natively: a test that must not depend on the machine has no native backend\n"), said)
}

func TestACoreThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	said := failing(t, func(tb testing.TB) {
		processtest.Core(tb, fs.Memory(), wasm.RegisterWith(wasm.WithMemoryLimit(1)))
	})
	assert.Contains(t, said, "the Core does not start: ")
	assert.Contains(t, said, "give a guest at least 65536 bytes")
}
