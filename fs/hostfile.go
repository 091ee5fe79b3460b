package fs

import (
	"errors"
	iofs "io/fs"
	"os"
)

// hostFiler is a Node that is a file of the host.
type hostFiler interface {
	hostFile(append bool) (*os.File, error)
}

// HostFile returns another handle on the file, the host's own, for a native
// process to have as a standard stream and for nothing else: what is done through
// it, no rule of the Fs sees. If the file was opened by Append, so is this handle.
// The caller closes it, and the File, as well.
//
// A file that is not the host's, and every file on Windows, answers
// errors.ErrUnsupported.
func (f *File) HostFile() (*os.File, error) {
	if err := f.file("open"); err != nil {
		return nil, err
	}
	n, ok := f.node.(hostFiler)
	if !ok {
		return nil, &iofs.PathError{Op: "open", Path: f.path, Err: errors.ErrUnsupported}
	}
	file, err := n.hostFile(f.append)
	return file, f.fail("open", err)
}
