package process_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// shows tells the size of its terminal, and writes to both streams.
var shows = processtest.Fake{"shows": func(p *processtest.Process) int {
	io.WriteString(p.Stdout, "out ")
	io.WriteString(p.Stderr, "err")
	return p.Terminal.Rows*1000 + p.Terminal.Cols
}}

func TestATerminalHasASizeAndOneOutput(t *testing.T) {
	t.Parallel()
	for code, size := range map[int]process.Terminal{
		24080: {},
		24100: {Cols: 100},
		50132: {Rows: 50, Cols: 132},
	} {
		given := size
		h := start(t, process.New(shows), process.Spec{Command: "shows", Terminal: &given})
		require.Equal(t, code, exitOf(t, h).Code)
		require.Equal(t, "out err", stdoutOf(h))
		require.Empty(t, h.Output().Stderr)
		require.Equal(t, size, given, "the caller's is left alone")
	}
}

func TestATerminalGoesThroughTheActions(t *testing.T) {
	t.Parallel()
	c := coreWith(t, shows)
	id := value[string](t, do(t, c, "process.start", opt("command", "shows"), opt("terminal", process.Terminal{Rows: 2, Cols: 3})))
	require.Equal(t, 2003, value[process.Exit](t, do(t, c, "process.wait", opt("id", id))).Code)
}

// resizable is an Instance with a terminal.
type resizable struct {
	instance
	resize func(process.Terminal) error
}

func (r resizable) Resize(size process.Terminal) error { return r.resize(size) }

func TestResize(t *testing.T) {
	t.Parallel()
	end, broken := make(chan struct{}), errors.New("broken")
	var sizes []process.Terminal
	s := process.New(starts(resizable{
		instance{wait: func() (process.Exit, error) { <-end; return process.Exit{}, nil }},
		func(size process.Terminal) error {
			sizes = append(sizes, size)
			if size.Rows == 6 {
				panic(broken)
			}
			return nil
		},
	}, nil))
	h := start(t, s, process.Spec{Command: "x", Terminal: &process.Terminal{}})
	require.NoError(t, h.Resize(5, 65535))
	require.ErrorIs(t, h.Resize(6, 1), broken)
	require.ErrorIs(t, h.Resize(0, 1), process.ErrInvalid)
	require.Equal(t, []process.Terminal{{Rows: 5, Cols: 65535}, {Rows: 6, Cols: 1}}, sizes)
	close(end)
	exitOf(t, h)
	require.ErrorIs(t, h.Resize(5, 5), os.ErrProcessDone)
}

func TestResizeByAction(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	var sizes []process.Terminal
	c := coreWith(t, starts(resizable{
		instance{wait: func() (process.Exit, error) { <-end; return process.Exit{}, nil }},
		func(size process.Terminal) error { sizes = append(sizes, size); return nil },
	}, nil))
	id := value[string](t, do(t, c, "process.start", opt("command", "x"), opt("terminal", process.Terminal{})))
	require.NoError(t, do(t, c, "process.resize", opt("id", id), opt("rows", 5), opt("cols", 6)).Err())
	require.ErrorIs(t, do(t, c, "process.resize", opt("id", id), opt("rows", 0), opt("cols", 6)).Err(), process.ErrInvalid)
	require.Equal(t, []process.Terminal{{Rows: 5, Cols: 6}}, sizes)
	var unknown *process.UnknownError
	require.ErrorAs(t, do(t, c, "process.resize", opt("id", "nosuch"), opt("rows", 1), opt("cols", 1)).Err(), &unknown)
	close(end)
}

func TestResizeOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	without := start(t, s, process.Spec{Command: "cat", OpenStdin: true, GracePeriod: -1})
	var wrong *process.SpecError
	require.ErrorAs(t, without.Resize(1, 1), &wrong)
	require.Equal(t, "terminal", wrong.Field)
	fixed := start(t, s, process.Spec{Command: "cat", OpenStdin: true, Terminal: &process.Terminal{}, GracePeriod: -1})
	var unsupported *process.UnsupportedError
	require.ErrorAs(t, fixed.Resize(1, 1), &unsupported)
	require.Equal(t, "fake", unsupported.Backend)
	require.NoError(t, s.Shutdown(t.Context()))
}

func TestResizeBeforeTheProcessRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := process.New(executor{start: func(ctx context.Context, _ process.Spec) (process.Instance, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		go s.Start(t.Context(), process.Spec{Command: "x", Terminal: &process.Terminal{}})
		synctest.Wait()
		h, _ := s.Get(s.List()[0].ID)
		require.ErrorIs(t, h.Resize(1, 1), process.ErrInvalid)
		require.NoError(t, s.Shutdown(t.Context()))
	})
}
