package processtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service runs on exec and ends with t.
func service(t testing.TB, exec process.Executor) *process.Service {
	t.Helper()
	s := process.New(processtest.Strict(t, exec))
	t.Cleanup(func() { assert.NoError(t, s.Shutdown(context.Background())) })
	return s
}

func run(t testing.TB, s *process.Service, command string, args ...string) process.Output {
	t.Helper()
	out, err := s.Run(t.Context(), process.Spec{Command: command, Args: args})
	if _, failed := errors.AsType[*process.ExitError](err); !failed {
		require.NoError(t, err)
	}
	return *out
}

func TestAnswersAreGivenByArgumentsAndInTurn(t *testing.T) {
	t.Parallel()
	s := service(t, processtest.Fake{"git": processtest.Answers(t,
		processtest.Answer{Args: []string{"status"}, Stdout: "dirty\n"},
		processtest.Answer{Args: []string{"push"}, Stderr: "rejected\n", Code: 3},
		processtest.Answer{Args: []string{"status"}, Stdout: "clean\n"},
		processtest.Answer{Args: []string{}, Stdout: "usage\n"},
	)})
	assert.Equal(t, "dirty\n", string(run(t, s, "git", "status").Stdout))
	push := run(t, s, "git", "push")
	assert.Equal(t, 3, push.Exit.Code)
	assert.Equal(t, "rejected\n", string(push.Stderr))
	for range 2 {
		assert.Equal(t, "clean\n", string(run(t, s, "git", "status").Stdout))
	}
	assert.Equal(t, "usage\n", string(run(t, s, "git").Stdout))
}

func TestAnAnswerWithoutArgumentsIsForAll(t *testing.T) {
	t.Parallel()
	s := service(t, processtest.Fake{"true": processtest.Answers(t, processtest.Answer{})})
	assert.Zero(t, run(t, s, "true", "whatever").Exit.Code)
}

func TestACallWithoutAnAnswerFailsTheTest(t *testing.T) {
	t.Parallel()
	said := failing(t, func(tb testing.TB) {
		s := service(t, processtest.Fake{"git": processtest.Answers(tb,
			processtest.Answer{Args: []string{"status", "-s"}}, processtest.Answer{Args: []string{"push"}})})
		out := run(t, s, "git", "pull")
		assert.Equal(t, 127, out.Exit.Code)
		assert.Equal(t, "git: no answer for [\"pull\"]\n", string(out.Stderr))
	})
	assert.Equal(t, `the fake git has no answer for ["pull"]; there are some for
	["status" "-s"]
	["push"]

`, said)
}

func TestARecorderKeepsWhatWasCalled(t *testing.T) {
	t.Parallel()
	r := processtest.Record(processtest.Fake{"head": func(p *processtest.Process) int {
		_, _ = p.Stdin.Read(make([]byte, 4))
		return 0
	}})
	s := service(t, r)
	_, err := s.Run(t.Context(), process.Spec{
		Command: "head", Args: []string{"-c", "4"}, Dir: "src", Env: []string{"A=1"}, Stdin: strings.NewReader("more than that"),
	})
	require.NoError(t, err)
	_, err = s.Run(t.Context(), process.Spec{Command: "tail"})
	require.ErrorIs(t, err, process.ErrNotFound)

	calls := r.Calls()
	require.Len(t, calls, 2)
	assert.Equal(t, processtest.Call{
		Command: "head", Args: []string{"-c", "4"}, Dir: "src", Env: []string{"A=1"}, Stdin: []byte("more"),
	}, calls[0])
	assert.Equal(t, "tail", calls[1].Command)
	assert.ErrorIs(t, calls[1].Err, process.ErrNotFound)
	assert.Equal(t, "fake", s.List()[0].Backend)
}
