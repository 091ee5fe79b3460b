//go:build !linux

package native

import "os"

func start(program string, argv []string, attr *os.ProcAttr, _ prepare) (*os.Process, error) {
	return os.StartProcess(program, argv, attr)
}

// unheld says what it takes for a program to be held.
func unheld(string) (fix string) {
	return "run it on Linux: only there can a process be held before its first instruction"
}
