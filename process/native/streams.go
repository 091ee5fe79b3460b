package native

import (
	"os"
	"syscall"

	"dappco.re/go/cloche/process"
)

// streams are the process's standard streams: its own ends, and the goroutines
// that copy at ours.
type streams interface {
	files() []*os.File
	// attach adds to attr what the process's ends need.
	attach(attr *syscall.SysProcAttr) *syscall.SysProcAttr
	// terminal is what the process can open its terminal by, if it has one.
	terminal() []string
	// closeTheirs comes when the process has started, or not.
	closeTheirs()
	// closeOurs is for a process that did not start.
	closeOurs()
	// copy starts the goroutines; fail is called when a writer failed.
	copy(fail func())
	// finish returns when all is delivered that was written before, with the error
	// of the writer that failed. It may be called when nobody is left who matters.
	finish() error
	resize(process.Terminal) error
}

func openStreams(s process.Spec) (streams, error) {
	if s.Terminal != nil {
		return openTerminal(s)
	}
	return openPipes(s)
}
