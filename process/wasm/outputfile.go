package wasm

import (
	"errors"

	"dappco.re/go/cloche/process"
)

// openOutput makes what Spec.OutputFile names the guest's two outputs.
func (e *Executor) openOutput(i *instance) error {
	path := i.spec.OutputFile
	if path == "" {
		return nil
	}
	f, err := e.fsys.Append(path)
	if _, denied := errors.AsType[*process.DeniedError](err); denied {
		return err
	}
	if err != nil {
		return &process.SpecError{Field: "outputFile", Value: path, Err: plain(err), Fix: "name a file that may be written, in a directory that exists"}
	}
	i.onEnd(func() { _ = f.Close() })
	i.spec.Stdout, i.spec.Stderr = f, f
	return nil
}
