package processtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service is a process.Service that is shut down with the test.
func service(t testing.TB, b Backend) *process.Service {
	s := process.New(b.Executor)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, s.Shutdown(ctx))
	})
	return s
}

// launch starts the test program and waits for its "ready".
func launch(t testing.TB, b Backend, s *process.Service, spec process.Spec) *process.Handle {
	t.Helper()
	stdout := newTape()
	spec.Command, spec.Stdout = b.Command, stdout
	h, err := s.Start(context.Background(), spec)
	require.NoError(t, err)
	stdout.await(t, "ready\n")
	return h
}

// wait is for the end of what was told to end.
func wait(t testing.TB, h *process.Handle) process.Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	exit, err := h.Wait(ctx)
	require.NoError(t, err)
	return exit
}

var serviceCases = []testCase{
	{"RunReturnsOutputAndExit", func(t *testing.T, b Backend) {
		out, err := service(t, b).Run(t.Context(), process.Spec{
			Command: b.Command, Args: []string{"cat"}, Stdin: strings.NewReader("text"),
		})
		require.NoError(t, err)
		assert.Equal(t, "text", string(out.Stdout))
		assert.Empty(t, out.Stderr)
		assert.Equal(t, 0, out.Exit.Code)
		assert.EqualValues(t, 4, out.Exit.Usage.Output)
	}},
	{"AFailingRunTellsCodeAndStreams", func(t *testing.T, b Backend) {
		out, err := service(t, b).Run(t.Context(), process.Spec{Command: b.Command, Args: []string{"panic"}})
		exit, ok := errors.AsType[*process.ExitError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 2, exit.Exit.Code)
		assert.Contains(t, string(exit.Stderr), "panic: deliberate")
		assert.Equal(t, exit.Stderr, out.Stderr)
	}},
	{"MergedOutputKeepsItsOrder", func(t *testing.T, b Backend) {
		out, err := service(t, b).Run(t.Context(), process.Spec{Command: b.Command, Args: []string{"interleave", "200"}, Merge: true})
		require.NoError(t, err)
		assert.Equal(t, numbered(200, "out", "err"), string(out.Stdout))
	}},
	{"ADeadlineEndsItWhateverItDoes", func(t *testing.T, b Backend) {
		s := service(t, b)
		for doing, spec := range busy() {
			t.Run(doing, func(t *testing.T) {
				t.Parallel()
				spec.Command, spec.Timeout, spec.GracePeriod = b.Command, 200*time.Millisecond, 50*time.Millisecond
				began := time.Now()
				_, err := s.Run(context.Background(), spec)
				require.ErrorIs(t, err, process.ErrTimeout)
				assert.Equal(t, 124, process.ExitCode(err))
				assert.Less(t, time.Since(began), patience)
			})
		}
	}},
	{"ADeadlineIsMetByAFloodIntoAStuckWriter", func(t *testing.T, b Backend) {
		slow, entered := newStuck()
		s := service(t, b)
		h, err := s.Start(t.Context(), process.Spec{
			Command: b.Command, Args: []string{"flood"}, Stdout: slow,
			Timeout: 200 * time.Millisecond, GracePeriod: -1,
		})
		require.NoError(t, err)
		<-entered
		exit := wait(t, h) // while the writer is stuck
		slow.free()
		assert.Equal(t, 124, exit.Code)
		assert.ErrorIs(t, exit.Reason, process.ErrTimeout)
	}},
	{"KillEndsIt", func(t *testing.T, b Backend) {
		h := launch(t, b, service(t, b), process.Spec{Args: []string{"spin"}, GracePeriod: -1})
		require.NoError(t, h.Kill(t.Context()))
		exit := wait(t, h)
		assert.Equal(t, 137, exit.Code)
		assert.ErrorIs(t, exit.Reason, process.ErrKilled)
		assert.NoError(t, h.Kill(t.Context()), "a second time")
	}},
	{"KillIsNotBlockedByAWriteToStdin", func(t *testing.T, b Backend) {
		h := launch(t, b, service(t, b), process.Spec{Args: []string{"sleep"}, OpenStdin: true, GracePeriod: -1})
		wrote := make(chan error, 1)
		go func() {
			_, err := h.Stdin().Write(make([]byte, 8<<20))
			wrote <- err
		}()
		require.NoError(t, h.Kill(t.Context()))
		assert.ErrorIs(t, <-wrote, io.ErrClosedPipe)
	}},
	{"WhatIgnoresTheQuestionIsKilledAfterTheGracePeriod", func(t *testing.T, b Backend) {
		h := launch(t, b, service(t, b), process.Spec{Args: []string{"ignoreterm"}, GracePeriod: 50 * time.Millisecond})
		require.NoError(t, h.Kill(t.Context()))
		assert.Equal(t, 137, wait(t, h).Code)
	}},
	{"TheEndOfTheCallersContextEndsIt", func(t *testing.T, b Backend) {
		ctx, cancel := context.WithCancelCause(context.Background())
		stdout := newTape()
		h, err := service(t, b).Start(ctx, process.Spec{Command: b.Command, Args: []string{"sleep"}, Stdout: stdout})
		require.NoError(t, err)
		stdout.await(t, "ready\n")
		cancel(errStop)
		exit := wait(t, h)
		assert.Equal(t, 137, exit.Code)
		assert.ErrorIs(t, exit.Reason, errStop)
	}},
	{"TheOutputLimitEndsItAndIsNamed", func(t *testing.T, b Backend) {
		out, err := service(t, b).Run(t.Context(), process.Spec{
			Command: b.Command, Args: []string{"flood"}, Limits: process.Limits{Output: 100_000},
		})
		limit, ok := errors.AsType[*process.LimitError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, process.LimitError{Limit: "output", Max: 100_000}, *limit)
		assert.Len(t, out.Stdout, 100_000)
		assert.Equal(t, 137, out.Exit.Code)
	}},
	{"AReaderOrWriterThatFailsEndsItAndIsNamed", func(t *testing.T, b Backend) {
		s := service(t, b)
		for stream, spec := range map[string]process.Spec{
			"stdin":  {Args: []string{"hang"}, Stdin: failing{}},
			"stdout": {Args: []string{"flood"}, Stdout: failing{}},
			"stderr": {Args: []string{"panic"}, Stderr: failing{}},
		} {
			spec.Command = b.Command
			_, err := s.Run(t.Context(), spec)
			require.ErrorIs(t, err, errBroken)
			assert.ErrorContains(t, err, stream)
			assert.Equal(t, 137, process.ExitCode(err))
		}
	}},
	{"AnEndIsSeenThoughNobodyWaits", func(t *testing.T, b Backend) { // a zombie counted as alive
		h, err := service(t, b).Start(t.Context(), process.Spec{Command: b.Command, Args: []string{"nothing"}})
		require.NoError(t, err)
		select {
		case <-h.Done():
		case <-time.After(patience):
			t.Fatal("it is still there")
		}
		assert.Equal(t, process.Exited, h.Info().Status)
		assert.ErrorIs(t, h.Signal(process.SIGTERM), os.ErrProcessDone)
	}},
	{"CaptureKeepsHeadAndTailAndCountsTheRest", func(t *testing.T, b Backend) {
		data := noise(1 << 20)
		out, err := service(t, b).Run(t.Context(), process.Spec{
			Command: b.Command, Args: []string{"cat"}, Stdin: strings.NewReader(string(data)), Capture: 1000,
		})
		require.NoError(t, err)
		assert.Equal(t, append(data[:500:500], data[len(data)-500:]...), out.Stdout)
		assert.EqualValues(t, len(data)-1000, out.StdoutDropped)
	}},
	{"StdinCanBeWrittenLater", func(t *testing.T, b Backend) {
		stdout := newTape()
		h, err := service(t, b).Start(t.Context(), process.Spec{Command: b.Command, Args: []string{"cat"}, Stdout: stdout, OpenStdin: true})
		require.NoError(t, err)
		for _, text := range []string{"first", "second"} {
			_, err := io.WriteString(h.Stdin(), text)
			require.NoError(t, err)
			stdout.await(t, text)
		}
		require.NoError(t, h.Stdin().Close())
		assert.Equal(t, 0, wait(t, h).Code)
		assert.Equal(t, "firstsecond", string(h.Output().Stdout))
	}},
	{"ABadSpecNamesTheCulprit", func(t *testing.T, b Backend) {
		s := service(t, b)
		for field, spec := range map[string]process.Spec{
			"command": {},
			"args[1]": {Command: b.Command, Args: []string{"args", "a\x00b"}},
			"env[0]":  {Command: b.Command, Args: []string{"env"}, Env: []string{"A=\x00"}},
			"dir":     {Command: b.Command, Args: []string{"pwd"}, Dir: "a\x00b"},
		} {
			_, err := s.Run(t.Context(), spec)
			require.ErrorIs(t, err, process.ErrInvalid)
			bad, ok := errors.AsType[*process.SpecError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, field, bad.Field)
			assert.NotEmpty(t, bad.Fix)
			assert.Equal(t, 125, process.ExitCode(err))
		}
	}},
	{"AnUnknownCommandIs127", func(t *testing.T, b Backend) {
		_, err := service(t, b).Run(t.Context(), process.Spec{Command: "no-such-program"})
		assert.ErrorIs(t, err, process.ErrNotFound)
		assert.Equal(t, 127, process.ExitCode(err))
	}},
	{"InfoTellsWhatRuns", func(t *testing.T, b Backend) {
		s := service(t, b)
		h := launch(t, b, s, process.Spec{Args: []string{"sleep"}, GracePeriod: -1})
		info := h.Info()
		assert.Equal(t, process.Running, info.Status)
		assert.Equal(t, b.Command, info.Command)
		assert.NotEmpty(t, info.Backend)
		require.NoError(t, h.Kill(t.Context()))
		wait(t, h)
		assert.Equal(t, process.Killed, h.Info().Status)
		assert.Equal(t, 137, h.Info().ExitCode)
	}},
	{"ShutdownStopsAllAndAwaitsThem", func(t *testing.T, b Backend) {
		s := process.New(b.Executor)
		var handles []*process.Handle
		for range 5 {
			handles = append(handles, launch(t, b, s, process.Spec{Args: []string{"sleep"}}))
		}
		require.NoError(t, s.Shutdown(t.Context()))
		for _, h := range handles {
			assert.True(t, h.Info().Status.Ended())
		}
		_, err := s.Start(t.Context(), process.Spec{Command: b.Command, Args: []string{"nothing"}})
		assert.ErrorIs(t, err, process.ErrShutdown)
	}},
	{"FiftyRunAtOnce", func(t *testing.T, b Backend) {
		s := service(t, b)
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				text := fmt.Sprint("process ", i)
				out, err := s.Run(context.Background(), process.Spec{Command: b.Command, Args: []string{"print", "out", text}})
				assert.NoError(t, err)
				assert.Equal(t, text, string(out.Stdout))
			})
		}
		all.Wait()
	}},
}
