package process

import "context"

// Executor starts processes. It is the only seam between the lifecycle above
// and the backends below, which make no ids, deadlines, output buffers or
// events of their own.
//
// Start returns once the process runs. A Start error leaves nothing behind.
// When ctx ends, the whole tree is killed at once and Wait returns; that is
// the only kill there is, so a backend never asks first.
//
// At this seam Spec is complete: Stdin is never nil and is an io.ReadCloser
// whose Close makes a blocked Read return, for the backend to call when ctx
// ends; Stdout and Stderr are never nil and
// may be written to from any one goroutine each; they are the same value when
// both streams are one. A Write that fails means that the process is being
// killed. With OutputFile nothing is written to either. Denied and OutwardLink are never nil. With Terminal, Stdout and Stderr are the same.
// Timeout, GracePeriod, OpenStdin, Merge, Capture, Detach and Limits.Output are
// done by the lifecycle; Command, Args, Dir, Env, Mounts, Denied, OutwardLink,
// Starting, OutputFile, Terminal and all other Limits are for the backend, which was built with the Core's Fs.
//
// An Executor may have a Name() string, which Info tells, an
// Adopt(context.Context, Identity) (Instance, error) for Service.Adopt, and may be an
// io.Closer: it is closed once when the service has shut down and nothing runs.
type Executor interface {
	Start(ctx context.Context, s Spec) (Instance, error)
}

// Instance is one running process tree. It may have a PID() int, an
// Identity() Identity, which stays what it was when the process has ended, a
// Resize(Terminal) error, under the same terms as Signal, and an Unmet() []string,
// which names the Limits that hold by best effort only.
type Instance interface {
	// Wait is called once. After it returns, no goroutine, descriptor or child
	// of the process survives, and nothing more is written to Stdout and
	// Stderr. The error is the backend's own failure, not the process's.
	Wait() (Exit, error)
	// Signal answers errors.ErrUnsupported where it has no meaning. It does not
	// block, and may come from any goroutine, also during Wait and after it: then
	// it must touch no other process that has the number by now.
	Signal(Signal) error
}
