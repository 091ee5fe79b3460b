package supervise

import (
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func named(name string, after ...string) Unit {
	return Unit{Name: name, After: after, Spec: process.Spec{Command: "run"}}
}

func TestUnitsAreOrderedByWhatTheyComeAfter(t *testing.T) {
	t.Parallel()
	ordered, err := order(Group{named("c", "b", "a"), named("b", "a"), named("d"), named("a")})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c", "d"}, ordered.names())
}

func TestAnyOrderThatThereIsIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		units := make(Group, n)
		for i := range units {
			units[i] = named(string(rune('a' + i)))
			for j := range i { // so that there is an order
				if rapid.Bool().Draw(t, "edge") {
					units[i].After = append(units[i].After, string(rune('a'+j)))
				}
			}
		}
		ordered, err := order(rapid.Permutation(units).Draw(t, "given"))
		require.NoError(t, err)
		require.Len(t, ordered, n)
		seen := map[string]bool{}
		for _, u := range ordered {
			for _, b := range u.After {
				require.True(t, seen[b], "%s comes after %s", u.Name, b)
			}
			seen[u.Name] = true
		}
	})
}

func TestAGroupThatCannotStartIsRefused(t *testing.T) {
	t.Parallel()
	with := func(change func(*Unit)) Group {
		u := named("u")
		change(&u)
		return Group{u}
	}
	probe := TCP("")
	for name, test := range map[string]struct {
		units Group
		want  error
		text  string
	}{
		"circle":           {Group{named("a", "c"), named("b", "a"), named("c", "b")}, ErrCycle, `unit "a": units come after one another in a circle: a after c after b after a; let one of them start first`},
		"after itself":     {Group{named("a", "a")}, ErrCycle, ""},
		"unknown":          {Group{named("a", "b")}, ErrUnknown, `unit "a": after "b": there is no unit of that name; add it, or leave it out of After`},
		"twice":            {Group{named("a"), named("a")}, ErrDuplicate, ""},
		"no name":          {Group{named("")}, ErrInvalid, ""},
		"a path":           {Group{named("../a")}, ErrInvalid, ""},
		"input":            {with(func(u *Unit) { u.Spec.OpenStdin = true }), ErrInvalid, ""},
		"a probed oneshot": {with(func(u *Unit) { u.Oneshot, u.Ready.Probe = true, probe }), ErrInvalid, ""},
		"negative":         {with(func(u *Unit) { u.Restart.Delay = -1 }), ErrInvalid, ""},
		"policy":           {with(func(u *Unit) { u.Restart.When = "sometimes" }), ErrInvalid, ""},
	} {
		_, err := New(nil, test.units)
		require.ErrorIs(t, err, test.want, name)
		if test.text != "" {
			assert.EqualError(t, err, test.text)
		}
	}
}

func TestStepsBecomeAfters(t *testing.T) {
	t.Parallel()
	group := Sequential(
		named("a"),
		Parallel(named("b"), Sequential(named("c"), named("d"))),
		Group{},
		named("e", "a"),
	)
	after := map[string][]string{}
	for _, u := range group {
		after[u.Name] = u.After
	}
	assert.Equal(t, map[string][]string{
		"a": nil, "b": {"a"}, "c": {"a"}, "d": {"c", "a"}, "e": {"a", "b", "c", "d"},
	}, after)
}
