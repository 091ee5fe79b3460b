package processtest

import (
	"context"
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Core returns a Core over files that runs processes on backend, as in
// wasm.RegisterWith(...), started, and shut down with the test. It is for tests
// that come out the same on every machine, and in parallel: a process that runs
// natively fails t, and so does one that the test leaves running.
//
// What such a test sees is the test's to say, since this package knows no backend:
// files by Fixture, fs.Memory or fs.Overlay; the time by one wasm.Clock for the
// guests (wasm.WithClock) and for the dates of files (fs.WithClock); random bytes
// by wasm.WithSeed. The environment is empty, as ever. Spec.Timeout counts the
// host's time, or that of the bubble in testing/synctest, so that a guest which
// sleeps on a clock that stands still meets its deadline all the same.
//
// A goroutine that is left cannot be told from those of tests that run at the same
// time: goleak.VerifyTestMain finds them when all are done.
func Core(t testing.TB, files *fs.Fs, backend func(*core.Core) core.Result) *core.Core {
	t.Helper()
	return startCore(t, core.WithPlainFs(files), backend, core.WithService(refuseNative(t)))
}

// startCore starts a Core that must end with t and leave nothing running.
func startCore(t testing.TB, files core.CoreOption, backend func(*core.Core) core.Result, more ...core.CoreOption) *core.Core {
	t.Helper()
	c := core.New(append([]core.CoreOption{files, core.WithService(backend)}, more...)...)
	t.Cleanup(func() { endCore(t, c) })
	if err := c.ServiceStartup(t.Context()).Err(); err != nil {
		t.Fatalf("the Core does not start: %v", err)
	}
	return c
}

func endCore(t testing.TB, c *core.Core) {
	t.Helper()
	for _, info := range process.For(c).List() {
		if !info.Status.Ended() && !t.Failed() {
			t.Errorf("%s %q was left running: await it, kill it, or shut the Core down", info.Command, info.Args)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ServiceShutdown(ctx).Err(); err != nil {
		t.Errorf("the Core does not end: %v", err)
	}
}

// refuseNative fails t for every process that runs natively.
func refuseNative(t testing.TB) func(*core.Core) core.Result {
	return func(c *core.Core) core.Result {
		c.RegisterAction(func(_ *core.Core, m core.Message) core.Result {
			if e, ok := m.(process.StartedEvent); ok && e.Info.Backend == "native" {
				t.Errorf("%s ran natively: a test that must not depend on the machine has no native backend", e.Info.Command)
			}
			return core.Ok(nil)
		})
		return core.Ok(nil)
	}
}
