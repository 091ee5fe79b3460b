package native

import (
	"errors"
	iofs "io/fs"
	"os"
	"syscall"

	"dappco.re/go/cloche/fs"
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

func openStreams(fsys *fs.Fs, s process.Spec) (streams, error) {
	if s.Terminal != nil {
		return openTerminal(s)
	}
	return openPipes(fsys, s)
}

// openOutput opens what Spec.OutputFile names, for the process itself.
func openOutput(fsys *fs.Fs, path string) (*os.File, error) {
	f, err := fsys.Append(path)
	if err != nil {
		return nil, outputError(path, err)
	}
	defer f.Close()
	file, err := f.HostFile()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, unsupported("outputFile", "give Stdout instead, or name a file of the host, and not on Windows")
	}
	return file, err
}

func outputError(path string, err error) error {
	if _, denied := errors.AsType[*process.DeniedError](err); denied {
		return err
	}
	if pe, ok := errors.AsType[*iofs.PathError](err); ok {
		err = pe.Err
	}
	return &process.SpecError{Field: "outputFile", Value: path, Err: err, Fix: "name a file that may be written, in a directory that exists"}
}
