package process_test

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
)

// caller calls back into the service from wherever it is called.
type caller struct {
	t       *testing.T
	service *process.Service
	mu      sync.Mutex
	from    map[string]bool
}

// call fails the test when a lock is held that it needs.
func (c *caller) call(place string) {
	c.mu.Lock()
	c.from[place] = true
	c.mu.Unlock()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for _, info := range c.service.List() {
			if h, ok := c.service.Get(info.ID); ok {
				h.Info()
				h.Output()
			}
		}
	}()
	select {
	case <-answered:
	case <-time.After(30 * time.Second):
		c.t.Errorf("a lock is held during %s", place)
	}
}

func (c *caller) Read([]byte) (int, error)                  { c.call("a reader"); return 0, io.EOF }
func (c *caller) Write(p []byte) (int, error)               { c.call("a writer"); return len(p), nil }
func (c *caller) Enabled(context.Context, slog.Level) bool  { return true }
func (c *caller) Handle(context.Context, slog.Record) error { c.call("a logger"); return nil }
func (c *caller) WithAttrs([]slog.Attr) slog.Handler        { return c }
func (c *caller) WithGroup(string) slog.Handler             { return c }

func TestNoLockIsHeldWhileForeignCodeRuns(t *testing.T) {
	t.Parallel()
	c := &caller{t: t, from: make(map[string]bool)}
	c.service = process.New(executor{
		start: func(ctx context.Context, s process.Spec) (process.Instance, error) {
			c.call("Start")
			return instance{
				wait: func() (process.Exit, error) {
					c.call("Wait")
					io.Copy(s.Stdout, s.Stdin)
					io.WriteString(s.Stdout, "x")
					s.Denied(&process.DeniedError{})
					s.OutwardLink(process.OutwardLink{})
					<-ctx.Done()
					return process.Exit{}, nil
				},
				signal: func(process.Signal) error { c.call("Signal"); return nil },
			}, nil
		},
		close: func() error { c.call("Close"); return nil },
	}, process.WithLogger(c), process.WithEvents(func(process.Event) { c.call("a receiver") }))
	h := start(t, c.service, process.Spec{
		Command: "x", Stdin: c, Stdout: c, GracePeriod: time.Millisecond,
		Denied:      func(*process.DeniedError) { c.call("Denied") },
		OutwardLink: func(process.OutwardLink) { c.call("OutwardLink") },
	})
	require.NoError(t, h.Kill(t.Context()))
	require.NoError(t, c.service.Shutdown(t.Context()))
	require.Len(t, c.from, 10, "%v", c.from)
}
