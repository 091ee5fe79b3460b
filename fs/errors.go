package fs

import (
	"fmt"
	iofs "io/fs"
)

// DeniedError says that a rule of cloche, not the host, refused an operation.
// It matches io/fs.ErrPermission.
type DeniedError struct {
	Op   string // as in "open", "rename"
	Path string // as the caller gave it, never a host path
	Rule string // the rule that refused, as in "read-only mount"
	Fix  string // how to allow it
	Err  error  // the errno a guest sees
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
