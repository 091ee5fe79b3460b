package fs

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"syscall"
)

// DeniedError says that a rule of cloche, not the host, refused an operation.
// It matches io/fs.ErrPermission, and errors.As reads it as an
// *io/fs.PathError too.
type DeniedError struct {
	Op   string // as in "open", "rename"
	Path string // as the caller gave it, never a host path
	Rule string // the rule that refused, one of RuleReadOnly and its like
	Fix  string // how to allow it
	Err  error  // the errno a guest sees, or what wraps it

	// ofNew says that, of an operation on two paths, the refusal is about the
	// new one. A Dir sets it, who is told only names.
	ofNew bool
}

func (e *DeniedError) Error() string {
	s := fmt.Sprintf("%s %q: denied: %s", e.Op, e.Path, e.Rule)
	if e.Fix != "" {
		s += "; to allow it: " + e.Fix
	}
	return s
}

func (e *DeniedError) Unwrap() error { return e.Err }

// Is reports a match with io/fs.ErrPermission.
func (e *DeniedError) Is(target error) bool { return target == iofs.ErrPermission }

// As serves callers who look for the error that every other failing operation
// on a path gives.
func (e *DeniedError) As(target any) bool {
	p, ok := target.(**iofs.PathError)
	if ok {
		*p = &iofs.PathError{Op: e.Op, Path: e.Path, Err: e.Err}
	}
	return ok
}

// Retold is the refusal in the words of whoever asked: a Dir knows only names. Of
// an operation that was given two paths, it tells the one that the refusal is
// about; newpath is "" for all others.
func (e *DeniedError) Retold(op, path, newpath string) *DeniedError {
	d := *e
	d.Op, d.Path, d.ofNew = op, path, false
	if e.ofNew {
		d.Path = newpath
	}
	return &d
}

// pathError puts the caller's own words around what a Dir or the walk answered,
// and drops whatever else the error carried: a host path could be in it.
func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if d, ok := errors.AsType[*DeniedError](err); ok {
		return d.Retold(op, path, path)
	}
	return &iofs.PathError{Op: op, Path: path, Err: bare(err)}
}

func linkError(op, from, to string, err error) error {
	if err == nil {
		return nil
	}
	if d, ok := errors.AsType[*DeniedError](err); ok {
		return d.Retold(op, from, to)
	}
	return &os.LinkError{Op: op, Old: from, New: to, Err: bare(err)}
}

// bare is the errno in err, or else err without the paths around it.
func bare(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if p, ok := errors.AsType[*iofs.PathError](err); ok {
		return p.Err
	}
	return err
}

// isErrno is errors.Is for one exact errno: syscall.Errno itself also matches
// the wider classes of io/fs.
func isErrno(err error, want syscall.Errno) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && errno == want
}

// notRegular refuses FIFOs, sockets and devices.
func notRegular() error {
	return &DeniedError{
		Op: "open", Rule: RuleSpecialFile,
		Fix: "a device can be opened through fs.NewUnrestricted", Err: syscall.EACCES,
	}
}
