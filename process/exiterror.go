package process

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ExitError says that a process ran, and failed. It unwraps to Exit.Reason, so
// that errors.Is(err, ErrTimeout) and errors.As to *LimitError, *TrapError and
// the others see why.
type ExitError struct {
	Command string
	Exit    Exit
	// What was captured, and how many bytes of it were dropped. Stdout holds both
	// streams when they were merged.
	Stdout, Stderr []byte
	Truncated      int64
}

// tailSize is how much of the output an error's text shows.
const tailSize = 256

func (e *ExitError) Error() string {
	var b strings.Builder
	b.WriteString(e.Command)
	if e.Exit.Reason != nil {
		fmt.Fprintf(&b, ": %v", e.Exit.Reason)
	}
	if e.Exit.Signal != "" {
		fmt.Fprintf(&b, ": %s", e.Exit.Signal)
	}
	fmt.Fprintf(&b, ": exit code %d", e.Exit.Code)
	if tail := e.tail(); tail != "" {
		b.WriteString(": " + tail)
	}
	return b.String()
}

// tail is the end of what the process said, quoted, for it may hold anything.
func (e *ExitError) tail() string {
	text := e.Stderr
	if len(text) == 0 {
		text = e.Stdout
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return ""
	}
	if len(text) <= tailSize {
		return strconv.Quote(string(text))
	}
	return "…" + strconv.Quote(string(text[len(text)-tailSize:]))
}

func (e *ExitError) Unwrap() error { return e.Exit.Reason }

// failure is the ExitError of a process that did not succeed, or nil.
func (h *Handle) failure(out Output) error {
	if out.Exit.Code == 0 && out.Exit.Reason == nil {
		return nil
	}
	return &ExitError{
		Command:   h.spec.Command,
		Exit:      out.Exit,
		Stdout:    out.Stdout,
		Stderr:    out.Stderr,
		Truncated: out.StdoutDropped + out.StderrDropped,
	}
}

// Err is nil for a process that has not ended, or ended well. Otherwise it is what
// Run would return: an *ExitError, or the error of the backend.
func (h *Handle) Err() error {
	if !h.hasEnded() {
		return nil
	}
	if h.err != nil {
		return h.err
	}
	return h.failure(h.Output())
}

// ExitCode is the number that a shell would report for an error from Start or
// Run: the process's own where it ran, 127 when there is no such program, 126
// when it may not or cannot be run, 125 for every other reason not to start.
func ExitCode(err error) int {
	var exit *ExitError
	var denied *DeniedError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Exit.Code
	case errors.Is(err, ErrNotFound):
		return 127
	case errors.Is(err, ErrNotExecutable), errors.As(err, &denied):
		return 126
	}
	return codeFailed
}
