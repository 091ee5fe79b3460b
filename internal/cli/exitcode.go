package cli

import (
	"errors"
	"syscall"

	"dappco.re/go/cloche/process"
)

// Exit codes that are the command's own; the others come from process.ExitCode.
const (
	exitFailed     = 125
	exitSignal     = 128 // plus the signal's number
	exitOutOfRange = 255
)

// exitCode is what the command exits with after a run. A host keeps only eight
// bits of an exit code, so one that does not fit becomes 255 rather than some
// other number, 0 among them.
func exitCode(out *process.Output, err error) int {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return exitSignal + int(syscall.SIGPIPE)
	case out != nil && reasonOf(out.Exit.Reason) == "failed":
		return exitFailed
	}
	if code := process.ExitCode(err); 0 <= code && code <= 255 {
		return code
	}
	return exitOutOfRange
}

// reasonOf names why a process ended, or did not start, in one word.
func reasonOf(err error) string {
	_, denied := errors.AsType[*process.DeniedError](err)
	_, limit := errors.AsType[*process.LimitError](err)
	_, trap := errors.AsType[*process.TrapError](err)
	switch {
	case err == nil:
		return "exited"
	case limit:
		return "limit"
	case trap:
		return "trap"
	case errors.Is(err, process.ErrTimeout):
		return "timeout"
	case errors.Is(err, process.ErrKilled):
		return "killed"
	case errors.Is(err, process.ErrNotFound):
		return "not found"
	case errors.Is(err, process.ErrNotExecutable):
		return "not executable"
	case denied:
		return "denied"
	}
	return "failed"
}
