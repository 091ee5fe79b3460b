package kernel

import (
	"errors"
	"strings"

	"dappco.re/go/cloche/fs"
)

// refused passes err on. A refusal is told to Config.Denied, each time: a guest
// that goes on trying waits for whoever is told, and nothing piles up here.
func (p *Process) refused(op string, of label, err error) error {
	if denied := p.refusal(err); denied != nil {
		path := of.String()
		p.denied(denied.Retold(op, path, path))
	}
	return err
}

// refusedBetween is refused for an operation on two paths.
func refusedBetween(from, to *target, err error) error {
	if denied := from.p.refusal(err); denied != nil {
		from.p.denied(denied.Retold(from.op, from.label().String(), to.label().String()))
	}
	return err
}

// refusal is the refusal in err, if there is one and somebody wants to know.
func (p *Process) refusal(err error) *fs.DeniedError {
	if err == nil || p.denied == nil {
		return nil
	}
	denied, _ := errors.AsType[*fs.DeniedError](err)
	return denied
}

// label is how the guest named a file or directory: by a path, and the directory
// that this started at.
type label struct{ dir, path string }

// String is one absolute path. It keeps every element as the guest wrote it.
func (l label) String() string {
	switch {
	case l.path == "":
		return l.dir
	case strings.HasPrefix(l.path, "/"):
		return told(l.path)
	}
	return told(strings.TrimSuffix(l.dir, "/") + "/" + l.path)
}

// told bounds what a guest can make a host keep: each directory that it opens from
// another has a longer path.
func told(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}

// label is that of a path that starts at d.
func (d *directory) label(path string) label { return label{d.path, path} }

// label is that of a path that starts at fd, as far as fd is a directory.
func (p *Process) label(fd FD, path string) label {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return label{"/", path}
	}
	defer e.release()
	if d, ok := e.desc.obj.(*directory); ok {
		return d.label(path)
	}
	return label{"/", path}
}
