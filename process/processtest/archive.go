package processtest

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dappco.re/go/cloche/fs"
	"github.com/rogpeppe/go-internal/txtar"
)

// archive is a tree of files by path, as Tree describes it.
type archive map[string]entry

// entry is a file, a symlink or a directory, whose path ends in a slash.
type entry struct {
	kind iofs.FileMode // 0, ModeSymlink or ModeDir
	data string        // what a file holds, or where a symlink leads
}

// readTree reads all of f, directories that are not empty included.
func readTree(f *fs.Fs) (archive, error) {
	found, root := make(archive), f.IOFS()
	return found, iofs.WalkDir(root, ".", func(name string, d iofs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		e := entry{kind: d.Type()}
		switch e.kind {
		case iofs.ModeDir:
			name += "/"
		case iofs.ModeSymlink:
			e.data, err = iofs.ReadLink(root, name)
		case 0:
			var data []byte
			data, err = iofs.ReadFile(root, name)
			e.data = string(data)
		default:
			err = fmt.Errorf("%s is neither a file, a directory nor a symlink, but %s", name, d.Type())
		}
		found[name] = e
		return err
	})
}

func (a archive) paths() []string { return slices.Sorted(maps.Keys(a)) }

// below returns what is in a folder, which ends in a slash.
func (a archive) below(folder string) archive {
	found := make(archive)
	for name, e := range a {
		if inside, ok := strings.CutPrefix(name, folder); ok && inside != "" {
			found[inside] = e
		}
	}
	return found
}

// changed returns what is in a and is not the same, or not there, in before.
func (a archive) changed(before archive) archive {
	found := make(archive)
	for name, e := range a {
		if was, there := before[name]; !there || was != e {
			found[name] = e
		}
	}
	return found
}

// gone returns what has to go from a before it becomes after.
func (a archive) gone(after archive) archive {
	found := make(archive)
	for name, e := range a {
		if is, there := after[name]; !there || is.kind != e.kind || e.kind == iofs.ModeSymlink && is != e {
			found[name] = entry{kind: e.kind & iofs.ModeDir}
		}
	}
	return found
}

// condensed leaves out the directories that are there for what is in them.
func (a archive) condensed() archive {
	found := maps.Clone(a)
	for name := range a {
		for dir := path.Dir(strings.TrimSuffix(name, "/")); dir != "."; dir = path.Dir(dir) {
			delete(found, dir+"/")
		}
	}
	return found
}

// addTo makes the files in f.
func (a archive) addTo(f *fs.Fs) error {
	for _, name := range a.paths() {
		if err := a[name].addTo(f, name); err != nil {
			return err
		}
	}
	return nil
}

// removeFrom removes the files from f, what is in a directory before the directory.
func (a archive) removeFrom(f *fs.Fs) error {
	for _, name := range slices.Backward(a.paths()) {
		if err := f.Delete(name); err != nil {
			return err
		}
	}
	return nil
}

func (e entry) addTo(f *fs.Fs, name string) error {
	switch e.kind {
	case iofs.ModeDir:
		return f.EnsureDir(name)
	case iofs.ModeSymlink:
		return symlink(f, e.data, name)
	}
	if err := f.EnsureDir(path.Dir(name)); err != nil {
		return err
	}
	return f.Write(name, []byte(e.data))
}

func symlink(f *fs.Fs, target, name string) error {
	if err := f.EnsureDir(path.Dir(name)); err != nil {
		return err
	}
	root, err := f.Dir()
	if err != nil {
		return err
	}
	defer root.Close()
	place, err := fs.Resolve(root, root, name, fs.Clamp)
	if err != nil {
		return err
	}
	defer place.Close()
	return place.Dir.Symlink(target, place.Name)
}

// format is the archive as text, sorted by path, after a comment.
func (a archive) format(comment string) []byte {
	text := txtar.Archive{Comment: []byte(comment)}
	for _, name := range a.paths() {
		marker, body := a[name].format(name)
		text.Files = append(text.Files, txtar.File{Name: marker, Data: []byte(body)})
	}
	return txtar.Format(&text)
}

const (
	quotedMark = " (quoted)"
	linkMark   = " -> "
)

func (e entry) format(name string) (marker, body string) {
	marker = name
	if !plainName(name) {
		marker = strconv.Quote(name)
	}
	switch {
	case e.kind == iofs.ModeSymlink:
		return marker + linkMark + target(e.data), ""
	case plainText(e.data):
		return marker, e.data
	}
	return marker + quotedMark, quoteLines(e.data)
}

// target is where a symlink leads, as a marker tells it.
func target(data string) string {
	if strings.TrimSpace(data) == data && !strings.HasPrefix(data, `"`) && printable(data) {
		return data
	}
	return strconv.Quote(data)
}

func plainName(name string) bool {
	return strings.TrimSpace(name) == name && !strings.HasPrefix(name, `"`) &&
		!strings.HasSuffix(name, quotedMark) && !strings.Contains(name, linkMark) && printable(name)
}

// plainText is what a txtar archive holds as it is, and an editor leaves alone.
func plainText(data string) bool {
	return legible(data) && !txtar.NeedsQuote([]byte(data))
}

// legible is what shows all that it is when it is printed: lines of text.
func legible(data string) bool {
	return data == "" || strings.HasSuffix(data, "\n") && printable(strings.NewReplacer("\n", "", "\t", "").Replace(data))
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func quoteLines(data string) string {
	var b strings.Builder
	for line := range strings.Lines(data) {
		b.WriteString(strconv.Quote(line) + "\n")
	}
	return b.String()
}

func parseArchive(text []byte) (archive, error) {
	found := make(archive)
	for _, f := range txtar.Parse(text).Files {
		name, e, err := parseEntry(f)
		if err != nil {
			return nil, fmt.Errorf("-- %s --: %w", f.Name, err)
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("-- %s --: it is there twice", f.Name)
		}
		found[name] = e
	}
	return found, nil
}

func parseEntry(f txtar.File) (name string, e entry, err error) {
	name, rest, err := parseName(f.Name)
	switch body := bytes.TrimSpace(f.Data); {
	case err != nil:
	case strings.HasPrefix(rest, linkMark):
		e.kind = iofs.ModeSymlink
		if e.data = strings.TrimPrefix(rest, linkMark); strings.HasPrefix(e.data, `"`) {
			e.data, err = strconv.Unquote(e.data)
		}
	case rest == quotedMark:
		e.data, err = unquoteLines(string(f.Data))
	case rest != "":
		err = fmt.Errorf("what is %q?", rest)
	case strings.HasSuffix(name, "/"):
		if e.kind = iofs.ModeDir; len(body) > 0 {
			err = errors.New("a directory has no content")
		}
	default:
		e.data = string(f.Data)
	}
	return name, e, err
}

// parseName takes a path off a marker.
func parseName(marker string) (name, rest string, err error) {
	if strings.HasPrefix(marker, `"`) {
		quoted, err := strconv.QuotedPrefix(marker)
		if err != nil {
			return "", "", errors.New("the path is not a Go string")
		}
		name, err = strconv.Unquote(quoted)
		return name, marker[len(quoted):], err
	}
	if i := strings.Index(marker, linkMark); i >= 0 {
		return marker[:i], marker[i:], nil
	}
	if name, ok := strings.CutSuffix(marker, quotedMark); ok {
		return name, quotedMark, nil
	}
	return marker, "", nil
}

func unquoteLines(body string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		text, err := strconv.Unquote(line)
		if err != nil {
			return "", fmt.Errorf("%s is not a Go string", line)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
