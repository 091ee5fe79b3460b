// Package fs is a filesystem that its holder cannot leave.
//
// An Fs sits over a Dir, an open directory handle. Every path is walked by
// Resolve, one element at a time, each relative to the handle before it, and no
// operation below the walk follows a symlink. So there is nothing to check
// before use and nothing that can be swapped between the two: a directory
// replaced by a symlink in the middle of an operation is an error or the old
// directory, never the outside. A leading slash means the root, ".." stops at
// the root, and a symlink that leads outside is a *DeniedError.
//
// Where a Dir can, the walk goes down several names in one step: on Linux 5.6 and
// later, openat2(2) takes all the directories of a path beneath the handle, without
// symlinks and within one mount. A step that fails for whatever reason is no
// answer; the walk then goes name by name.
//
// Host directories are reached by the *at system calls on Linux, macOS and
// FreeBSD, and through os.Root elsewhere, Windows included. Everything above
// holds on all of them. Weaker are:
//
//   - macOS and FreeBSD: procfs is not refused. Passing through a directory needs
//     permission to read it, not only to search it.
//   - macOS: two names that differ in case or in Unicode normalisation may be one
//     file, as the volume has it.
//   - Windows, and all others through os.Root: a rename between two directories,
//     and one that replaces an empty directory, are not atomic. Whoever swaps
//     entries while one is looked at and then opened can misdirect an operation
//     to another entry below the root, never out of it. Update needs a lock that
//     only unix has; inode numbers are missing; names fold case as the volume does.
//
// Not promised: that the root's mounts lead nowhere else (a bind mount below
// the root is part of it; only procfs and sysfs are refused), that hard links
// to outside files are found out, that a symlink's text, which is told as it is
// stored, holds no host path, and limits on space.
//
// Locks: a descriptor is counted, not locked, so Close never waits for an
// operation. Update holds, in this order, the Fs's own lock of the directory
// and the directory's flock(2).
package fs

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

// Fs is a filesystem that its holder cannot leave. A nil Fs and the zero value
// deny everything. It is safe for concurrent use.
//
// Paths are slash-separated on every system. A failing method returns an
// *io/fs.PathError (Rename an *os.LinkError), or a *DeniedError when a rule
// refused, with the path as the caller gave it. No error names a host path.
type Fs struct {
	dir   Dir // the root; nil denies
	mode  Mode
	base  string // the root as given to New
	host  string // the root's absolute host path, "" when it has none
	locks *locks // of Update; shared by every Fs made from this one

	once    sync.Once // closes dir
	cleanup runtime.Cleanup
}

// New returns an Fs on the host directory root, which may be named through
// symlinks. The error names root as it was given; no later error will.
//
// On Linux, procfs and sysfs are refused: they show and change the host, not
// files.
func New(root string) (*Fs, error) {
	if root == "" {
		return nil, errors.New("fs: empty root; name a directory, as in \".\"")
	}
	d, host, err := openHost(root)
	if err != nil {
		return nil, pathError("open root", root, err)
	}
	f := FromDir(d)
	f.base, f.host = root, host
	return f, nil
}

// FromDir returns an Fs whose root is d. The Fs closes d.
func FromDir(d Dir) *Fs {
	f := &Fs{dir: d, mode: Clamp, locks: new(locks)}
	// As with os.Root, a forgotten Close does not leak the descriptor for ever.
	f.cleanup = runtime.AddCleanup(f, func(d Dir) { d.Close() }, d)
	return f
}

// derive returns an Fs on d that belongs to f.
func (f *Fs) derive(d Dir) *Fs {
	g := FromDir(d)
	g.mode, g.locks = f.mode, f.locks
	return g
}

// Close gives the root up. Files and other Fs opened from it stay usable.
func (f *Fs) Close() error {
	if f == nil || f.dir == nil {
		return nil
	}
	err := os.ErrClosed
	f.once.Do(func() {
		f.cleanup.Stop()
		err = f.dir.Close()
	})
	return err
}

// Root returns the root as it was given to New, and "" for any other Fs.
func (f *Fs) Root() string {
	if f == nil {
		return ""
	}
	return f.base
}

// Dir returns a new handle on the root.
func (f *Fs) Dir() (Dir, error) {
	if f == nil || f.dir == nil {
		return nil, denyAll("open", "/")
	}
	defer runtime.KeepAlive(f)
	d, err := f.dir.Dup()
	if err != nil {
		return nil, pathError("open", "/", err)
	}
	return d, nil
}

// Sub returns an Fs whose root is the directory dir of f. It follows the
// directory when that is renamed, and its ".." stops there.
func (f *Fs) Sub(dir string) (*Fs, error) {
	p, err := f.resolveDir("open", dir)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	d, err := p.Dir.Dup()
	if err == nil && f.Unrestricted() {
		d, err = restrict(d)
	}
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	g := f.derive(d)
	g.mode = Clamp
	if f.host != "" {
		g.host = hostJoin(f.host, p.trail)
	}
	return g, nil
}

// HostDir returns the absolute host path of the directory dir, "" meaning the
// root, with every symlink resolved by the walk. It is for starting a native
// process there and for nothing else: from then on the path is the host's to
// interpret, and whoever can rename directories can make it lead elsewhere.
// An Fs without a host directory answers errors.ErrUnsupported.
func (f *Fs) HostDir(dir string) (string, error) {
	if dir == "" {
		dir = "/"
	}
	p, err := f.resolveDir("open", dir)
	if err != nil {
		return "", err
	}
	defer p.Close()
	if f.host == "" {
		return "", &iofs.PathError{Op: "open", Path: dir, Err: errors.ErrUnsupported}
	}
	host := hostJoin(f.host, p.trail)
	want, err := p.Dir.Stat()
	if err != nil {
		return "", pathError("open", dir, err)
	}
	if !isHostDir(host, want) {
		return "", pathError("open", dir, syscall.ENOENT)
	}
	return host, nil
}

// hostJoin is the host path of a directory below host.
func hostJoin(host string, trail []string) string {
	return filepath.Join(append([]string{host}, trail...)...)
}

// resolve is Resolve from f's root, or from the working directory for a
// relative path in an unrestricted Fs.
func (f *Fs) resolve(op, path string, mode Mode) (Place, error) {
	if f == nil || f.dir == nil {
		return Place{}, denyAll(op, path)
	}
	full, err := f.absolute(path)
	if err != nil {
		return Place{}, pathError(op, path, err)
	}
	p, err := Resolve(f.dir, f.dir, full, f.mode|mode)
	if err != nil {
		runtime.KeepAlive(f)
		return Place{}, pathError(op, path, err)
	}
	p.pin = f
	return p, nil
}

// resolveDir resolves to the directory itself: the place's Name is "".
func (f *Fs) resolveDir(op, path string) (Place, error) {
	p, err := f.resolve(op, path, Follow)
	if err != nil || p.Name == "" {
		return p, err
	}
	defer p.Close()
	d, err := p.Dir.OpenDir(p.Name)
	if err != nil {
		return Place{}, pathError(op, path, err)
	}
	return Place{Dir: d, owned: true, trail: append(p.trail, p.Name), pin: f}, nil
}

func denyAll(op, path string) error {
	return &DeniedError{
		Op: op, Path: path,
		Rule: RuleNoFiles,
		Fix:  "give the Core one with core.WithFs, or make one with fs.New",
		Err:  syscall.EACCES,
	}
}
