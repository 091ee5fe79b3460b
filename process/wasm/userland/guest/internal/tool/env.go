// Package tool is the ground that every command of the userland stands on: its view of the world, its options, its
// messages and its way of reading files.
//
// A command is a function of an [Env]. It gets at the standard streams, the environment and the exit status through it and at
// files through package os, so that a test, or a shell in the same program, can run it without a process of its own.
//
// All commands live in the C locale: bytes are characters, and order is byte order. That is what GNU's tools do in an empty
// environment, which is what a guest has unless it was given another one, and it gives the same answer everywhere.
package tool

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// Command does the work of one program and returns its exit status.
type Command func(*Env) int

// Env is what one run of a command has beside the file tree.
type Env struct {
	Name    string   // the command's name in its own messages
	Args    []string // without the name
	Stdin   io.Reader
	Stdout  *Output
	Stderr  io.Writer
	Environ []string // KEY=VALUE

	// Trouble is the exit status of what went wrong: 1 unless the command sets another.
	Trouble int

	// Synopsis is a line of usage to print before the pointer to the help text, and Prefixed puts the command's name before that.
	Synopsis string
	Prefixed bool

	status int
}

// Run runs cmd and flushes its output. A reader that went away ends the command as SIGPIPE would.
func Run(cmd Command, e *Env) int {
	if e.Trouble == 0 {
		e.Trouble = 1
	}
	code := cmd(e)
	err := e.Stdout.Flush()
	switch {
	case err == nil:
		return code
	case errors.Is(err, syscall.EPIPE):
		return 128 + 13
	default:
		e.Warn("write error: %s", Reason(err))
		return max(code, e.Trouble)
	}
}

// Warn prints a message under the command's name. What was written to standard output before comes out before it.
func (e *Env) Warn(format string, args ...any) {
	e.Stdout.Flush()
	fmt.Fprintf(e.Stderr, "%s: %s\n", e.Name, fmt.Sprintf(format, args...))
}

// Fail prints a message and makes the exit status at least Trouble. It returns that status.
func (e *Env) Fail(format string, args ...any) int {
	e.Warn(format, args...)
	return e.Raise(e.Trouble)
}

// FailPath is Fail for an operation on a file.
func (e *Env) FailPath(path string, err error) int {
	return e.Fail("%s: %s", QuoteIfNeeded(path), Reason(err))
}

// Misused is Fail with a pointer to the help text.
func (e *Env) Misused(format string, args ...any) int {
	e.Warn(format, args...)
	return e.Hint()
}

// Raise makes the exit status at least code and returns it.
func (e *Env) Raise(code int) int {
	e.status = max(e.status, code)
	return e.status
}

// Status is the exit status so far.
func (e *Env) Status() int { return e.status }

// Getenv returns the value of a variable of the environment, or "".
func (e *Env) Getenv(key string) string {
	value := ""
	for _, entry := range e.Environ {
		if k, v, ok := strings.Cut(entry, "="); ok && k == key {
			value = v
		}
	}
	return value
}

// Hint prints the pointer to the help text alone and returns the exit status.
func (e *Env) Hint() int {
	if e.Synopsis != "" {
		fmt.Fprintf(e.Stderr, "Usage: %s %s\n", e.Name, e.Synopsis)
	}
	if e.Prefixed {
		fmt.Fprintf(e.Stderr, "%s: ", e.Name)
	}
	fmt.Fprintf(e.Stderr, "Try '%s --help' for more information.\n", e.Name)
	return e.Raise(e.Trouble)
}
