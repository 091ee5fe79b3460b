package kernel

import (
	"errors"
	"strings"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// target is where a path of the guest's leads, and what it takes to tell of a
// refusal.
type target struct {
	fs.Place
	p    *Process
	op   string
	from entry // the descriptor that the path starts at
	base *directory
	path string // as the guest gave it
}

func (t *target) release() {
	t.Place.Close()
	t.from.release()
}

// refused passes err on, and tells the host if it is a refusal.
func (t *target) refused(err error) error { return t.p.refused(t.op, t.base, t.path, err) }

// resolve walks a path from a descriptor, which must be a directory with the
// rights need. A path that ends in a slash follows a last symlink if lastSlash,
// as all calls do that look at a file (path_resolution(7)); those that make or
// remove a name do not.
func (p *Process) resolve(op string, fd FD, need Rights, path string, mode fs.Mode, lastSlash bool) (target, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return target{}, err
	}
	t := target{p: p, op: op, from: e, path: path}
	d, ok := e.desc.obj.(*directory)
	if !ok {
		err = syscall.ENOTDIR
	} else if err = e.need(need); err == nil {
		t.base = d
		if lastSlash && strings.HasSuffix(path, "/") {
			mode |= fs.Follow
		}
		t.Place, err = p.walk(&e, d, path, mode)
		err = t.refused(err)
	}
	if err != nil {
		e.release()
		return target{}, err
	}
	return t, nil
}

// walk resolves a path from a directory.
//
// A preopen is a name for a place in the guest's tree, all of which the guest can
// reach by its preopen "/". So what climbs out of another preopen is not outside:
// it is walked again from the root. A directory that the guest opened itself
// keeps its paths below it, as WASI demands of every descriptor.
func (p *Process) walk(e *entry, d *directory, path string, mode fs.Mode) (fs.Place, error) {
	if strings.HasPrefix(path, "/") {
		return fs.Place{}, &fs.DeniedError{
			Op: "resolve", Path: path, Err: syscall.EPERM,
			Rule: "absolute path relative to a directory",
			Fix:  "use a relative path",
		}
	}
	if d.isRoot {
		mode |= fs.Clamp
	}
	place, err := fs.Resolve(p.root, d.dir, path, mode)
	if e.preopen == "" || d.isRoot {
		return place, err
	}
	if _, denied := errors.AsType[*fs.DeniedError](err); !denied {
		return place, err
	}
	return fs.Resolve(p.root, p.root, d.path+"/"+path, mode|fs.Clamp)
}

// refused passes err on. A refusal is told to Config.Denied, with the path as the
// guest sees it.
func (p *Process) refused(op string, d *directory, path string, err error) error {
	if err == nil {
		return nil
	}
	denied, ok := errors.AsType[*fs.DeniedError](err)
	if !ok || p.denied == nil {
		return err
	}
	told := *denied
	told.Op, told.Path = op, d.at(path)
	p.denied(&told)
	return err
}

// at is the absolute path of a path that starts at d. It keeps every element as
// the guest wrote it.
func (d *directory) at(path string) string {
	switch {
	case path == "":
		return d.path
	case strings.HasPrefix(path, "/"):
		return path
	}
	return strings.TrimSuffix(d.path, "/") + "/" + path
}

// mode is the resolution mode of a call that may follow a last symlink.
func mode(follow bool) fs.Mode {
	if follow {
		return fs.Follow
	}
	return 0
}

// PathStat describes what path leads to, a symlink as itself unless follow.
func (p *Process) PathStat(fd FD, path string, follow bool) (fs.Stat, error) {
	t, err := p.resolve("stat", fd, RightPathFilestatGet, path, mode(follow), true)
	if err != nil {
		return fs.Stat{}, err
	}
	defer t.release()
	st, err := t.Stat()
	return st, t.refused(err)
}

// PathSetTimes sets the times of what path leads to.
func (p *Process) PathSetTimes(fd FD, path string, follow bool, times Times) error {
	t, err := p.resolve("set times", fd, RightPathFilestatSetTimes, path, mode(follow), true)
	if err != nil {
		return err
	}
	defer t.release()
	if t.Name == "" {
		return t.refused(t.Dir.SetOwnTimes(times.Atime, times.Mtime))
	}
	if t.MustDir {
		if _, err := t.Stat(); err != nil {
			return t.refused(err)
		}
	}
	return t.refused(t.Dir.SetTimes(t.Name, times.Atime, times.Mtime))
}

// Mkdir makes a directory.
func (p *Process) Mkdir(fd FD, path string) error {
	t, err := p.resolve("mkdir", fd, RightPathCreateDirectory, path, 0, false)
	if err != nil {
		return err
	}
	defer t.release()
	if t.Name == "" {
		return syscall.EEXIST
	}
	return t.refused(t.Dir.Mkdir(t.Name, 0o777))
}

// Rmdir removes an empty directory.
func (p *Process) Rmdir(fd FD, path string) error {
	t, err := p.resolve("rmdir", fd, RightPathRemoveDirectory, path, 0, false)
	if err != nil {
		return err
	}
	defer t.release()
	switch {
	case t.Name != "":
		return t.refused(t.Dir.Rmdir(t.Name))
	case endsInDotDot(path):
		return syscall.ENOTEMPTY // at least the directory before it is in there
	}
	return syscall.EINVAL
}

func endsInDotDot(path string) bool {
	path = strings.TrimRight(path, "/")
	return path == ".." || strings.HasSuffix(path, "/..")
}

// Unlink removes a name that is not a directory's.
func (p *Process) Unlink(fd FD, path string) error {
	t, err := p.resolve("unlink", fd, RightPathUnlinkFile, path, 0, false)
	if err != nil {
		return err
	}
	defer t.release()
	if t.Name == "" {
		return syscall.EISDIR
	}
	if t.MustDir {
		if _, err := t.Stat(); err != nil {
			return t.refused(err)
		}
		return syscall.EISDIR
	}
	return t.refused(t.Dir.Unlink(t.Name))
}

// Readlink returns where a symlink points.
func (p *Process) Readlink(fd FD, path string) (string, error) {
	t, err := p.resolve("readlink", fd, RightPathReadlink, path, 0, true)
	if err != nil {
		return "", err
	}
	defer t.release()
	if t.Name == "" {
		return "", syscall.EINVAL
	}
	if t.MustDir {
		if _, err := t.Stat(); err != nil {
			return "", t.refused(err)
		}
		return "", syscall.EINVAL
	}
	s, err := t.Dir.Readlink(t.Name)
	return s, t.refused(err)
}

// Symlink makes path a symlink to dest, which is stored as it is. An absolute one
// is refused: outside, where a host's tools may follow it later, it would mean
// another file than in here. Those that exist already are followed, from the
// guest's root.
func (p *Process) Symlink(dest string, fd FD, path string) error {
	t, err := p.resolve("symlink", fd, RightPathSymlink, path, 0, false)
	if err != nil {
		return err
	}
	defer t.release()
	if err := t.vacant(); err != nil {
		return err
	}
	switch {
	case dest == "":
		return syscall.ENOENT
	case strings.IndexByte(dest, 0) >= 0:
		return syscall.EINVAL
	case strings.HasPrefix(dest, "/"):
		return t.refused(&fs.DeniedError{
			Op: "symlink", Path: path, Err: syscall.EPERM,
			Rule: "symlink to an absolute path",
			Fix:  "use a relative target",
		})
	}
	return t.refused(t.Dir.Symlink(dest, t.Name))
}

// vacant answers what a call that makes a name for something that is no directory
// answers to a path that can only be a directory.
func (t *target) vacant() error {
	if t.Name == "" {
		return syscall.EEXIST
	}
	if !t.MustDir {
		return nil
	}
	if _, err := t.Dir.Lookup(t.Name); err != nil {
		return t.refused(err)
	}
	return syscall.EEXIST
}

// Link gives a file a second name.
func (p *Process) Link(oldFD FD, oldPath string, follow bool, newFD FD, newPath string) error {
	from, err := p.resolve("link", oldFD, RightPathLinkSource, oldPath, mode(follow), true)
	if err != nil {
		return err
	}
	defer from.release()
	st, err := from.Stat()
	if err != nil {
		return from.refused(err)
	}
	to, err := p.resolve("link", newFD, RightPathLinkTarget, newPath, 0, false)
	if err != nil {
		return err
	}
	defer to.release()
	if err := to.vacant(); err != nil {
		return err
	}
	if st.Mode.IsDir() {
		// link(2): "EPERM oldpath is a directory", but not before a new name that
		// exists.
		if _, err := to.Dir.Lookup(to.Name); err == nil {
			return syscall.EEXIST
		}
		return syscall.EPERM
	}
	return to.refused(from.Dir.Link(from.Name, to.Dir, to.Name))
}

// Rename is rename(2).
func (p *Process) Rename(oldFD FD, oldPath string, newFD FD, newPath string) error {
	from, err := p.resolve("rename", oldFD, RightPathRenameSource, oldPath, 0, false)
	if err != nil {
		return err
	}
	defer from.release()
	to, err := p.resolve("rename", newFD, RightPathRenameTarget, newPath, 0, false)
	if err != nil {
		return err
	}
	defer to.release()
	if from.Name == "" || to.Name == "" {
		return syscall.EBUSY
	}
	if from.MustDir || to.MustDir {
		st, err := from.Dir.Lookup(from.Name)
		if err != nil {
			return from.refused(err)
		}
		if !st.Mode.IsDir() {
			return syscall.ENOTDIR
		}
	}
	return to.refused(from.Dir.Rename(from.Name, to.Dir, to.Name))
}
