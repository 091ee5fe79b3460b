package hermetic

import (
	"fmt"
	"path"
	"unicode/utf8"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
)

// removed stands for an entry that is there no more, where others have their text.
const removed = "removed"

// Changes are the entries of overlays that a run left otherwise than it found them, by
// path as the guest sees it: "removed", or the text of a reapi.Entry.
type Changes map[string]string

// Add adds what is different in layer, which the guest saw at target.
func (c Changes) Add(layer *fs.Layer, target string) error {
	list, err := layer.Diff()
	if err != nil {
		return err
	}
	for _, change := range list {
		if err := checkText(change.Path, change.Target); err != nil {
			return err
		}
		seen := path.Join(target, change.Path)
		if change.Kind == fs.Removed {
			c[seen] = removed
			continue
		}
		e, err := entryAt(layer.Fs, change.Path)
		if err != nil {
			return err
		}
		c[seen] = e.String()
	}
	return nil
}

func entryAt(f *fs.Fs, path string) (e reapi.Entry, err error) {
	err = at(f, path, func(dir fs.Dir, name string) error {
		e, err = reapi.ReadEntry(dir, name)
		return err
	})
	return e, err
}

// checkText refuses what JSON would write down as something else.
func checkText(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not UTF-8, and so cannot be written down", s)
		}
	}
	return nil
}
