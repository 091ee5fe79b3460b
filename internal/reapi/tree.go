package reapi

import (
	"fmt"
	"io"
	iofs "io/fs"
	"maps"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"dappco.re/go/cloche/fs"
)

// Tree is all that lies below a directory, by its path from there, without a leading
// slash.
type Tree map[string]Entry

// Entry is a file, a directory or a symlink.
type Entry struct {
	Type       iofs.FileMode // 0, ModeDir or ModeSymlink
	Content    Digest        // of a file
	Executable bool          // of a file
	Target     string        // of a symlink
	// Perm is what the filesystem allows, setuid and its like included. The digest of a tree does not know it, nor
	// does an Entry's text: as in version control, only Executable counts.
	Perm iofs.FileMode
}

// Read reads f to its last byte. Symlinks are not followed.
func Read(f *fs.Fs) (Tree, error) {
	root, err := f.Dir()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	t := make(Tree)
	return t, t.read(root, "")
}

func (t Tree) read(d fs.Dir, at string) error {
	entries, err := d.ReadDir()
	if err != nil {
		return fmt.Errorf("/%s: %w", at, err)
	}
	for _, e := range entries {
		name := path.Join(at, e.Name)
		if err := t.add(d, e.Name, name); err != nil {
			return err
		}
		if !t[name].Type.IsDir() {
			continue
		}
		sub, err := d.OpenDir(e.Name)
		if err != nil {
			return fmt.Errorf("/%s: %w", name, err)
		}
		err = t.read(sub, name)
		sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (t Tree) add(d fs.Dir, name, at string) error {
	e, err := ReadEntry(d, name)
	if err == nil {
		err = checkTexts(name, e.Target)
	}
	if err != nil {
		return fmt.Errorf("/%s: %w", at, err)
	}
	t[at] = e
	return nil
}

// ReadEntry reads what d has under name, of a directory only that it is one.
func ReadEntry(d fs.Dir, name string) (e Entry, err error) {
	st, err := d.Lookup(name)
	if err != nil {
		return e, err
	}
	e = Entry{Type: st.Mode.Type(), Perm: st.Mode &^ iofs.ModeType}
	switch e.Type {
	case iofs.ModeDir:
	case iofs.ModeSymlink:
		e.Target, err = d.Readlink(name)
	case 0:
		e.Executable = e.Perm&0o111 != 0
		e.Content, err = digestFile(d, name)
	default:
		err = fmt.Errorf("neither a file nor a directory nor a symlink (%v), and so without a digest; leave it out", e.Type)
	}
	return e, err
}

func digestFile(d fs.Dir, name string) (Digest, error) {
	n, err := d.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return Digest{}, err
	}
	defer n.Close()
	return sumReader(io.NewSectionReader(n, 0, math.MaxInt64))
}

// Digest is that of the Directory message for the root, which has those of all
// others in it.
func (t Tree) Digest() Digest {
	children := make(map[string][]string)
	for _, p := range slices.Sorted(maps.Keys(t)) {
		dir, name := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		children[dir] = append(children[dir], name)
	}
	return t.directory(children, "")
}

func (t Tree) directory(children map[string][]string, at string) Digest {
	var files, dirs, links message
	for _, name := range children[at] {
		p := path.Join(at, name)
		switch e := t[p]; e.Type {
		case iofs.ModeDir:
			var node message
			node.text(1, name)
			node.message(2, t.directory(children, p).message())
			dirs.message(2, node)
		case iofs.ModeSymlink:
			links.message(3, pair(name, e.Target))
		default:
			var node message
			node.text(1, name)
			node.message(2, e.Content.message())
			if e.Executable {
				node.number(4, 1)
			}
			files.message(1, node)
		}
	}
	return Sum(slices.Concat(files, dirs, links))
}

// Perms tells trees apart that differ in nothing but their entries' Perm.
func (t Tree) Perms() Digest {
	h := NewHasher()
	for _, p := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(h, "%q %o\n", p, t[p].Perm)
	}
	return h.Sum()
}

const (
	textDir  = "dir"
	textLink = "-> "
	textExec = " x"
)

// String is "dir", "-> target", the digest of a file, or that and " x".
func (e Entry) String() string {
	switch {
	case e.Type.IsDir():
		return textDir
	case e.Type == iofs.ModeSymlink:
		return textLink + e.Target
	case e.Executable:
		return e.Content.String() + textExec
	}
	return e.Content.String()
}

// MarshalText implements encoding.TextMarshaler.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Entry) UnmarshalText(text []byte) error {
	s := string(text)
	*e = Entry{}
	if s == textDir {
		e.Type = iofs.ModeDir
		return nil
	}
	if target, ok := strings.CutPrefix(s, textLink); ok {
		e.Type, e.Target = iofs.ModeSymlink, target
		return nil
	}
	digest, executable := strings.CutSuffix(s, textExec)
	e.Executable = executable
	return e.Content.UnmarshalText([]byte(digest))
}
