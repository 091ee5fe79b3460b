package fs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ConflictError says that a Layer's base changed under it where the Layer changed
// it too. Nothing was committed.
type ConflictError struct {
	Paths []string // from the root, sorted
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the base changed meanwhile: %q; discard the overlay, or put the base back", e.Paths)
}

// Commit writes the changes to the base, and the Layer is clean again.
//
// It first compares whatever was touched with what the base had then, and
// refuses with a *ConflictError before it writes anything. Each file is replaced
// atomically and durably, as by WriteAtomic, with its mode and modification time;
// directories are made first, and what was removed goes last. All of it together
// is not atomic: an error or a crash in the middle leaves some entries old and
// some new, each of them whole, and the Layer as it was, so that Commit can be
// called again when the conflicts that it then finds are settled.
//
// Like every operation it works by handles: a symlink planted in the base
// meanwhile is a conflict or an error, never followed.
func (l *Layer) Commit() error {
	err := l.with(func(base, own Dir) error {
		if err := l.conflicts(base, own); err != nil {
			return err
		}
		changes, err := diff(base, own)
		if err != nil {
			return err
		}
		c := committer{base: base, own: own, links: make(map[lockKey]string)}
		return c.apply(changes)
	})
	if err == nil {
		l.tree.reset()
	}
	return err
}

// conflicts looks for what the base has and did not have when it was touched.
func (l *Layer) conflicts(base, own Dir) error {
	c := conflicts{tree: l.tree}
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	if err := c.dir("", l.tree.root, base); err != nil {
		return err
	}
	if len(c.paths) == 0 {
		return nil
	}
	slices.Sort(c.paths)
	return &ConflictError{slices.Compact(c.paths)}
}

type conflicts struct {
	tree  *memTree
	paths []string
}

// dir looks at what a directory inode knows of names in the base's directory
// that it comes from.
func (c *conflicts) dir(path string, in *inode, base Dir) error {
	if in.removed {
		if err := c.newcomers(path, in, base); err != nil {
			return err
		}
	}
	for name, e := range in.entries {
		at := joinName(path, name)
		now, err := look(base, name)
		if err != nil {
			return err
		}
		changed, err := e.changed(name, now, base)
		if err != nil {
			return err
		}
		if changed {
			c.paths = append(c.paths, at)
		}
		if e.first == nil || !e.first.isDir() || !now.stat.Mode.IsDir() {
			continue
		}
		sub, err := base.OpenDir(name)
		if err != nil {
			return err
		}
		err = closeAfter(sub, c.dir(at, e.first, sub))
		if err != nil {
			return err
		}
	}
	return nil
}

// newcomers are what the base has in a directory that is to be removed, and did
// not have when the directory was found empty.
func (c *conflicts) newcomers(path string, in *inode, base Dir) error {
	entries, err := base.ReadDir()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if in.entries[e.Name] == nil {
			c.paths = append(c.paths, joinName(path, e.Name))
		}
	}
	return nil
}

// changed compares what the base has now with what it had.
func (e *dirent) changed(name string, now side, base Dir) (bool, error) {
	if e.was == nil || !now.there {
		return (e.was != nil) != now.there, nil
	}
	if e.first.isDir() {
		return !now.stat.Mode.IsDir(), nil // its entries are looked at one by one
	}
	e.first.mu.RLock()
	defer e.first.mu.RUnlock()
	switch s := e.first.seen; {
	case s != nil && !sameFile(s.stat, now.stat):
		return true, nil
	case s != nil:
		digest, err := digestOf(base, name)
		return digest != s.digest, err
	case e.in != e.first || e.first.copied:
		return !sameFile(*e.was, now.stat), nil
	}
	return false, nil // it was only looked at
}

// sameFile compares what a change of a file changes. The ctime is what nobody can
// set back.
func sameFile(a, b Stat) bool {
	return a.Mode == b.Mode && a.Size == b.Size && a.Ino == b.Ino && a.Mtime.Equal(b.Mtime) && a.Ctime.Equal(b.Ctime)
}

func digestOf(dir Dir, name string) (digest [sha256.Size]byte, err error) {
	n, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return digest, err
	}
	defer n.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(n, 0, maxContents)); err != nil {
		return digest, err
	}
	sum.Sum(digest[:0])
	return digest, nil
}

// committer carries changes out.
type committer struct {
	base, own Dir
	links     map[lockKey]string // files with several names: the first that was written
}

func (c *committer) apply(changes []Change) error {
	overwritten := overwrites(changes)
	if err := c.rescue(changes, overwritten); err != nil {
		return err
	}
	inTheWay := func(change Change) bool { return overwritten.reach(change.Path) }
	if err := c.remove(changes, inTheWay); err != nil {
		return err
	}
	for _, change := range changes {
		if change.Kind == Removed {
			continue
		}
		if err := c.write(change); err != nil {
			return pathError("commit", change.Path, err)
		}
	}
	return c.remove(changes, func(change Change) bool { return !inTheWay(change) })
}

// places is a set of paths.
type places map[string]bool

// overwrites are the places where the base has something that goes before the
// removals' turn.
func overwrites(changes []Change) places {
	removed, over := make(places), make(places)
	for _, c := range changes {
		switch {
		case c.Kind == Removed:
			removed[c.Path] = true
		case c.Kind == Changed || removed[c.Path]: // a removal comes before an addition
			over[c.Path] = true
		}
	}
	return over
}

// reach reports whether path is one of the places, or lies below one.
func (p places) reach(path string) bool {
	for {
		if p[path] {
			return true
		}
		slash := strings.LastIndexByte(path, '/')
		if slash < 0 {
			return false
		}
		path = path[:slash]
	}
}

// rescue copies up what was moved and still lies in the base where something
// else is about to be written.
func (c *committer) rescue(changes []Change, overwritten places) error {
	for _, change := range changes {
		if change.Kind == Removed || !change.New.Mode.IsRegular() {
			continue
		}
		if err := c.rescueFile(change.Path, overwritten); err != nil {
			return pathError("commit", change.Path, err)
		}
	}
	return nil
}

func (c *committer) rescueFile(path string, overwritten places) error {
	n, err := c.open(path)
	if err != nil {
		return err
	}
	defer n.Close()
	file, ok := n.(*memNode)
	if !ok || file.in.origin == nil {
		return nil
	}
	if from := file.in.origin.way(); from == path || !overwritten.reach(from) {
		return nil
	}
	file.in.mu.Lock()
	defer file.in.mu.Unlock()
	return file.in.copyUp()
}

// open opens a file of the layer.
func (c *committer) open(path string) (n Node, err error) {
	err = within(c.own, path, func(dir Dir, name string) error {
		n, err = dir.OpenFile(name, os.O_RDONLY, 0)
		return err
	})
	return n, err
}

// within calls f with the directory that holds path's last element, reached by
// names alone: no symlink is followed.
func within(root Dir, path string, f func(dir Dir, name string) error) error {
	name, rest, deeper := strings.Cut(path, "/")
	if !deeper {
		return f(root, name)
	}
	sub, err := root.OpenDir(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	return within(sub, rest, f)
}

// remove removes those of the removed entries that are chosen, the deepest first.
// A directory in which the base has something that the Layer never saw is an
// error.
func (c *committer) remove(changes []Change, chosen func(Change) bool) error {
	for _, change := range slices.Backward(changes) {
		if change.Kind != Removed || !chosen(change) {
			continue
		}
		err := within(c.base, change.Path, func(dir Dir, name string) error {
			if change.Old.Mode.IsDir() {
				return dir.Rmdir(name)
			}
			return dir.Unlink(name)
		})
		if err != nil && !isErrno(err, syscall.ENOENT) {
			return pathError("commit", change.Path, err)
		}
	}
	return nil
}

func (c *committer) write(change Change) error {
	return within(c.base, change.Path, func(dir Dir, name string) error {
		switch mode := change.New.Mode; {
		case mode.IsDir():
			return dir.Mkdir(name, mode.Perm())
		case mode&iofs.ModeSymlink != 0:
			return inPlaceOf(dir, name, func(temp string) error { return dir.Symlink(change.Target, temp) })
		}
		if done, err := c.link(dir, name, change); done || err != nil {
			return err
		}
		return c.file(dir, name, change)
	})
}

// link makes a further name of a file that was written before, where the base can.
func (c *committer) link(dir Dir, name string, change Change) (done bool, err error) {
	key := lockKey{change.New.Dev, change.New.Ino}
	first, again := c.links[key]
	if change.New.Nlink < 2 || key.ino == 0 {
		return false, nil
	}
	if !again {
		c.links[key] = change.Path
		return false, nil
	}
	err = within(c.base, first, func(from Dir, firstName string) error {
		return inPlaceOf(dir, name, func(temp string) error { return from.Link(firstName, dir, temp) })
	})
	if isErrno(err, syscall.EXDEV) || isErrno(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		return false, nil
	}
	return true, err
}

// inPlaceOf makes something under a name of its own and renames it.
func inPlaceOf(dir Dir, name string, make func(temp string) error) error {
	temp := tempName()
	if err := make(temp); err != nil {
		return err
	}
	return moveOver(dir, temp, name)
}

func (c *committer) file(dir Dir, name string, change Change) error {
	n, err := c.open(change.Path)
	if err != nil {
		return err
	}
	defer n.Close()
	return replaceBy(dir, name, 0o600, func(to Node) error {
		from := io.NewSectionReader(n, 0, maxContents)
		if _, err := io.Copy(io.NewOffsetWriter(to, 0), from); err != nil {
			return err
		}
		if err := to.SetMode(change.New.Mode); err != nil {
			return err
		}
		if err := to.SetTimes(time.Time{}, change.New.Mtime); err != nil {
			return err
		}
		return to.Sync()
	})
}
