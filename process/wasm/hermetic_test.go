package wasm

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTimeOfAHermeticGuestPassesByWhatItDoes(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, WithHermetic(7, noon))
	for range 2 { // each guest has a time of its own
		i, out := startClock(t, e)
		exit, err := i.Wait()
		require.NoError(t, err)
		assert.Zero(t, exit.Code)
		got := readings(out)
		require.Len(t, got, 2)
		assert.Equal(t, reading{noon.Add(lookCost), time.Second + 2*lookCost}, got[0])
		assert.Equal(t, time.Hour, got[1].wall.Sub(got[0].wall).Truncate(time.Second))
		assert.Equal(t, got[1].wall.Sub(noon)+time.Second+lookCost, got[1].monotonic)
	}
}

func TestAHermeticGuestThatWaitsByLookingComesToAnEnd(t *testing.T) {
	t.Parallel()
	c := newCountedClock(noon)
	for began := c.Monotonic(); c.Monotonic()-began < time.Second; {
		continue
	}
	assert.WithinDuration(t, noon.Add(time.Second), c.Now(), time.Millisecond)
}

// What chance shows is different each time that it runs anywhere else.
func TestHermeticGuestsDoTheSameThoughManyRunAtOnce(t *testing.T) {
	t.Parallel()
	_, file := processtest.Build(t)
	e := newExecutor(t, WithHermetic(7, noon), WithPrograms(Program{Name: "prog", Module: func() ([]byte, error) { return os.ReadFile(file) }}))
	var outs [8]output
	var all sync.WaitGroup
	for n := range outs {
		all.Go(func() {
			fsys, dir := hostFs(t)
			write(t, dir, "f", []byte("text"))
			when := time.Unix(int64(n), 0)
			assert.NoError(t, os.Chtimes(filepath.Join(dir, "f"), when, when))
			s := spec("prog", "chance")
			s.Stdout = &outs[n]
			s.Mounts = []process.Mount{{Fs: fsys, Target: "/"}}
			assert.Zero(t, finish(t, e, s).Code)
		})
	}
	all.Wait()
	for n := range outs {
		assert.Equal(t, outs[0].String(), outs[n].String())
	}
	assert.Contains(t, outs[0].String(), "2030-05-06")
}
