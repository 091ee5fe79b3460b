//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// wantErrors makes a limit on the size of files an error, and not the end.
func wantErrors() { signal.Ignore(syscall.SIGXFSZ) }
