package main

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is what a workspace should be, in the mind of its user.
type model struct {
	t     *rapid.T
	r     *Agent
	state State // "" before it is dispatched
	runs  int

	asked   chan struct{} // a tool began
	endings chan ending   // how it is to end
}

type ending struct {
	code     int
	question string
}

func (m *model) tool(p *processtest.Process) int {
	m.asked <- struct{}{}
	select {
	case <-p.Context.Done():
		return 137
	case <-p.Signals:
		return 0
	case e := <-m.endings:
		if e.question != "" {
			if err := m.r.files().Write("w/question.md", []byte(e.question)); err != nil {
				return 99
			}
		}
		return e.code
	}
}

// settles waits for the file to say what the model says.
func (m *model) settles() {
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Microsecond) {
		s, err := m.r.status("w")
		if m.state == "" {
			require.ErrorIs(m.t, err, ErrWorkspace)
			return
		}
		if err == nil && s.Status == m.state && s.Runs == m.runs {
			return
		}
		require.True(m.t, time.Now().Before(end), "it is %+v %v, and should be %s in run %d", s, err, m.state, m.runs)
	}
}

// begins is what follows being queued: the tool, at once.
func (m *model) begins() {
	<-m.asked
	m.state = Running
	m.runs++
}

func (m *model) Dispatch(t *rapid.T) {
	err := m.r.Dispatch("w", job)
	if m.state != "" {
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	m.begins()
}

func (m *model) Resume(t *rapid.T) {
	err := m.r.Resume("w", rapid.SampledFrom([]string{"", "left"}).Draw(t, "answer"))
	switch m.state {
	case Completed, Failed, Killed, Asking:
		require.NoError(t, err)
		m.begins()
	default:
		require.Error(t, err)
	}
}

func (m *model) Kill(t *rapid.T) {
	err := m.r.Kill(context.Background(), "w")
	switch m.state {
	case Running, Asking, Killed:
		require.NoError(t, err)
		m.state = Killed
	default:
		require.Error(t, err)
	}
}

func (m *model) End(t *rapid.T) {
	if m.state != Running {
		t.Skip("nothing runs")
	}
	e := ending{code: rapid.IntRange(0, 2).Draw(t, "code"), question: rapid.SampledFrom([]string{"", "why?"}).Draw(t, "question")}
	m.endings <- e
	switch {
	case e.code != 0:
		m.state = Failed
	case e.question != "":
		m.state = Asking
	default:
		m.state = Completed
	}
}

func (m *model) Check(*rapid.T) { m.settles() }

// Whatever is asked of a workspace, in whatever order, its file says what its user
// would.
func TestAWorkspaceIsWhatItsUserThinks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		root, err := os.MkdirTemp("", "cloche-model-")
		require.NoError(t, err)
		defer os.RemoveAll(root)
		m := &model{t: t, asked: make(chan struct{}), endings: make(chan ending)}
		c := core.New(core.WithFs(root), core.WithService(fake(processtest.Fake{"code": m.tool})))
		require.NoError(t, c.ServiceStartup(context.Background()).Err())
		m.r = New(c, tools, nil, 1, slog.DiscardHandler)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- m.r.Serve(ctx) }()
		defer func() {
			cancel()
			require.NoError(t, <-ended)
			require.NoError(t, c.ServiceShutdown(context.Background()).Err())
		}()
		t.Repeat(rapid.StateMachineActions(m))
	})
}
