package fs

import (
	"cmp"
	"crypto/rand"
	iofs "io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// newDirMode is the mode of a new directory, before the process's umask.
const newDirMode = 0o755

// List returns the entries of a directory, sorted by name.
func (f *Fs) List(path string) ([]iofs.DirEntry, error) {
	p, err := f.resolveDir("list", path)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	list, err := f.entries(p.Dir, path)
	if err != nil {
		return nil, pathError("list", path, err)
	}
	return list, nil
}

// EnsureDir makes the directory and its missing parents, with mode 0755 before
// umask. An existing directory is left alone.
func (f *Fs) EnsureDir(path string) error {
	p, err := f.ensureDir(path)
	if err != nil {
		return pathError("mkdir", path, err)
	}
	p.Close()
	return nil
}

// ensureDir makes what is missing and resolves to the directory. Each one is made
// relative to the handle of its parent, so the way is walked only once.
func (f *Fs) ensureDir(path string) (Place, error) {
	p, err := f.resolveDir("mkdir", path)
	if path == "" || !isErrno(err, syscall.ENOENT) {
		return p, err
	}
	parent, name := splitLast(path)
	if name == "" || name == "." || name == ".." {
		if parent == "" {
			return p, err
		}
		above, aerr := f.ensureDir(parent)
		if aerr != nil {
			return Place{}, aerr
		}
		above.Close()
		return f.resolveDir("mkdir", path)
	}
	above, err := f.parentOf(parent, path)
	if err != nil {
		return Place{}, err
	}
	defer above.Close()
	if err := above.Dir.Mkdir(name, newDirMode); err != nil {
		if isErrno(err, syscall.EEXIST) {
			if p, rerr := f.resolveDir("mkdir", path); rerr == nil {
				return p, nil // another one made it meanwhile
			}
		}
		return Place{}, err
	}
	d, err := above.Dir.OpenDir(name)
	if err != nil {
		return Place{}, err
	}
	return Place{Dir: d, owned: true}, nil
}

// parentOf ensures the directory that is to hold path's last element.
func (f *Fs) parentOf(parent, path string) (Place, error) {
	switch {
	case parent != "":
		return f.ensureDir(parent)
	case path[0] == '/':
		return f.resolveDir("mkdir", "/")
	}
	return f.resolveDir("mkdir", ".")
}

// splitLast cuts the last element off a path: "a//b/" is "a" and "b".
func splitLast(path string) (parent, name string) {
	path = strings.TrimRight(path, "/")
	slash := strings.LastIndexByte(path, '/')
	return strings.TrimRight(path[:slash+1], "/"), path[slash+1:]
}

// TempDir makes a new directory, for its owner only, and returns its path in f.
// As with os.MkdirTemp the last "*" in pattern is replaced by something that
// cannot be guessed, which otherwise comes at the end. The pattern's directory
// must exist; without one, it is the root, or the host's own place for temporary
// files in an unrestricted Fs. It is the caller's to delete.
func (f *Fs) TempDir(pattern string) (string, error) {
	dir, base := "", pattern
	if slash := strings.LastIndexByte(pattern, '/'); slash >= 0 {
		dir, base = pattern[:slash+1], pattern[slash+1:]
	} else if f.Unrestricted() {
		dir = hostTemp() + "/"
	}
	prefix, suffix := base, ""
	if star := strings.LastIndexByte(base, '*'); star >= 0 {
		prefix, suffix = base[:star], base[star+1:]
	}
	path := dir + prefix + rand.Text() + suffix
	p, err := f.resolve("mkdir", path, 0)
	if err != nil {
		return "", pathError("mkdir", pattern, err)
	}
	defer p.Close()
	if err := p.Dir.Mkdir(p.Name, 0o700); err != nil {
		return "", pathError("mkdir", pattern, err)
	}
	return path, nil
}

// Delete removes a file, a symlink or an empty directory, never the root.
func (f *Fs) Delete(path string) error {
	p, err := f.resolveEntry("delete", path)
	if err != nil {
		return err
	}
	defer p.Close()
	err = syscall.EISDIR
	if !p.MustDir {
		err = p.Dir.Unlink(p.Name)
	}
	if isErrno(err, syscall.EISDIR) {
		err = p.Dir.Rmdir(p.Name)
	}
	return pathError("delete", path, err)
}

// resolveEntry resolves to an entry that can be removed or renamed: the root
// and other directories without a name of their own are refused.
func (f *Fs) resolveEntry(op, path string) (Place, error) {
	p, err := f.resolve(op, path, 0)
	if err != nil {
		return Place{}, err
	}
	if p.Name != "" {
		return p, nil
	}
	p.Close()
	return Place{}, stays(op, path)
}

func stays(op, path string) error {
	return &DeniedError{
		Op: op, Path: path,
		Rule: RuleStays,
		Fix:  "name the directory itself, as an entry of its parent",
		Err:  syscall.EINVAL,
	}
}

// Rename moves a file or directory as rename(2) does: it replaces newpath at
// once, and neither path's last symlink is followed. EXDEV means that the two are
// on different filesystems.
func (f *Fs) Rename(oldpath, newpath string) error {
	from, err := f.resolveEntry("rename", oldpath)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := f.resolveEntry("rename", newpath)
	if err != nil {
		return err
	}
	defer to.Close()
	if from.MustDir || to.MustDir {
		st, err := from.Dir.Lookup(from.Name)
		if err == nil && !st.Mode.IsDir() {
			err = syscall.ENOTDIR
		}
		if err != nil {
			return linkError("rename", oldpath, newpath, err)
		}
	}
	return linkError("rename", oldpath, newpath, from.Dir.Rename(from.Name, to.Dir, to.Name))
}

// Walk calls fn for root and everything below it, in the order of
// io/fs.WalkDir, with paths that start with root. It follows no symlink below
// root, nor root itself unless it ends in a slash.
func (f *Fs) Walk(root string, fn iofs.WalkDirFunc) error {
	i, err := f.Lstat(root)
	if err != nil {
		err = fn(root, nil, err)
	} else {
		err = f.walk(root, iofs.FileInfoToDirEntry(i), fn)
	}
	if err == iofs.SkipDir || err == iofs.SkipAll {
		return nil
	}
	return err
}

func (f *Fs) walk(path string, d iofs.DirEntry, fn iofs.WalkDirFunc) error {
	err := fn(path, d, nil)
	if err != nil || !d.IsDir() {
		if err == iofs.SkipDir && d.IsDir() {
			err = nil
		}
		return err
	}
	list, err := f.listNoFollow(path)
	if err != nil {
		if err = fn(path, d, err); err != nil {
			if err == iofs.SkipDir {
				err = nil
			}
			return err
		}
	}
	for _, e := range list {
		if err := f.walk(joinName(path, e.Name()), e, fn); err != nil {
			if err == iofs.SkipDir {
				break
			}
			return err
		}
	}
	return nil
}

// listNoFollow is List of a directory that was seen to be one.
func (f *Fs) listNoFollow(path string) ([]iofs.DirEntry, error) {
	if strings.HasSuffix(path, "/") {
		return f.List(path)
	}
	p, err := f.resolve("list", path, 0)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	d := p.Dir
	if p.Name != "" {
		if d, err = p.Dir.OpenDir(p.Name); err != nil {
			return nil, pathError("list", path, err)
		}
		defer d.Close()
	}
	list, err := f.entries(d, path)
	if err != nil {
		return nil, pathError("list", path, err)
	}
	return list, nil
}

// joinName adds a name to a path without changing what the path means: path.Join
// would take "link/.." for nothing.
func joinName(path, name string) string {
	switch {
	case path == "." || path == "":
		return name
	case strings.HasSuffix(path, "/"):
		return path + name
	}
	return path + "/" + name
}

func sortEntries(list []iofs.DirEntry) {
	slices.SortFunc(list, func(a, b iofs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
}

func hostTemp() string { return strings.TrimRight(os.TempDir(), "/") }
