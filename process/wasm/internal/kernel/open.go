package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// OpenFlags are how to open a path, numbered as in WASI preview 1
// (typenames.witx, $oflags).
type OpenFlags uint16

const (
	OpenCreate OpenFlags = 1 << iota
	OpenDirectory
	OpenExclusive
	OpenTruncate

	allOpenFlags = OpenCreate | OpenDirectory | OpenExclusive | OpenTruncate
)

// OpenRequest is what Open is asked for.
type OpenRequest struct {
	Path             string
	Follow           bool // a last symlink
	How              OpenFlags
	Base, Inheriting Rights
	Flags            Flags
}

// Open opens a file or directory under the lowest free number.
//
// What Base holds that makes no sense for what was found is dropped. What the
// directory at fd does not let its files inherit is ErrNotCapable.
func (p *Process) Open(fd FD, r OpenRequest) (FD, error) {
	if r.How&^allOpenFlags != 0 || r.Flags&^allFlags != 0 || r.has(OpenCreate|OpenDirectory) {
		return 0, syscall.EINVAL
	}
	if err := p.fds.reserve(); err != nil {
		return 0, p.refused("open", p.label(fd, r.Path), err)
	}
	e, err := p.open(fd, r)
	if err != nil {
		p.fds.cancel()
		return 0, err
	}
	return p.fds.add(e)
}

func (p *Process) open(fd FD, r OpenRequest) (entry, error) {
	defer p.account.settle()()
	// Most paths do not end in a symlink, and opening one tells.
	e, err := p.openAt(fd, r, 0)
	if follow := r.mode(); follow != 0 && errors.Is(err, errIsLink) {
		return p.openAt(fd, r, follow)
	}
	return e, err
}

// errIsLink says that a path ends in a symlink, which was not followed.
var errIsLink = fmt.Errorf("a symlink: %w", syscall.ELOOP)

// openAt opens what a path leads to.
func (p *Process) openAt(fd FD, r OpenRequest, mode fs.Mode) (entry, error) {
	t, err := p.start("open", fd, r.need(), r.Path)
	if err != nil {
		return entry{}, err
	}
	defer t.release()
	wanted := (r.Base | r.Inheriting | r.Flags.neededToOpen()) & (fileRights | directoryRights)
	allowed := wanted&^t.from.inheriting == 0
	var obj object
	if allowed {
		obj = t.openPlain(r)
	}
	if obj == nil {
		if err := t.resolve(mode, !r.has(OpenCreate)); err != nil {
			return entry{}, err
		}
		if !allowed {
			return entry{}, ErrNotCapable
		}
		if obj, err = t.open(r); err != nil {
			if errors.Is(err, syscall.ELOOP) {
				err = errIsLink
			}
			return entry{}, t.refused(err)
		}
	}
	return r.entry(t.from, obj), nil
}

// entry is a new descriptor's, with the rights that make sense for obj.
func (r *OpenRequest) entry(from entry, obj object) entry {
	e := entry{base: r.Base, inheriting: r.Inheriting & from.inheriting, nonblock: r.Flags&FlagNonblock != 0}
	switch obj.(type) {
	case *file:
		e.base &= fileRights
		e.inheriting = 0
	case *directory:
		e.base &= directoryRights
		if e.base&RightPathCreateFile != 0 {
			// Go's os.Root opens directories without the right to truncate what
			// is in them, and truncates all the same. Who may make files there
			// may do so.
			e.base |= RightPathFilestatSetSize & from.inheriting
		}
	}
	e.desc = newDescription(obj, r.Flags)
	return e
}

func (r *OpenRequest) has(f OpenFlags) bool { return r.How&f == f }

// need is what the directory that a path starts at must allow.
func (r *OpenRequest) need() Rights {
	need := RightPathOpen
	if r.has(OpenCreate) {
		need |= RightPathCreateFile
	}
	if r.has(OpenTruncate) {
		need |= RightPathFilestatSetSize
	}
	return need
}

// mode follows a last symlink if the guest wants it, but never under O_EXCL, which
// is about the name itself (open(2)), nor when a path that is to be created ends in
// a slash, which is refused whatever is there.
func (r *OpenRequest) mode() fs.Mode {
	if r.has(OpenCreate) && (r.has(OpenExclusive) || strings.HasSuffix(r.Path, "/")) {
		return 0
	}
	return mode(r.Follow)
}

// access turns the rights into an access mode. Only writing and allocating need a
// file that is open for writing; RightFilestatSetSize alone does not make it so,
// because programs ask for it out of habit on files they only read.
func (r *OpenRequest) access() int {
	read := r.Base&RightRead != 0
	write := r.Base&(RightWrite|RightAllocate) != 0 || r.has(OpenTruncate)
	switch {
	case write && read:
		return os.O_RDWR
	case write:
		return os.O_WRONLY
	}
	return os.O_RDONLY
}

// osFlags are the flags for fs.Dir.OpenFile.
func (r *OpenRequest) osFlags() int {
	f := r.access()
	if r.has(OpenCreate) {
		f |= os.O_CREATE
	}
	if r.has(OpenExclusive) {
		f |= os.O_EXCL
	}
	if r.has(OpenTruncate) {
		f |= os.O_TRUNC
	}
	return f
}

// open opens what t leads to.
func (t *target) open(r OpenRequest) (object, error) {
	if t.Name == "" || t.MustDir || r.has(OpenDirectory) {
		return t.openDir(r)
	}
	node, err := t.openFile(r.osFlags())
	if err == nil {
		return t.file(node, r), nil
	}
	if !errors.Is(err, syscall.EISDIR) || r.has(OpenCreate) || r.has(OpenTruncate) {
		return nil, err
	}
	return t.openDir(r)
}

// openPlain opens a file that is there, without walking, or returns nil. Under a limit
// on depth it has to be known where the walk leads.
func (t *target) openPlain(r OpenRequest) object {
	a := t.p.account
	if r.How != 0 || a.limits.Depth != 0 || a.admitLength(t.path) != nil {
		return nil
	}
	node, ok := fs.OpenPlain(t.base.dir, t.path, r.access())
	if !ok {
		return nil
	}
	return t.file(node, r)
}

func (t *target) file(node fs.Node, r OpenRequest) *file {
	return newFile(node, r.access() != os.O_RDONLY, t.label())
}

// openFile opens a file, and counts one that it makes.
func (t *target) openFile(flag int) (fs.Node, error) {
	const mode = 0o666
	if flag&os.O_CREATE == 0 || t.p.account.created.max == 0 {
		return t.Dir.OpenFile(t.Name, flag, mode)
	}
	// O_CREAT does not say whether it made the file. O_EXCL does: so what is there
	// is opened, and what is not is made, and when neither will do, because others
	// make and remove it all the time, that is tried again.
	var node fs.Node
	var err error
	for range 8 {
		if flag&os.O_EXCL == 0 {
			node, err = t.Dir.OpenFile(t.Name, flag&^os.O_CREATE, mode)
			if !errors.Is(err, syscall.ENOENT) {
				return node, err
			}
		}
		err = t.create(func() (err error) {
			node, err = t.Dir.OpenFile(t.Name, flag|os.O_EXCL, mode)
			return err
		})
		if flag&os.O_EXCL != 0 || !errors.Is(err, syscall.EEXIST) {
			return node, err
		}
	}
	return nil, err
}

// create makes a name by make, if one more may be made.
func (t *target) create(make func() error) error {
	created := &t.p.account.created
	if !created.takeAll(1) {
		if _, err := t.Dir.Lookup(t.Name); err == nil {
			return syscall.EEXIST // as it would be without a limit
		}
		return exceeded(LimitCreated, created.max)
	}
	err := make()
	if err != nil {
		created.giveBack(1)
	}
	return err
}

// openDir opens what must be a directory.
func (t *target) openDir(r OpenRequest) (object, error) {
	switch {
	case t.Name == "" && r.has(OpenCreate|OpenExclusive):
		return nil, syscall.EEXIST
	case r.has(OpenCreate):
		// open(2): "EISDIR pathname refers to a directory and the access
		// requested involved writing". Linux says it of O_CREAT on all that ends
		// in a slash, be it there or not.
		return nil, syscall.EISDIR
	}
	where := t.where()
	if len(where) > maxWhere {
		return nil, syscall.ENAMETOOLONG
	}
	d, err := t.dir()
	if err != nil {
		return nil, err
	}
	if r.Base&RightWrite != 0 || r.has(OpenTruncate) {
		d.Close()
		return nil, syscall.EISDIR
	}
	return t.p.newDirectory(d, t.label().String(), where, t.base.isRoot && onlyDots(r.Path)), nil
}

// dir returns a handle of its own on the directory that t leads to.
func (t *target) dir() (fs.Dir, error) {
	if t.Name == "" {
		return t.Dir.Dup()
	}
	if err := t.admit(); err != nil {
		return nil, err
	}
	return t.Dir.OpenDir(t.Name)
}

// onlyDots reports whether a path that starts at the root cannot leave it.
func onlyDots(path string) bool {
	for elem := range strings.SplitSeq(path, "/") {
		if elem != "" && elem != "." && elem != ".." {
			return false
		}
	}
	return true
}
