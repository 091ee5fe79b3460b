package process_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

func TestStartRefusesAWrongSpecAndNamesTheCulprit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10<<20)
	for name, c := range map[string]struct {
		spec  process.Spec
		field string
		value string
	}{
		"no command":            {process.Spec{}, "command", ""},
		"NUL in command":        {process.Spec{Command: "a\x00b"}, "command", "a\x00b"},
		"NUL in an argument":    {process.Spec{Command: "a", Args: []string{"", "b\x00"}}, "args[1]", "b\x00"},
		"NUL in a huge one":     {process.Spec{Command: "a", Args: []string{long + "\x00"}}, "args[0]", long[:64] + "…"},
		"NUL in dir":            {process.Spec{Command: "a", Dir: "\x00"}, "dir", "\x00"},
		"env without =":         {process.Spec{Command: "a", Env: []string{"A=", "NOEQUALS"}}, "env[1]", "NOEQUALS"},
		"env without key":       {process.Spec{Command: "a", Env: []string{"=secret"}}, "env[0]", "="},
		"NUL in env":            {process.Spec{Command: "a", Env: []string{"K=secret\x00"}}, "env[0]", "K"},
		"two inputs":            {process.Spec{Command: "a", Stdin: strings.NewReader(""), OpenStdin: true}, "stdin", ""},
		"two ways for stderr":   {process.Spec{Command: "a", Merge: true, Stderr: &strings.Builder{}}, "stderr", ""},
		"stderr of a terminal":  {process.Spec{Command: "a", Terminal: &process.Terminal{}, Stderr: &strings.Builder{}}, "stderr", ""},
		"negative rows":         {process.Spec{Command: "a", Terminal: &process.Terminal{Rows: -1}}, "terminal", "-1 by 80"},
		"too many columns":      {process.Spec{Command: "a", Terminal: &process.Terminal{Cols: 65536}}, "terminal", "24 by 65536"},
		"negative timeout":      {process.Spec{Command: "a", Timeout: -time.Second}, "timeout", "-1s"},
		"negative memory":       {process.Spec{Command: "a", Limits: process.Limits{Memory: -1}}, "limits.memory", "-1"},
		"negative output":       {process.Spec{Command: "a", Limits: process.Limits{Output: -2}}, "limits.output", "-2"},
		"negative descriptors":  {process.Spec{Command: "a", Limits: process.Limits{Descriptors: -1}}, "limits.descriptors", "-1"},
		"negative written":      {process.Spec{Command: "a", Limits: process.Limits{Written: -1}}, "limits.written", "-1"},
		"negative created":      {process.Spec{Command: "a", Limits: process.Limits{Created: -1}}, "limits.created", "-1"},
		"negative file size":    {process.Spec{Command: "a", Limits: process.Limits{FileSize: -1}}, "limits.fileSize", "-1"},
		"negative depth":        {process.Spec{Command: "a", Limits: process.Limits{Depth: -1}}, "limits.depth", "-1"},
		"negative path length":  {process.Spec{Command: "a", Limits: process.Limits{PathLength: -1}}, "limits.pathLength", "-1"},
		"relative mount target": {process.Spec{Command: "a", Mounts: []process.Mount{{Target: "src"}}}, "mounts[0].target", "src"},
		"empty mount target":    {process.Spec{Command: "a", Mounts: []process.Mount{{}}}, "mounts[0].target", ""},
		"NUL in mount target":   {process.Spec{Command: "a", Mounts: []process.Mount{{Target: "/\x00"}}}, "mounts[0].target", "/\x00"},
		"NUL in mount source":   {process.Spec{Command: "a", Mounts: []process.Mount{{Target: "/", Source: "\x00"}}}, "mounts[0].source", "\x00"},
		"two mounts on one path": {process.Spec{Command: "a", Mounts: []process.Mount{
			{Target: "/a"}, {Target: "/b/../a/"},
		}}, "mounts[1].target", "/b/../a/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.New(processtest.Fake{"a": func(*processtest.Process) int { return 0 }})
			_, err := s.Start(t.Context(), c.spec)
			var wrong *process.SpecError
			require.ErrorAs(t, err, &wrong)
			require.ErrorIs(t, err, process.ErrInvalid)
			require.Equal(t, c.field, wrong.Field)
			require.Equal(t, c.value, wrong.Value)
			require.NotEmpty(t, wrong.Fix)
			require.NotContains(t, err.Error(), "secret")
			require.Less(t, len(err.Error()), 400)
			require.Empty(t, s.List(), "nothing was entered")
		})
	}
}

func TestTheBackendGetsACompleteSpecOfItsOwn(t *testing.T) {
	t.Parallel()
	spec := process.Spec{
		Command: "look",
		Args:    []string{"one"},
		Env:     []string{"A=1", "B=2", "A=3"},
		Mounts:  []process.Mount{{Target: "/src/./x/"}},
	}
	var seen process.Spec
	s := process.New(processtest.Fake{"look": func(p *processtest.Process) int {
		seen = p.Spec
		return 0
	}})
	h, err := s.Start(t.Context(), spec)
	require.NoError(t, err)
	spec.Args[0], spec.Env[0], spec.Mounts[0].Target = "changed", "changed", "changed"
	_, err = h.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"one"}, seen.Args)
	require.Equal(t, []string{"B=2", "A=3"}, seen.Env, "the last value counts")
	require.Equal(t, "/src/x", seen.Mounts[0].Target)
	require.NotNil(t, seen.Stdin)
	require.NotNil(t, seen.Stdout)
	require.NotNil(t, seen.Stderr)
	require.NotNil(t, seen.Denied)
	require.NotEqual(t, seen.Stdout, seen.Stderr)
}
