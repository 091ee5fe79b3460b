package wasm

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"path"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// tree is the files that a guest sees.
type tree struct {
	root     *fs.Fs
	cwd      string
	mounts   []string // where, in the tree
	preopens []string
	close    func()
}

// tree builds what s says. It leaves nothing open when it fails. A guest that is
// given no files sees an empty root, so that whatever it looks for is simply not
// there; without any root, its libraries would answer EBADF.
func (e *Executor) tree(s process.Spec) (*tree, error) {
	t := &tree{root: e.shared(), cwd: "/" + s.Dir, close: func() {}}
	if len(s.Mounts) > 0 || t.root == nil {
		if err := t.mount(e.fsys, s.Mounts); err != nil {
			return nil, err
		}
	}
	if err := t.checkDir(s.Dir); err != nil {
		t.close()
		return nil, err
	}
	for _, m := range s.Mounts {
		target := path.Clean(m.Target)
		t.mounts = append(t.mounts, target)
		if t.cwd != "/" && target != "/" {
			t.preopens = append(t.preopens, target)
		}
	}
	return t, nil
}

// shared is the Core's Fs if a guest may have it as its root, and nil otherwise.
func (e *Executor) shared() *fs.Fs {
	if e.fsys == nil || e.fsys.Unrestricted() {
		return nil
	}
	d, err := e.fsys.Dir()
	if err != nil {
		return nil // it denies everything, as a Core's does that was given none
	}
	_ = d.Close()
	return e.fsys
}

func (t *tree) mount(core *fs.Fs, mounts []process.Mount) error {
	parts := make([]fs.Mount, len(mounts))
	defer func() {
		for _, p := range parts {
			_ = p.Fs.Close() // the tree has handles of its own
		}
	}()
	for i, m := range mounts {
		part, err := mountSource(core, m)
		if err != nil {
			return mountError(fmt.Sprintf("mounts[%d].source", i), m.Source, err)
		}
		parts[i] = fs.Mount{Target: m.Target, Fs: part}
	}
	root, err := fs.Mounts(parts)
	if err != nil {
		return mountError("mounts", "", err)
	}
	t.root, t.close = root, func() { _ = root.Close() }
	return nil
}

func mountSource(core *fs.Fs, m process.Mount) (*fs.Fs, error) {
	from := m.Fs
	if from == nil {
		from = core
	}
	source := m.Source
	if source == "" {
		source = "/"
	}
	sub, err := from.Sub(source)
	if err != nil || !m.ReadOnly {
		return sub, err
	}
	defer sub.Close()
	return sub.ReadOnly(), nil
}

func mountError(field, value string, err error) error {
	if denied, ok := errors.AsType[*process.DeniedError](err); ok {
		return denied
	}
	return &process.SpecError{Field: field, Value: value, Err: plain(err), Fix: "name a directory that exists"}
}

// checkDir makes sure that the guest's working directory is one.
//
// The path is resolved and not cleaned, for ".." after a symlink is the parent
// of where that leads.
func (t *tree) checkDir(dir string) error {
	info, err := t.root.Stat(t.cwd)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	if denied, ok := errors.AsType[*process.DeniedError](err); ok {
		return denied
	}
	if err == nil {
		t.cwd, err = canonical(t.root, t.cwd)
	}
	if err != nil {
		return &process.SpecError{Field: "dir", Value: dir, Err: plain(err), Fix: "name a directory that the guest sees, or mount it"}
	}
	return nil
}

// canonical returns dir without symlinks: a guest that computes ".." on the name
// of its working directory, as Go's do, must come out where the host would.
func canonical(root *fs.Fs, dir string) (string, error) {
	d, err := root.Dir()
	if err != nil {
		return "", err
	}
	defer d.Close()
	place, err := fs.Resolve(d, d, dir, fs.Follow|fs.Clamp)
	if err != nil {
		return "", err
	}
	defer place.Close()
	return place.Path(), nil
}

// plain takes the operation and path off an error whose path is told anyway.
func plain(err error) error {
	if p, ok := errors.AsType[*iofs.PathError](err); ok {
		return p.Err
	}
	return err
}
