package core_test

import (
	"path"
	"strconv"
	"sync"
	"testing"

	"dappco.re/go/cloche/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func registry(t *testing.T, names ...string) *core.Registry[string] {
	t.Helper()
	r := core.NewRegistry[string]("plant")
	for _, name := range names {
		require.NoError(t, r.Set(name, "the "+name).Err())
	}
	return r
}

func TestRegistryKeepsInsertionOrder(t *testing.T) {
	t.Parallel()
	r := registry(t, "fern", "moss", "aloe")
	require.True(t, r.Set("fern", "another").OK)
	require.True(t, r.Delete("moss").OK)
	require.True(t, r.Set("moss", "back").OK)
	assert.Equal(t, []string{"fern", "aloe", "moss"}, r.Names())
	assert.Equal(t, core.Ok("another"), r.Get("fern"))
	assert.Equal(t, 3, r.Len())

	var each []string
	r.Each(func(name, value string) { each = append(each, name+"="+value) })
	assert.Equal(t, []string{"fern=another", "aloe=the aloe", "moss=back"}, each)
}

func TestRegistryZeroValueIsReady(t *testing.T) {
	t.Parallel()
	var r core.Registry[int]
	assert.False(t, r.Has("a"))
	assert.True(t, r.Set("a", 1).OK)
	assert.Equal(t, core.Ok(1), r.Get("a"))
}

func TestRegistryRefusesWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := registry(t)
	for op, result := range map[string]core.Result{
		"Get": r.Get("fern"), "Delete": r.Delete("fern"), "Enable": r.Enable("fern"), "Disable": r.Disable("fern"),
	} {
		var e *core.NotRegisteredError
		require.ErrorAs(t, result.Err(), &e, op)
		assert.Equal(t, "plant", e.Kind)
		assert.Equal(t, "fern", e.Name)
	}
	assert.Error(t, r.Set("", "nameless").Err())
	assert.Zero(t, r.Len())
}

func TestRegistrySetNewRefusesATakenName(t *testing.T) {
	t.Parallel()
	r := registry(t, "fern")
	var taken *core.DuplicateError
	require.ErrorAs(t, r.SetNew("fern", "other").Err(), &taken)
	assert.Equal(t, core.Ok("the fern"), r.Get("fern"))
	assert.True(t, r.SetNew("moss", "x").OK)
}

func TestRegistryGetOrSetAnswersTheValueThatIsThere(t *testing.T) {
	t.Parallel()
	r := registry(t, "fern")
	assert.Equal(t, core.Ok("the fern"), r.GetOrSet("fern", "other"))
	assert.Equal(t, core.Ok("new"), r.GetOrSet("moss", "new"))
	assert.Equal(t, core.Ok("new"), r.Get("moss"))
}

func TestRegistryGetOrSetLetsExactlyOneOfManyWin(t *testing.T) {
	t.Parallel()
	var r core.Registry[string]
	var wg sync.WaitGroup
	winners := make([]core.Result, 16)
	for i := range winners {
		wg.Go(func() { winners[i] = r.GetOrSet("x", strconv.Itoa(i)) })
	}
	wg.Wait()
	for _, w := range winners {
		assert.Equal(t, r.Get("x"), w)
	}
	assert.Equal(t, 1, r.Len())
}

func TestRegistryDisabledValueKeepsItsPlaceButIsNotGiven(t *testing.T) {
	t.Parallel()
	r := registry(t, "fern", "moss")
	require.True(t, r.Disable("fern").OK)

	var disabled *core.DisabledError
	require.ErrorAs(t, r.Get("fern").Err(), &disabled)
	require.ErrorAs(t, r.GetOrSet("fern", "other").Err(), &disabled)
	assert.True(t, r.Has("fern"))
	assert.Equal(t, []string{"fern", "moss"}, r.Names())
	assert.Equal(t, core.Ok([]string{"the moss"}), r.List("*"))

	require.True(t, r.Set("fern", "replaced").OK)
	assert.ErrorAs(t, r.Get("fern").Err(), &disabled, "replacing does not enable")
	require.True(t, r.Enable("fern").OK)
	assert.Equal(t, core.Ok("replaced"), r.Get("fern"))
}

func TestRegistryListMatchesNamesByGlob(t *testing.T) {
	t.Parallel()
	r := registry(t, "process.run", "agent.run", "process.kill")
	assert.Equal(t, core.Ok([]string{"the process.run", "the process.kill"}), r.List("process.*"))
	assert.Equal(t, core.Ok([]string{}), r.List("git.*"))
	assert.ErrorIs(t, r.List("[").Err(), path.ErrBadPattern)
}

func TestRegistryEachMayChangeTheRegistry(t *testing.T) {
	t.Parallel()
	r := registry(t, "fern", "moss")
	r.Each(func(name, _ string) {
		assert.True(t, r.Delete(name).OK)
		assert.True(t, r.Set(name+"2", "new").OK)
	})
	assert.Equal(t, []string{"fern2", "moss2"}, r.Names())
}

func TestRegistryLockAndSealRefuseVisibly(t *testing.T) {
	t.Parallel()
	changes := []struct {
		name   string
		change func(r *core.Registry[string]) core.Result
		sealed bool // allowed then
	}{
		{"set new", func(r *core.Registry[string]) core.Result { return r.Set("new", "x") }, false},
		{"set new only", func(r *core.Registry[string]) core.Result { return r.SetNew("new", "x") }, false},
		{"get or set new", func(r *core.Registry[string]) core.Result { return r.GetOrSet("new", "x") }, false},
		{"delete", func(r *core.Registry[string]) core.Result { return r.Delete("fern") }, false},
		{"replace", func(r *core.Registry[string]) core.Result { return r.Set("fern", "x") }, true},
		{"disable", func(r *core.Registry[string]) core.Result { return r.Disable("fern") }, true},
		{"enable", func(r *core.Registry[string]) core.Result { return r.Enable("fern") }, true},
		{"get or set old", func(r *core.Registry[string]) core.Result { return r.GetOrSet("fern", "x") }, true},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var refused *core.LockedError

			r := registry(t, "fern")
			r.Lock()
			if c.name != "get or set old" { // reads only
				require.ErrorAs(t, c.change(r).Err(), &refused)
				assert.Equal(t, "locked", refused.State)
				assert.Equal(t, core.Ok("the fern"), r.Get("fern"))
				assert.Equal(t, []string{"fern"}, r.Names())
			}

			r = registry(t, "fern")
			r.Seal()
			err := c.change(r).Err()
			if c.sealed {
				assert.NoError(t, err)
			} else {
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, "sealed", refused.State)
			}

			r = registry(t, "fern")
			r.Lock()
			r.Open()
			assert.NoError(t, c.change(r).Err())
		})
	}
}

func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var r core.Registry[int]
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := strconv.Itoa(i)
			for range 100 {
				r.Set(name, i)
				r.Disable(name)
				r.Enable(name)
				r.List("*")
				r.Names()
				r.Delete(name)
			}
		})
	}
	wg.Wait()
	assert.Zero(t, r.Len())
}
