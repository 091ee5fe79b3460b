package core_test

import (
	"math"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func opts(pairs ...any) core.Options {
	var o core.Options
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func TestOptionsKeepTheOrderInWhichKeysCame(t *testing.T) {
	t.Parallel()
	o := core.NewOptions(core.Option{Key: "b", Value: 1}, core.Option{Key: "a", Value: 2}, core.Option{Key: "b", Value: 3})
	assert.Equal(t, []core.Option{{Key: "b", Value: 3}, {Key: "a", Value: 2}}, o.Items())
	assert.Equal(t, 2, o.Len())
}

func TestSetOnACopyOfOptionsLeavesTheOriginalAlone(t *testing.T) {
	t.Parallel()
	original := opts("a", 1, "b", 2)
	replaced, grown := original, original
	replaced.Set("a", 9)
	grown.Set("c", 3)
	original.Items()[0].Value = 7
	assert.Equal(t, opts("a", 1, "b", 2), original)
	assert.Equal(t, opts("a", 9, "b", 2), replaced)
	assert.Equal(t, opts("a", 1, "b", 2, "c", 3), grown)
}

func TestOptionsTellMissingFromNil(t *testing.T) {
	t.Parallel()
	o := opts("nil", nil)
	assert.True(t, o.Has("nil"))
	assert.Equal(t, core.Ok(nil), o.Get("nil"))
	assert.False(t, o.Has("other"))
	var missing *core.SchemaError
	require.ErrorAs(t, o.Get("other").Err(), &missing)
	assert.Equal(t, "other", missing.Key)
}

func TestOptionsReadTheTypesTheyName(t *testing.T) {
	t.Parallel()
	o := opts("s", "x", "yes", true, "list", []string{"a", "b"}, "any", []any{"c"}, "mixed", []any{"c", 1},
		"d", time.Second, "ds", "1m30s", "bad", "30")
	assert.Equal(t, "x", o.String("s"))
	assert.Equal(t, "", o.String("yes"))
	assert.True(t, o.Bool("yes"))
	assert.False(t, o.Bool("s"))
	assert.Equal(t, []string{"a", "b"}, o.Strings("list"))
	assert.Equal(t, []string{"c"}, o.Strings("any"))
	assert.Nil(t, o.Strings("mixed"))
	assert.Equal(t, time.Second, o.Duration("d"))
	assert.Equal(t, 90*time.Second, o.Duration("ds"))
	assert.Zero(t, o.Duration("bad"))
	assert.Zero(t, o.Int("missing"))
}

func TestOptionsStringsBelongToTheCaller(t *testing.T) {
	t.Parallel()
	o := opts("list", []string{"a"})
	o.Strings("list")[0] = "changed"
	assert.Equal(t, []string{"a"}, o.Strings("list"))
}

func TestOptionsIntTakesEveryIntegerThatFits(t *testing.T) {
	t.Parallel()
	for _, v := range []any{int(-1), int8(-1), int16(-1), int32(-1), int64(-1)} {
		assert.Equal(t, -1, opts("n", v).Int("n"), "%T", v)
	}
	for _, v := range []any{uint(7), uint8(7), uint16(7), uint32(7), uint64(7)} {
		assert.Equal(t, 7, opts("n", v).Int("n"), "%T", v)
	}
	for _, v := range []any{uint64(math.MaxUint64), 7.0, "7", time.Second, nil} {
		assert.Zero(t, opts("n", v).Int("n"), "%T", v)
	}
}
