package hermetic

import (
	"cmp"
	iofs "io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
)

// ReadMount reads what f has for a guest to see at target.
func ReadMount(f *fs.Fs, target string, overlay bool) (Mount, error) {
	m := Mount{Target: target, Overlay: overlay}
	var err error
	if m.Files, err = reapi.Read(f); err != nil {
		return m, err
	}
	m.twins, err = m.identify(f)
	return m, err
}

// fileID is what makes two names those of one file.
type fileID struct{ dev, ino uint64 }

// identify tells the identity of the root and of all below it, in the order of paths.
func (m Mount) identify(f *fs.Fs) ([]fileID, error) {
	paths := append([]string{"/"}, slices.Sorted(maps.Keys(m.Files))...)
	ids := make([]fileID, len(paths))
	for i, p := range paths {
		info, err := f.Lstat(p)
		if err != nil {
			return nil, err
		}
		st := info.Sys().(fs.Stat)
		ids[i] = fileID{st.Dev, st.Ino}
	}
	return ids, nil
}

// inputRoot is the one tree that all mounts together are.
func (r *Run) inputRoot() reapi.Tree {
	root := make(reapi.Tree)
	mounts := slices.SortedStableFunc(slices.Values(r.Mounts), func(a, b Mount) int {
		return cmp.Compare(strings.Count(a.Target, "/"), strings.Count(b.Target, "/"))
	})
	for _, m := range mounts {
		at := strings.Trim(path.Clean(m.Target), "/")
		hide(root, at)
		for p, e := range m.Files {
			root[path.Join(at, p)] = e
		}
	}
	return root
}

// hide takes away what a mount at at hides, and makes it a directory.
func hide(root reapi.Tree, at string) {
	if at == "" {
		return
	}
	maps.DeleteFunc(root, func(p string, _ reapi.Entry) bool { return strings.HasPrefix(p, at+"/") })
	for dir := at; dir != "."; dir = path.Dir(dir) {
		root[dir] = reapi.Entry{Type: iofs.ModeDir, Perm: 0o755}
	}
}
