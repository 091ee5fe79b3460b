package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAHermeticRunDoesTheSameEachTime(t *testing.T) {
	t.Parallel()
	dir, _ := project(t)
	run := func(flags ...string) result {
		args := append([]string{"run", "--hermetic", "--overlay", dir + ":/d", "--workdir", "/d"}, flags...)
		return cloche("input", append(args, testprog(t), "chance")...)
	}
	first := run()
	assert.Zero(t, first.code, first.errors)
	assert.Contains(t, first.out, "time 2000-01-01T00:00:00.")
	assert.Equal(t, first, run())
	assert.NotEqual(t, first.out, run("--seed", "1").out)
	assert.Contains(t, run("--time", "2030-05-06T07:08:09Z").out, "time 2030-05-06T07:08:09.")
}

func TestWhatWouldBreakAHermeticRunIsRefusedWithTheFix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		part string
	}{
		{[]string{"--seed", "1"}, "add --hermetic"},
		{[]string{"--time", "2030-05-06T07:08:09Z"}, "add --hermetic"},
		{[]string{"--receipt", "r.json"}, "add --hermetic"},
		{[]string{"--cache"}, "add --hermetic"},
		{[]string{"--hermetic", "--native"}, "leave one of them out"},
		{[]string{"--hermetic", "--dir", ".:/x"}, "--dir .:/x:ro, or --overlay .:/x"},
		{[]string{"--hermetic", "--time", "noon"}, "noon"},
	} {
		r := cloche("", append(append([]string{"run"}, c.args...), "true")...)
		assert.Equal(t, exitFailed, r.code, c.args)
		assert.Contains(t, r.errors, c.part, c.args)
	}
}
