package process

import (
	"fmt"
	"os"
)

// Terminal is the size of the terminal that a process is given, in characters.
// What is zero of it is that of a VT100: 24 rows, 80 columns.
type Terminal struct {
	Rows, Cols int
}

const (
	defaultRows = 24
	defaultCols = 80
	maxSize     = 1<<16 - 1 // of either: winsize in ioctl_tty(2)
)

// checkTerminal also makes the two outputs one, as they are on a terminal.
func checkTerminal(spec *Spec) error {
	if spec.Terminal == nil {
		return nil
	}
	if spec.Stderr != nil {
		return invalid("stderr", "", "give either Stderr or Terminal, not both: all that a terminal shows goes to Stdout")
	}
	size := *spec.Terminal
	if size.Rows == 0 {
		size.Rows = defaultRows
	}
	if size.Cols == 0 {
		size.Cols = defaultCols
	}
	spec.Terminal, spec.Merge = &size, true
	return size.check()
}

func (t Terminal) check() error {
	if min(t.Rows, t.Cols) < 1 || max(t.Rows, t.Cols) > maxSize {
		return invalid("terminal", fmt.Sprintf("%d by %d", t.Rows, t.Cols), fmt.Sprintf("give from 1 to %d rows and columns", maxSize))
	}
	return nil
}

// resizer is an Instance whose terminal can change its size.
type resizer interface{ Resize(Terminal) error }

// Resize changes the size of the process's terminal, which tells the process by
// SIGWINCH. It waits for nothing. Without Spec.Terminal it is a *SpecError, and
// when the process has ended, os.ErrProcessDone.
func (h *Handle) Resize(rows, cols int) error {
	size := Terminal{rows, cols}
	if h.spec.Terminal == nil {
		return &SpecError{Field: "terminal", Err: ErrInvalid, Fix: "give it one from the start: Spec.Terminal"}
	}
	if err := size.check(); err != nil {
		return err
	}
	h.mu.Lock()
	instance, state := h.instance, h.state
	h.mu.Unlock()
	switch r, ok := instance.(resizer); {
	case state.Ended():
		return fmt.Errorf("process %s has ended: %w", h.id, os.ErrProcessDone)
	case instance == nil:
		return fmt.Errorf("process %s is pending: its terminal can be resized once it runs: %w", h.id, ErrInvalid)
	case !ok:
		return &UnsupportedError{Backend: h.backend, Field: "a resize of the terminal", Fix: "give it its size at the start"}
	default:
		return guard("the executor's Resize", func() error { return r.Resize(size) })
	}
}
