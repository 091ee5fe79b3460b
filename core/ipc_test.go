package core_test

import (
	"errors"
	"io"
	"sync"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type ping struct{ n int }

func TestABroadcastReachesEveryHandlerInOrderWhateverFails(t *testing.T) {
	t.Parallel()
	c := core.New()
	var got []string
	hear := func(name string, r core.Result) func(*core.Core, core.Message) core.Result {
		return func(from *core.Core, m core.Message) core.Result {
			assert.Same(t, c, from)
			assert.Equal(t, ping{1}, m)
			got = append(got, name)
			return r
		}
	}
	c.RegisterAction(hear("a", core.Fail(io.EOF)))
	c.RegisterAction(func(*core.Core, core.Message) core.Result { panic(io.ErrNoProgress) })
	c.RegisterAction(hear("b", core.Ok(nil)))
	c.RegisterAction(hear("c", core.Fail(io.ErrShortWrite)))

	err := c.ACTION(ping{1}).Err()
	assert.Equal(t, []string{"a", "b", "c"}, got)
	assert.ErrorIs(t, err, io.EOF)
	assert.ErrorIs(t, err, io.ErrShortWrite)
	var caught *core.PanicError
	require.ErrorAs(t, err, &caught)
	assert.Equal(t, `handler of message core_test.ping`, caught.Where)
}

func TestABroadcastThatNobodyHearsIsFine(t *testing.T) {
	t.Parallel()
	assert.NoError(t, core.New().ACTION(ping{}).Err())
}

func TestAHandlerTakenOffHearsNothingMore(t *testing.T) {
	t.Parallel()
	c := core.New()
	var heard [2]int
	stop := c.RegisterAction(func(*core.Core, core.Message) core.Result { heard[0]++; return core.Ok(nil) })
	c.RegisterAction(func(*core.Core, core.Message) core.Result { heard[1]++; return core.Ok(nil) })
	c.ACTION(ping{})
	stop()
	stop()
	c.ACTION(ping{})
	assert.Equal(t, [2]int{1, 2}, heard)

	stop = c.RegisterQuery(func(*core.Core, core.Query) core.Result { return core.Ok(1) })
	stop()
	assert.Error(t, c.QUERY(ping{}).Err())
}

func TestAHandlerMayRegisterAndBroadcast(t *testing.T) {
	t.Parallel()
	c := core.New()
	inner := 0
	c.RegisterAction(func(c *core.Core, m core.Message) core.Result {
		if m == (ping{1}) {
			c.RegisterAction(func(*core.Core, core.Message) core.Result { inner++; return core.Ok(nil) })
			return c.ACTION(ping{2})
		}
		return core.Ok(nil)
	})
	require.NoError(t, c.ACTION(ping{1}).Err())
	assert.Equal(t, 1, inner)
}

func TestAQueryGoesToTheFirstThatAnswers(t *testing.T) {
	t.Parallel()
	c := core.New()
	answers := map[int]core.Result{1: core.Ok("one"), 2: core.Fail(io.EOF), 3: core.Ok(nil)}
	c.RegisterQuery(func(*core.Core, core.Query) core.Result { return core.Result{} })
	c.RegisterQuery(func(_ *core.Core, q core.Query) core.Result {
		if q.(ping).n == 4 {
			panic("four")
		}
		return answers[q.(ping).n]
	})
	c.RegisterQuery(func(_ *core.Core, q core.Query) core.Result {
		if q.(ping).n < 5 {
			t.Error("asked although there was an answer")
		}
		return core.Result{}
	})
	for n, want := range answers {
		assert.Equal(t, want, c.QUERY(ping{n}))
	}
	assert.ErrorAs(t, c.QUERY(ping{4}).Err(), new(*core.PanicError))

	var none *core.NotRegisteredError
	require.ErrorAs(t, c.QUERY(ping{5}).Err(), &none)
	assert.Equal(t, "core_test.ping", none.Name)
}

func TestMessagesAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := core.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				stop := c.RegisterAction(func(*core.Core, core.Message) core.Result { return core.Fail(errors.New("x")) })
				c.ACTION(ping{})
				stop()
			}
		})
	}
	wg.Wait()
	assert.NoError(t, c.ACTION(ping{}).Err())
}
