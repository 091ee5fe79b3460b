package process

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// forever is an Executor whose processes run until they are killed.
type forever struct{ ctx context.Context }

func (forever) Start(ctx context.Context, _ Spec) (Instance, error) { return forever{ctx}, nil }
func (f forever) Wait() (Exit, error)                               { <-f.ctx.Done(); return Exit{}, nil }
func (forever) Signal(Signal) error                                 { return nil }

// A clock that is set changes no deadline and no duration: all times that are
// compared have the monotonic reading, which only such arithmetic keeps.
func TestNoDeadlineGoesByTheWallClock(t *testing.T) {
	t.Parallel()
	h, err := New(forever{}).Start(t.Context(), Spec{Command: "x", GracePeriod: time.Hour})
	require.NoError(t, err)
	h.stop(ErrKilled, SIGTERM, time.Hour)
	h.mu.Lock()
	graceEnd := h.timers.graceEnd
	h.mu.Unlock()
	require.NoError(t, h.Signal(SIGKILL))
	<-h.Done()
	for name, at := range map[string]time.Time{"started": h.started, "graceEnd": graceEnd, "ended": h.ended, "StartedAt": h.Info().StartedAt} {
		require.NotEqual(t, at.Round(0), at, "%s has the wall clock only", name)
	}
}
