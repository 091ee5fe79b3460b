package fs

import (
	iofs "io/fs"
	"runtime"
	"strings"
	"syscall"
)

// Limits of the walk, as Linux has them (path_resolution(7), limits.h).
const (
	maxPath     = 4095 // PATH_MAX without its NUL
	maxName     = 255  // NAME_MAX
	maxSymlinks = 40   // MAXSYMLINKS
)

// maxHeld is how many directories the walk holds open for "..". Deeper ones
// are opened again when a path climbs back to them, so that no path, however
// deep, takes more descriptors than this.
const maxHeld = 32

// Mode says how Resolve treats the ends of a path.
type Mode uint8

const (
	// Follow follows a symlink in the last element.
	Follow Mode = 1 << iota
	// Clamp makes ".." in the starting directory stay there, as in chroot(2).
	// Without it that is a *DeniedError with EPERM.
	Clamp

	// wholeHost lifts the rules that keep a path inside, for a root that has
	// no outside.
	wholeHost
)

// Place is where a path leads: an open directory and the name of an entry in
// it, which need not exist. It says nothing about the entry, and an operation on
// it follows no symlink, so what was resolved and what is used are the same.
type Place struct {
	Dir     Dir    // holds the entry; open until Close
	Name    string // the entry's name; "" means Dir itself
	MustDir bool   // the path ended in a slash: the entry must be a directory

	owned bool
	trail []string // the directories from where the walk began, or the root, down to Dir
	atTop bool     // trail begins at the root, because of an absolute path or symlink
	pin   *Fs
	seen  Stat // the entry, when found: the walk had to look at it anyway
	found bool
}

// Stat describes what the place names.
func (p Place) Stat() (st Stat, err error) {
	switch {
	case p.Name == "":
		return p.Dir.Stat()
	case p.found:
		st = p.seen
	default:
		st, err = p.Dir.Lookup(p.Name)
	}
	if err == nil && p.MustDir && !st.Mode.IsDir() {
		err = syscall.ENOTDIR
	}
	return st, err
}

// Close releases Dir, unless the caller of Resolve lent it.
func (p Place) Close() {
	if p.owned {
		p.Dir.Close()
	}
	runtime.KeepAlive(p.pin)
}

// Path is the way from the root to the entry, without symlinks, as it was when
// it was walked. It is for telling where something is, as getcwd(3) does: what is
// opened by it later may be something else. It is right for a walk that began at
// the root.
func (p Place) Path() string { return p.PathFrom("/") }

// PathFrom is Path for a walk that began at the directory base, which has that
// path from the root.
func (p Place) PathFrom(base string) string {
	if p.atTop {
		base = "/"
	}
	way := append([]string{strings.TrimSuffix(base, "/")}, p.trail...)
	if p.Name != "" {
		way = append(way, p.Name)
	}
	if len(way) == 1 {
		return base
	}
	return strings.Join(way, "/")
}

// Resolve walks path one element at a time, each relative to an open handle, and
// returns the directory that holds the last element and that element's name.
//
// A relative path starts at base. An absolute one, and an absolute symlink,
// starts again at root, as in chroot(2). Both stay the caller's: Resolve closes
// neither. Nothing above them can be reached: a symlink whose ".." climbs
// further is a *DeniedError, and so is an absolute symlink to what does not
// exist below root, since it was most likely meant for the outside.
//
// The rest is path_resolution(7): "" is ENOENT, a NUL is EINVAL, the limits are
// ENAMETOOLONG and ELOOP. A trailing slash does not make Resolve follow a last
// symlink: that is the caller's choice by Follow.
func Resolve(root, base Dir, path string, mode Mode) (Place, error) {
	switch {
	case path == "":
		return Place{}, syscall.ENOENT
	case len(path) > maxPath:
		return Place{}, syscall.ENAMETOOLONG
	case strings.IndexByte(path, 0) >= 0:
		return Place{}, syscall.EINVAL
	}
	w := walker{root: root, floor: base, path: path, rest: path, mode: mode, linkEnd: -1, absEnd: -1}
	if path[0] == '/' {
		w.floor, w.atTop = root, true
	}
	name, err := w.run()
	if err != nil {
		w.release(len(w.held))
		return Place{}, err
	}
	p := Place{Dir: w.dir(), Name: name, MustDir: w.mustDir, atTop: w.atTop, seen: w.seen, found: w.found}
	if n := len(w.held); n > 0 {
		w.release(n - 1)
		p.owned = true
		p.trail = w.names
	}
	return p, nil
}

// walker is the state of one Resolve.
type walker struct {
	root  Dir
	floor Dir      // where ".." ends: base, or root after an absolute path
	atTop bool     // floor is root, after an absolute path
	held  []Dir    // the directories below floor, nil where closed for maxHeld
	names []string // of each, or several with slashes between where deep went down

	path    string // as the caller gave it, for errors
	rest    string // what is still to be walked
	mode    Mode
	links   int
	mustDir bool
	shallow bool // going down in one step failed
	seen    Stat // the last element, when found
	found   bool

	// While rest is longer than linkEnd, the walk is inside a symlink's target;
	// while it is longer than absEnd, inside an absolute one's.
	linkEnd, absEnd int
	inLink, inAbs   bool
}

// run walks until only a name is left, "" for the directory reached.
func (w *walker) run() (string, error) {
	for {
		w.deep()
		name, last := w.next()
		var err error
		switch {
		case name == "":
			return "", nil
		case name == ".":
		case name == "..":
			err = w.up()
		case len(name) > maxName:
			err = syscall.ENAMETOOLONG
		case !last:
			err = w.down(name)
		default:
			var done bool
			if done, err = w.last(name); done {
				return name, err
			}
		}
		if err != nil {
			return "", err
		}
	}
}

// next cuts the next element off rest, "" at the end.
func (w *walker) next() (name string, last bool) {
	w.inLink = len(w.rest) > w.linkEnd && w.linkEnd >= 0
	w.inAbs = len(w.rest) > w.absEnd && w.absEnd >= 0
	s := strings.TrimLeft(w.rest, "/")
	end := strings.IndexByte(s, '/')
	if end < 0 {
		w.rest = ""
		return s, true
	}
	name, w.rest = s[:end], s[end:]
	if strings.Trim(w.rest, "/") != "" {
		return name, false
	}
	w.rest = ""
	w.mustDir = true
	return name, true
}

func (w *walker) dir() Dir {
	if n := len(w.held); n > 0 {
		return w.held[n-1]
	}
	return w.floor
}

func (w *walker) push(name string, d Dir) {
	w.held, w.names = append(w.held, d), append(w.names, name)
	if old := len(w.held) - maxHeld - 1; old >= 0 && w.held[old] != nil {
		w.held[old].Close()
		w.held[old] = nil
	}
}

// release closes the first n directories held.
func (w *walker) release(n int) {
	for i, d := range w.held[:n] {
		if d != nil {
			d.Close()
			w.held[i] = nil
		}
	}
}

// up goes to the parent. It climbs by the handles it came down by, so a
// directory that moves meanwhile cannot lead it anywhere else.
func (w *walker) up() error {
	n := len(w.held)
	if n == 0 {
		return w.above()
	}
	w.held[n-1].Close()
	w.held = w.held[:n-1]
	above, _, several := cutLast(w.names[n-1])
	if n > 1 && w.held[n-2] == nil {
		if err := w.reopen(n - 1); err != nil {
			return err
		}
	} else {
		w.names = w.names[:n-1]
	}
	if several {
		return w.again(above)
	}
	return nil
}

// above is ".." in the floor.
func (w *walker) above() error {
	switch {
	case w.mode&wholeHost != 0:
		return nil
	case w.inLink:
		return w.denied(RuleLinkOutside, "point the symlink inside, or mount what it points to")
	case w.mode&Clamp != 0:
		return nil
	}
	return w.denied(RuleAbove, "use a path below the directory that was opened")
}

// reopen comes down again by the names of the first n directories, whose
// handles were given up to keep to maxHeld.
func (w *walker) reopen(n int) error {
	names := w.names[:n]
	w.held, w.names = nil, nil
	for _, name := range names {
		if err := w.again(name); err != nil {
			return err
		}
	}
	return nil
}

func cutLast(path string) (above, name string, several bool) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return "", path, false
	}
	return path[:slash], path[slash+1:], true
}

// down goes into the directory name, or where the symlink name points.
func (w *walker) down(name string) error {
	// An entry that changes its kind between the two calls is tried again, a few
	// times: whoever keeps swapping it gets an error, not an endless loop.
	for range 8 {
		d, err := w.dir().OpenDir(name)
		if err == nil {
			w.push(name, d)
			return nil
		}
		if !isErrno(err, syscall.ELOOP) {
			return w.absent(err)
		}
		target, err := w.dir().Readlink(name)
		if err == nil {
			return w.enter(target)
		}
		if !isErrno(err, syscall.EINVAL) && !isErrno(err, syscall.ENOENT) {
			return err
		}
	}
	return syscall.ELOOP
}

// last deals with the last element: done unless it is a symlink to follow.
func (w *walker) last(name string) (done bool, err error) {
	if w.mode&Follow == 0 && !w.inAbs {
		return true, nil
	}
	st, err := w.dir().Lookup(name)
	switch {
	case isErrno(err, syscall.ENOENT) && !w.inAbs:
		return true, nil // it may be about to be made
	case err != nil:
		return true, w.absent(err)
	}
	if w.mode&Follow != 0 && st.Mode&iofs.ModeSymlink != 0 {
		target, err := w.dir().Readlink(name)
		if err == nil {
			err = w.enter(target)
		} else if isErrno(err, syscall.EINVAL) || isErrno(err, syscall.ENOENT) {
			return true, nil // it changed meanwhile: the operation to come finds out
		}
		return false, err
	}
	w.seen, w.found = st, true
	return true, nil
}

// enter puts a symlink's target before the rest of the path.
func (w *walker) enter(target string) error {
	w.links++
	switch {
	case w.links > maxSymlinks:
		return syscall.ELOOP
	case target == "":
		return syscall.ENOENT
	case len(target) > maxPath:
		return syscall.ENAMETOOLONG
	}
	if !w.inLink {
		w.linkEnd = len(w.rest)
	}
	if target[0] == '/' {
		if !w.inAbs {
			w.absEnd = len(w.rest)
		}
		w.release(len(w.held))
		w.held, w.names = nil, nil
		w.floor, w.atTop = w.root, true
	}
	w.rest = target + w.rest
	return nil
}

// absent turns "no such file" into a refusal inside an absolute symlink.
func (w *walker) absent(err error) error {
	if w.inAbs && w.mode&wholeHost == 0 && isErrno(err, syscall.ENOENT) {
		return w.denied(RuleAbsoluteLinkOutside, "make the symlink relative, or mount what it points to")
	}
	return err
}

func (w *walker) denied(rule, fix string) error {
	return &DeniedError{Op: "resolve", Path: w.path, Rule: rule, Fix: fix, Err: syscall.EPERM}
}
