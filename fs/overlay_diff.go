package fs

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	iofs "io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
)

// ChangeKind says how an entry differs from the base's.
type ChangeKind string

const (
	Added   ChangeKind = "added"
	Changed ChangeKind = "changed"
	Removed ChangeKind = "removed"
)

// Change is one entry in which a Layer differs from its base. Times are no
// difference, and neither are the permissions of a directory, or a file that was
// written with what it had before.
type Change struct {
	Path     string // from the root, without a leading slash
	Kind     ChangeKind
	Old, New Stat // zero where there is none
	// OldTarget and Target are where symlinks lead.
	OldTarget, Target string
	// Outward marks a symlink of the Layer that leads out of its root for a
	// program that is not confined to it.
	Outward bool
}

// Diff returns what Commit would change, sorted by path; an entry that replaces
// one of another kind is a removal and an addition. A rename is both as well. A
// Diff whose paths have more than 64 MiB together is refused, with EFBIG, and so
// are Patch and Commit.
func (l *Layer) Diff() (changes []Change, err error) {
	err = l.with(func(base, own Dir) error {
		changes, err = diff(base, own)
		return err
	})
	return changes, err
}

func diff(base, own Dir) ([]Change, error) {
	var d differ
	if err := d.dirs("", base, own); err != nil {
		return nil, err
	}
	slices.SortStableFunc(d.changes, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return d.changes, nil
}

// maxDiff is how many bytes the paths of a Diff may have. Whoever fills a Layer
// can make them as long as he likes, and as many.
const maxDiff = 64 << 20

// differ compares two trees.
type differ struct {
	changes []Change
	bytes   int // of their paths
}

// dirs compares two directories, either of which may be nil.
func (d *differ) dirs(path string, old, new Dir) error {
	names, err := different(old, new)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := d.entry(path, name, old, new); err != nil {
			return err
		}
	}
	return nil
}

// different returns the names that may differ: where a layer's directory still
// stands for the base's, only those that it knows better.
func different(old, new Dir) ([]string, error) {
	names := make(map[string]bool)
	if own, ok := new.(*memDir); ok && old != nil && own.shows(old) {
		own.tree.mu.RLock()
		for name := range own.in.entries {
			names[name] = true
		}
		own.tree.mu.RUnlock()
		return slices.Sorted(maps.Keys(names)), nil
	}
	for _, dir := range []Dir{old, new} {
		if dir == nil {
			continue
		}
		entries, err := dir.ReadDir()
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			names[e.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// shows reports whether what d does not know better is what base has.
func (d *memDir) shows(base Dir) bool {
	if d.under == nil {
		return false
	}
	mine, err := d.under.Stat()
	if err != nil {
		return false
	}
	theirs, err := base.Stat()
	return err == nil && theirs.Ino != 0 && mine.Dev == theirs.Dev && mine.Ino == theirs.Ino
}

// side is one of the two entries that are compared.
type side struct {
	there  bool
	stat   Stat
	target string
}

func look(dir Dir, name string) (s side, err error) {
	if dir == nil {
		return s, nil
	}
	s.stat, err = dir.Lookup(name)
	if isErrno(err, syscall.ENOENT) {
		return side{}, nil
	}
	if err == nil && s.stat.Mode&iofs.ModeSymlink != 0 {
		s.target, err = dir.Readlink(name)
	}
	s.there = err == nil
	return s, err
}

func (d *differ) entry(dir, name string, old, new Dir) error {
	was, err := look(old, name)
	if err != nil {
		return err
	}
	is, err := look(new, name)
	if err != nil {
		return err
	}
	path := joinName(dir, name)
	if was.there && is.there && was.stat.Mode.Type() == is.stat.Mode.Type() {
		same, err := d.same(name, old, new, was, is)
		if err == nil && !same {
			err = d.add(path, Changed, was, is)
		}
		if err != nil || !is.stat.Mode.IsDir() {
			return err
		}
		return d.below(path, name, old, new)
	}
	if was.there {
		if err := d.add(path, Removed, was, side{}); err != nil {
			return err
		}
		if was.stat.Mode.IsDir() {
			if err := d.below(path, name, old, nil); err != nil {
				return err
			}
		}
	}
	if is.there {
		if err := d.add(path, Added, side{}, is); err != nil {
			return err
		}
		if is.stat.Mode.IsDir() {
			return d.below(path, name, nil, new)
		}
	}
	return nil
}

// below compares two directories' directories of one name.
func (d *differ) below(path, name string, old, new Dir) error {
	var subs [2]Dir
	for i, dir := range []Dir{old, new} {
		if dir == nil {
			continue
		}
		sub, err := dir.OpenDir(name)
		if err != nil {
			return err
		}
		defer sub.Close()
		subs[i] = sub
	}
	return d.dirs(path, subs[0], subs[1])
}

func (d *differ) add(path string, kind ChangeKind, was, is side) error {
	if d.bytes += len(path); d.bytes > maxDiff {
		return fmt.Errorf("the changes are too many to tell: their paths have more than %d bytes: %w", maxDiff, syscall.EFBIG)
	}
	d.changes = append(d.changes, Change{
		Path: path, Kind: kind,
		Old: was.stat, New: is.stat,
		OldTarget: was.target, Target: is.target,
		Outward: is.target != "" && outward(path, is.target),
	})
	return nil
}

// outward reports whether a symlink at path climbs above the root, or does not
// even begin below it.
func outward(path, target string) bool {
	if strings.HasPrefix(target, "/") {
		return true
	}
	depth := strings.Count(path, "/")
	for _, name := range strings.Split(target, "/") {
		switch name {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// same compares two entries of one type.
func (d *differ) same(name string, old, new Dir, was, is side) (bool, error) {
	switch {
	case is.stat.Mode.IsDir():
		return true, nil
	case was.stat.Mode != is.stat.Mode, was.target != is.target:
		return false, nil
	case !is.stat.Mode.IsRegular():
		return true, nil
	case was.stat.Size != is.stat.Size:
		return false, nil
	}
	if dir, ok := new.(*memDir); ok && dir.pristine(name, old) {
		return true, nil
	}
	a, err := old.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := new.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer b.Close()
	return sameContent(a, b)
}

// pristine reports whether the file name is still the one that base has under
// that name.
func (d *memDir) pristine(name string, base Dir) bool {
	if !d.shows(base) {
		return false
	}
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	e := d.in.entries[name]
	if e == nil {
		return true
	}
	if e.in == nil || e.in.origin == nil || !e.in.origin.inPlace(e.in) {
		return false
	}
	e.in.mu.RLock()
	defer e.in.mu.RUnlock()
	return !e.in.copied
}

func sameContent(a, b Node) (bool, error) {
	p, q := make([]byte, chunkSize), make([]byte, chunkSize)
	for off := int64(0); ; off += chunkSize {
		n, err := a.ReadAt(p, off)
		if err != nil && err != io.EOF {
			return false, err
		}
		m, merr := b.ReadAt(q, off)
		if merr != nil && merr != io.EOF {
			return false, merr
		}
		if !bytes.Equal(p[:n], q[:m]) {
			return false, nil
		}
		if n < chunkSize {
			return true, nil
		}
	}
}
