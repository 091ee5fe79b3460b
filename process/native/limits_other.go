//go:build !linux

package native

import "dappco.re/go/cloche/process"

// keep says what it takes for l to hold: here nothing can be done to a process
// before it runs.
func (b *bounds) keep(l limit, program string) (fix string) {
	switch l.name {
	case process.LimitFileSize, process.LimitDescriptors:
		return unheld(program) + "; or " + useWasm
	}
	return useWasm
}

func (b *bounds) impose(int) error { return nil }

func (b *bounds) exceeded(process.Signal) error { return nil }
