package processtest

import (
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Backend is what the suite runs on.
type Backend struct {
	Executor process.Executor
	// Fs is what Executor was built with: an empty, writable directory of the
	// host.
	Fs *fs.Fs
	// Command runs the program that Build made.
	Command string

	// What really differs between backends:

	// Signals says that processes can be sent signals; without it Instance.Signal
	// answers errors.ErrUnsupported.
	Signals bool
	// Children says that a process can start others.
	Children bool
	// Mounts says that Spec.Mounts is honoured; without it, it is refused.
	Mounts bool
	// Limits names the limits on files, and LimitFuel, that are honoured, as
	// LimitErrors do; the others are refused.
	Limits []string
	// Tells says that refusals by a limit are told to Spec.Denied.
	Tells bool
	// Holds says that Spec.Starting is honoured; without it, it is refused.
	Holds bool
	// Adopts says that an Instance has an Identity, and that its process can be adopted
	// by it; without it, that is refused where a process may outlive its program, and
	// otherwise every process is gone.
	Adopts bool
	// Terminal says that Spec.Terminal is honoured; without it, it is refused.
	Terminal bool
	// WideExit says that an exit code beyond 0 to 255 arrives as it was, as
	// WASI's do; without it only its low eight bits do, as POSIX has it.
	WideExit bool
}

// Run is the conformance suite. newBackend is called for every case; what it
// opens it closes in t.Cleanup. The test that calls Run must not be parallel,
// since Run counts goroutines and descriptors when its other cases are done.
//
// The cases run on two levels: on the raw seam, as [process.Executor] describes
// it, and through [process.Service].
func Run(t *testing.T, newBackend func(t testing.TB) Backend) {
	run := func(t *testing.T, cases []testCase) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.test(t, newBackend(t))
			})
		}
	}
	t.Run("Seam", func(t *testing.T) {
		run(t, startCases)
		run(t, streamCases)
		run(t, pipeCases)
		run(t, exitCases)
		run(t, stopCases)
		run(t, fileCases)
		run(t, limitCases)
	})
	t.Run("Service", func(t *testing.T) {
		run(t, serviceCases)
		run(t, inputCases)
		run(t, adoptCases)
	})
	t.Run("Leaks", func(t *testing.T) {
		for _, c := range leakCases {
			t.Run(c.name, func(t *testing.T) { leavesNothing(t, newBackend(t), c.test) })
		}
	})
}

type testCase struct {
	name string
	test func(t *testing.T, b Backend)
}
