package processtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// adoptCases have two services over one backend: the second takes over what the
// first has started.
var adoptCases = []testCase{
	{"AdoptionTakesOverOrIsRefused", func(t *testing.T, b Backend) {
		h, id, ok := adoptable(t, b)
		if !ok {
			return
		}
		second := service(t, b)
		assert.Equal(t, h.ID(), id.ID)
		a := adopt(t, b, second, id)
		assert.Equal(t, h.ID(), a.ID())
		got := a.Info()
		assert.True(t, got.Adopted)
		assert.Equal(t, process.Running, got.Status)
		assert.Equal(t, h.Info().PID, got.PID)
		assert.WithinDuration(t, h.Info().StartedAt, got.StartedAt, patience)
		again, _ := a.Identity()
		assert.Equal(t, id, again)
		_, err := second.Adopt(t.Context(), id, process.Spec{Command: b.Command})
		assert.ErrorIs(t, err, process.ErrInvalid, "it is managed there already")

		require.NoError(t, a.Kill(t.Context()))
		exit := wait(t, a)
		assert.Equal(t, 137, exit.Code)
		assert.ErrorIs(t, exit.Reason, process.ErrKilled)
		assert.Equal(t, process.SIGKILL, wait(t, h).Signal, "for the first service, somebody killed it")
	}},
	{"AnAdoptedProcessEndsWithItsDeadline", func(t *testing.T, b Backend) {
		h, id, ok := adoptable(t, b)
		if !ok {
			return
		}
		a, err := service(t, b).Adopt(t.Context(), id, process.Spec{
			Command: b.Command, Timeout: 50 * time.Millisecond, GracePeriod: -1,
		})
		require.NoError(t, err)
		exit := wait(t, a)
		assert.Equal(t, 124, exit.Code)
		assert.ErrorIs(t, exit.Reason, process.ErrTimeout)
		wait(t, h)
	}},
	{"AnAdoptedProcessEndsByItself", func(t *testing.T, b Backend) {
		h, id, ok := adoptable(t, b)
		if !ok {
			return
		}
		a := adopt(t, b, service(t, b), id)
		require.NoError(t, h.Stdin().Close())
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		exit, err := a.Wait(ctx)
		if errors.Is(err, process.ErrExitUnknown) { // as an old kernel has it
			assert.Equal(t, 125, exit.Code)
			assert.Equal(t, process.Failed, a.Info().Status)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, 0, exit.Code)
		assert.Equal(t, process.Exited, a.Info().Status)
	}},
	{"ShutdownLeavesWhatWasAdoptedDetached", func(t *testing.T, b Backend) {
		h, id, ok := adoptable(t, b)
		if !ok {
			return
		}
		second := process.New(b.Executor)
		a, err := second.Adopt(t.Context(), id, process.Spec{Command: b.Command, Detach: true})
		require.NoError(t, err)
		require.NoError(t, second.Shutdown(t.Context()))
		assert.Equal(t, process.Running, h.Info().Status)
		require.NoError(t, a.Kill(t.Context()))
		wait(t, h)
	}},
	{"WhatIsGoneIsNotAdopted", func(t *testing.T, b Backend) {
		h, id, ok := adoptable(t, b)
		if !ok {
			return
		}
		other, late, tomorrow := id, id, id
		other.PID++                    // most likely nobody, and never it
		other.Tree, late.Tree = "", "" // or what is in it would be taken for left over
		late.Started++
		tomorrow.Boot = "another"
		s := service(t, b)
		for name, id := range map[string]process.Identity{
			"another number": other, "another start": late, "another boot": tomorrow, "nothing": {},
		} {
			_, err := s.Adopt(t.Context(), id, process.Spec{Command: b.Command})
			assert.ErrorIs(t, err, process.ErrGone, name)
		}
		assert.Equal(t, process.Running, h.Info().Status)
		require.NoError(t, h.Kill(t.Context()))
		_, err := s.Adopt(t.Context(), id, process.Spec{Command: b.Command})
		assert.ErrorIs(t, err, process.ErrGone)
	}},
	{"TheOutputFileGetsWhatIsWritten", func(t *testing.T, b Backend) {
		require.NoError(t, b.Fs.EnsureDir("logs"))
		require.NoError(t, b.Fs.Write("logs/out", []byte("before\n")))
		s := service(t, b)
		for range 2 {
			out, err := s.Run(t.Context(), process.Spec{
				Command: b.Command, Args: []string{"print", "out", "1\n", "err", "2\n", "out", "3\n"}, OutputFile: "logs/out",
			})
			require.NoError(t, err)
			assert.Empty(t, out.Stdout)
			assert.Empty(t, out.Stderr)
		}
		text, err := b.Fs.Read("logs/out")
		require.NoError(t, err)
		assert.Equal(t, "before\n1\n2\n3\n1\n2\n3\n", string(text))

		for _, name := range []string{"no/such/folder", "logs", "\x00"} {
			_, err := s.Start(t.Context(), process.Spec{Command: b.Command, Args: []string{"nothing"}, OutputFile: name})
			assertNames(t, err, "outputFile", name)
		}
	}},
}

// adoptable is a process that ends when its input does. Where there are none, it
// is not ok, and to adopt is seen to be refused.
func adoptable(t *testing.T, b Backend) (h *process.Handle, id process.Identity, ok bool) {
	t.Helper()
	h = launch(t, b, service(t, b), process.Spec{Args: []string{"count"}, OpenStdin: true, GracePeriod: -1})
	id, ok = h.Identity()
	require.Equal(t, b.Adopts, ok)
	if !ok {
		_, err := service(t, b).Adopt(t.Context(), process.Identity{PID: 1}, process.Spec{Command: b.Command})
		if unsupported, is := errors.AsType[*process.UnsupportedError](err); is {
			assert.NotEmpty(t, unsupported.Fix)
		} else {
			assert.ErrorIs(t, err, process.ErrGone)
		}
		require.NoError(t, h.Kill(t.Context()))
	}
	return h, id, ok
}

func adopt(t *testing.T, b Backend, s *process.Service, id process.Identity) *process.Handle {
	t.Helper()
	h, err := s.Adopt(t.Context(), id, process.Spec{Command: b.Command, GracePeriod: -1})
	require.NoError(t, err)
	return h
}
