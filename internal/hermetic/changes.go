package hermetic

import (
	"path"

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
		at := path.Join(target, change.Path)
		if change.Kind == fs.Removed {
			c[at] = removed
			continue
		}
		e, err := entryAt(layer.Fs, change.Path)
		if err != nil {
			return err
		}
		c[at] = e.String()
	}
	return nil
}

func entryAt(f *fs.Fs, file string) (reapi.Entry, error) {
	root, err := f.Dir()
	if err != nil {
		return reapi.Entry{}, err
	}
	defer root.Close()
	place, err := fs.Resolve(root, root, file, fs.Clamp)
	if err != nil {
		return reapi.Entry{}, err
	}
	defer place.Close()
	return reapi.ReadEntry(place.Dir, place.Name)
}
