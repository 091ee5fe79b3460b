package fs

import (
	"errors"
	"strings"
)

// deepOpener is a Dir that can go down several names in one step.
//
// Path has at least two names, with a single slash between any two and none of
// them "." or "..". No symlink is followed. When it fails, whatever the error, the
// walk goes name by name and finds out why: errShallow says that it may well try
// again from another directory, any other error that it need not.
type deepOpener interface {
	openDeep(path string) (Dir, error)
}

// deepFileOpener is a Dir that can open a regular file below several names in one
// step. Path has at least one slash, and is like deepOpener's otherwise. Flag is
// an access mode alone. When it fails, whatever the error, the walk finds out why.
type deepFileOpener interface {
	openDeepFile(path string, flag int) (Node, error)
}

// OpenPlain opens the regular file that path leads to from dir, if that can be done
// in one step: the system has the means, and no element of path is a symlink, a
// mount point, ".", ".." or empty. Flag is os.O_RDONLY, O_WRONLY or O_RDWR. Where
// it fails nothing has happened, and Resolve and Dir.OpenFile tell more.
func OpenPlain(dir Dir, path string, flag int) (n Node, ok bool) {
	deep, ok := dir.(deepFileOpener)
	if !ok || !plainFile(path) {
		return nil, false
	}
	n, err := deep.openDeepFile(path, flag)
	return n, err == nil
}

// plainFile is whether path names something in a directory, by plain names alone.
func plainFile(path string) bool {
	if len(path) > maxPath || strings.IndexByte(path, '/') < 0 || strings.IndexByte(path, 0) >= 0 {
		return false
	}
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	return true
}

var errShallow = errors.New("only one name at a time")

// deep goes down as far as only the last element is left, if that can be done in
// one step, and reports whether it did.
func (w *walker) deep() bool {
	if w.shallow {
		return false
	}
	dir, ok := w.dir().(deepOpener)
	if !ok {
		return false
	}
	path, rest, ok := plainParents(w.rest)
	if !ok {
		return false
	}
	d, err := dir.openDeep(path)
	if err != nil {
		w.shallow = err != errShallow
		return false
	}
	w.rest = rest
	w.push(path, d)
	return true
}

// plainParents cuts a path before its last element, if there are at least two
// elements before it and all of them are plain names.
func plainParents(path string) (parents, last string, ok bool) {
	path = strings.TrimLeft(path, "/")
	end := strings.LastIndexByte(strings.TrimRight(path, "/"), '/')
	if end < 0 {
		return "", "", false
	}
	parents, last = path[:end], path[end:]
	count := 0
	for rest := parents; ; {
		name, after, more := strings.Cut(rest, "/")
		if name == "" || name == "." || name == ".." {
			return "", "", false
		}
		count++
		if !more {
			return parents, last, count > 1
		}
		rest = after
	}
}

// again goes down names that deep took in one step.
func (w *walker) again(path string) error {
	if dir, ok := w.dir().(deepOpener); ok && strings.IndexByte(path, '/') >= 0 {
		if d, err := dir.openDeep(path); err == nil {
			w.push(path, d)
			return nil
		}
	}
	for name := range strings.SplitSeq(path, "/") {
		d, err := w.dir().OpenDir(name)
		if err != nil {
			return err
		}
		w.push(name, d)
	}
	return nil
}
