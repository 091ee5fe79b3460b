package fs

import (
	"crypto/rand"
	"syscall"
)

// maxDepth is how deep DeleteAll goes down with a descriptor per level. What
// is deeper is first moved up to the top, so a tree of any depth can go.
const maxDepth = 64

// DeleteAll removes path and everything below it. It follows no symlink, goes
// down by handles only, so that nothing swapped in meanwhile can lead it out, and
// never removes the root. A path that does not exist is no error.
func (f *Fs) DeleteAll(path string) error {
	if path == "" {
		return stays("delete", path) // not ENOENT, which would pass for done
	}
	p, err := f.resolveEntry("delete", path)
	if isErrno(err, syscall.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer p.Close()
	if p.MustDir {
		if _, err := p.Stat(); err != nil {
			if isErrno(err, syscall.ENOENT) {
				return nil
			}
			return pathError("delete", path, err)
		}
	}
	return pathError("delete", path, new(remover).remove(p.Dir, p.Name, 0))
}

// remover removes a tree.
type remover struct {
	top   Dir  // the directory at the top of the tree
	moved bool // something too deep was moved to top
}

// remove removes the entry name of parent, whatever it is, and whatever it
// becomes while it is being removed, up to a point.
func (r *remover) remove(parent Dir, name string, depth int) error {
	var err error
	for range 8 {
		err = parent.Unlink(name)
		if isErrno(err, syscall.EISDIR) {
			if err = r.empty(parent, name, depth); err == nil {
				err = parent.Rmdir(name)
			}
		}
		switch {
		case err == nil, isErrno(err, syscall.ENOENT):
			return nil
		case isErrno(err, syscall.ENOTDIR), isErrno(err, syscall.ELOOP):
			// It was swapped for something else: look again.
		case isErrno(err, syscall.ENOTEMPTY), isErrno(err, syscall.EEXIST):
			// Somebody puts things in: take them out again.
		default:
			return err
		}
	}
	return err
}

// empty removes what is in the directory name of parent.
func (r *remover) empty(parent Dir, name string, depth int) error {
	d, err := parent.OpenDir(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if depth == 0 {
		r.top = d
	}
	for again := true; again; again = depth == 0 && r.moved {
		if depth == 0 {
			r.moved = false
		}
		entries, err := d.ReadDir()
		if err != nil {
			return err
		}
		if err := r.removeEach(d, entries, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// removeEach goes on after an error, to leave as little as it can.
func (r *remover) removeEach(d Dir, entries []Entry, depth int) error {
	var first error
	for _, e := range entries {
		var err error
		if depth > maxDepth && e.Mode.IsDir() {
			err = d.Rename(e.Name, r.top, rand.Text())
			r.moved = r.moved || err == nil
		} else {
			err = r.remove(d, e.Name, depth)
		}
		if first == nil && !isErrno(err, syscall.ENOENT) {
			first = err
		}
	}
	return first
}
