package kernel

import (
	"errors"
	iofs "io/fs"
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
	top  bool   // the walk began at the root, not at base
}

func (t *target) release() {
	t.Place.Close()
	t.from.release()
}

// refused passes err on, and tells the host if it is a refusal.
func (t *target) refused(err error) error { return t.p.refused(t.op, t.label(), err) }

func (t *target) label() label { return t.base.label(t.path) }

// where is the path from the root to the entry, without symlinks.
func (t *target) where() string {
	if t.top {
		return t.Path()
	}
	return t.PathFrom(t.p.account.atlas.where(t.base))
}

// admit refuses what would be, or is, too deep for a directory.
func (t *target) admit() error {
	if t.p.account.limits.Depth == 0 {
		return nil
	}
	return t.p.account.tooDeep(depth(t.where()))
}

// admitParent refuses an entry of a directory that is too deep.
func (t *target) admitParent() error {
	if t.p.account.limits.Depth == 0 {
		return nil
	}
	deep := depth(t.where())
	if t.Name != "" {
		deep--
	}
	return t.p.account.tooDeep(deep)
}

// start acquires the descriptor that a path starts at, which must be a directory
// with the rights need.
func (p *Process) start(op string, fd FD, need Rights, path string) (target, error) {
	e, err := p.fds.acquire(fd)
	if err != nil {
		return target{}, err
	}
	d, ok := e.desc.obj.(*directory)
	if !ok {
		err = syscall.ENOTDIR
	} else {
		err = e.need(need)
	}
	if err != nil {
		e.release()
		return target{}, err
	}
	return target{p: p, op: op, from: e, base: d, path: path}, nil
}

// resolve starts at a descriptor and walks to where the path leads.
func (p *Process) resolve(op string, fd FD, need Rights, path string, mode fs.Mode, lastSlash bool) (target, error) {
	t, err := p.start(op, fd, need, path)
	if err != nil {
		return target{}, err
	}
	if err := t.resolve(mode, lastSlash); err != nil {
		t.release()
		return target{}, err
	}
	return t, nil
}

// resolve walks to where the path leads. One that ends in a slash follows a last
// symlink if lastSlash, as all calls do that look at a file (path_resolution(7));
// those that make or remove a name do not.
func (t *target) resolve(mode fs.Mode, lastSlash bool) error {
	if lastSlash && strings.HasSuffix(t.path, "/") {
		mode |= fs.Follow
	}
	return t.refused(t.walk(mode))
}

// maxPath is PATH_MAX without its NUL, as for package fs (limits.h).
const maxPath = 4095

// admitLength refuses a path that is too long.
func (a *Account) admitLength(path string) error {
	max := a.limits.PathLength
	switch {
	case len(path) > maxPath:
		return syscall.ENAMETOOLONG
	case max != 0 && len(path) > max:
		return exceeded(LimitPathLength, int64(max))
	}
	return nil
}

// walk resolves t's path and finds out whether it may be used.
func (t *target) walk(mode fs.Mode) error {
	if err := t.p.account.admitLength(t.path); err != nil {
		return err
	}
	if err := t.find(mode); err != nil {
		return err
	}
	return t.admitParent()
}

// find resolves t's path.
//
// A preopen is a name for a place in the guest's tree, all of which the guest can
// reach by its preopen "/". So what climbs out of another preopen is not outside:
// it is walked again from the root. A directory that the guest opened itself
// keeps its paths below it, as WASI demands of every descriptor.
func (t *target) find(mode fs.Mode) (err error) {
	root, d := t.p.root, t.base
	if strings.HasPrefix(t.path, "/") {
		return &fs.DeniedError{
			Op: "resolve", Path: t.path, Err: syscall.EPERM,
			Rule: fs.RuleAbsolutePath,
			Fix:  "use a relative path",
		}
	}
	if d.isRoot {
		mode |= fs.Clamp
	}
	t.Place, err = fs.Resolve(root, d.dir, t.path, mode)
	if t.from.preopen == "" || d.isRoot {
		return err
	}
	if _, denied := errors.AsType[*fs.DeniedError](err); !denied {
		return err
	}
	t.top = true
	t.Place, err = fs.Resolve(root, root, d.path+"/"+t.path, mode|fs.Clamp)
	return err
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
	if err != nil {
		return fs.Stat{}, t.refused(err)
	}
	return p.steady.stat(st)
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
	defer p.account.settle()()
	t, err := p.resolve("mkdir", fd, RightPathCreateDirectory, path, 0, false)
	if err != nil {
		return err
	}
	defer t.release()
	if t.Name == "" {
		return syscall.EEXIST
	}
	return t.refused(t.mkdir())
}

func (t *target) mkdir() error {
	if err := t.admit(); err != nil {
		if _, lerr := t.Dir.Lookup(t.Name); lerr == nil {
			return syscall.EEXIST // as it would be without a limit
		}
		return err
	}
	return t.create(func() error { return t.Dir.Mkdir(t.Name, 0o777) })
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
			Rule: fs.RuleAbsoluteLink,
			Fix:  "use a relative target",
		})
	}
	err = p.account.admitLength(dest)
	if err == nil {
		err = t.create(func() error { return t.Dir.Symlink(dest, t.Name) })
	}
	if err != nil {
		return t.refused(err)
	}
	t.tellOutward(dest)
	return nil
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
	err = to.create(func() error { return from.Dir.Link(from.Name, to.Dir, to.Name) })
	if err != nil {
		return to.refused(err)
	}
	if st.Mode&iofs.ModeSymlink != 0 {
		to.lookOutward()
	}
	return nil
}

// Rename is rename(2).
func (p *Process) Rename(oldFD FD, oldPath string, newFD FD, newPath string) error {
	defer p.account.stir()()
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
	if err := p.account.admitMove(&from, &to); err != nil {
		return to.refused(err)
	}
	if err := from.Dir.Rename(from.Name, to.Dir, to.Name); err != nil {
		return refusedBetween(&from, &to, err)
	}
	p.account.atlas.moved(from.where(), to.where())
	to.lookOutward()
	return nil
}
