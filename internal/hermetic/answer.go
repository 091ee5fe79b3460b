package hermetic

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"math"
	"os"
	"slices"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Answer is all that a run left behind.
type Answer struct {
	Exit   int
	Usage  process.Usage
	Output []Segment  // in the order written
	Layers [][]Change // of each overlay
}

// Segment is a piece of one of the two outputs.
type Segment struct {
	Stderr bool
	Data   []byte
}

// Change is one entry of an overlay that differs from its base.
type Change struct {
	Path    string
	Kind    fs.ChangeKind
	Mode    iofs.FileMode
	Target  string    // of a symlink
	Content []byte    // of a file
	Mtime   time.Time // of a file that the guest dated itself; zero otherwise
}

// errNotKept is why an Answer cannot be made of a layer.
var errNotKept = errors.New("it has changes that a cache cannot keep")

// Keep reads the changes in layer since the run began. It refuses hard links, of
// which a Layer knows more than their names, and what is larger than max bytes.
func Keep(layer *fs.Layer, began time.Time, max int64) ([]Change, error) {
	list, err := layer.Diff()
	if err != nil {
		return nil, err
	}
	changes := make([]Change, len(list))
	for i, c := range list {
		kept := Change{Path: c.Path, Kind: c.Kind, Mode: c.New.Mode, Target: c.Target}
		if err := checkText(c.Path, c.Target); err != nil {
			return nil, err
		}
		if c.Kind != fs.Removed && c.New.Mode.IsRegular() {
			if max -= c.New.Size; c.New.Nlink > 1 || max < 0 {
				return nil, fmt.Errorf("%s: %w", c.Path, errNotKept)
			}
			if kept.Content, err = read(layer.Fs, c.Path); err != nil {
				return nil, err
			}
			if c.New.Mtime.Before(began) || c.New.Mtime.After(time.Now()) {
				kept.Mtime = c.New.Mtime
			}
		}
		changes[i] = kept
	}
	return changes, nil
}

// Replay makes changes in layer, which has none. If what comes of it is anything else,
// layer is left without, and that is an error.
func Replay(layer *fs.Layer, changes []Change) error {
	began := time.Now()
	err := replay(layer.Fs, changes)
	if err == nil {
		var got []Change
		if got, err = Keep(layer, began, math.MaxInt64); err == nil && !slices.EqualFunc(changes, got, sameChange) {
			err = errors.New("the changes came out otherwise than they were kept")
		}
	}
	if err != nil {
		return errors.Join(err, layer.Discard())
	}
	return nil
}

func sameChange(a, b Change) bool {
	return a.Path == b.Path && a.Kind == b.Kind && a.Mode == b.Mode && a.Target == b.Target &&
		string(a.Content) == string(b.Content) && a.Mtime.Equal(b.Mtime)
}

// replay removes first: a file may stand where a directory was, or the reverse.
func replay(f *fs.Fs, changes []Change) error {
	for _, c := range changes {
		if c.Kind != fs.Removed && c.Mode.Type() != iofs.ModeSymlink {
			continue
		}
		if _, err := f.Lstat(c.Path); err == nil {
			if err := f.DeleteAll(c.Path); err != nil {
				return err
			}
		}
	}
	for _, c := range changes {
		if c.Kind == fs.Removed {
			continue
		}
		if err := at(f, c.Path, c.make); err != nil {
			return err
		}
	}
	return nil
}

// at calls do with the directory that holds path, and its name there.
func at(f *fs.Fs, path string, do func(dir fs.Dir, name string) error) error {
	root, err := f.Dir()
	if err != nil {
		return err
	}
	defer root.Close()
	place, err := fs.Resolve(root, root, path, fs.Clamp)
	if err != nil {
		return err
	}
	defer place.Close()
	return do(place.Dir, place.Name)
}

func (c Change) make(dir fs.Dir, name string) error {
	switch c.Mode.Type() {
	case iofs.ModeDir:
		return dir.Mkdir(name, c.Mode.Perm())
	case iofs.ModeSymlink:
		return dir.Symlink(c.Target, name)
	}
	n, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, c.Mode.Perm())
	if err != nil {
		return err
	}
	defer n.Close()
	if err := n.SetMode(c.Mode.Perm()); err != nil {
		return err
	}
	if _, err := n.WriteAt(c.Content, 0); err != nil {
		return err
	}
	if c.Mtime.IsZero() {
		return nil
	}
	return n.SetTimes(time.Time{}, c.Mtime)
}

func read(f *fs.Fs, path string) (content []byte, err error) {
	err = at(f, path, func(dir fs.Dir, name string) error {
		n, err := dir.OpenFile(name, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer n.Close()
		content, err = io.ReadAll(io.NewSectionReader(n, 0, math.MaxInt64))
		return err
	})
	return content, err
}
