//go:build !linux

package native

import "os"

// mayHold says whether Spec.Starting can be honoured at all.
const mayHold = false

func start(program string, argv []string, attr *os.ProcAttr, _ prepare) (*os.Process, error) {
	return os.StartProcess(program, argv, attr)
}
