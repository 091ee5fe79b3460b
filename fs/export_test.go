package fs

import "os"

// OpenPortable opens a directory the way systems without *at calls do.
func OpenPortable(root string) (Dir, error) { return openRootDir(root) }

// InMemory reports whether d shows nothing but memory.
func InMemory(d Dir) bool {
	m, ok := d.(*memDir)
	return ok && m.tree.base == nil
}

// Known counts the names that a layer knows better than its base.
func (l *Layer) Known() int { return len(l.tree.root.entries) }

// ErrShallow is what OpenDeep answers where the system cannot.
var ErrShallow = errShallow

// OpenDeep goes down in one step, and only so.
func OpenDeep(d Dir, path string) error {
	sub, err := d.(deepOpener).openDeep(path)
	if err != nil {
		return err
	}
	return sub.Close()
}

// OpenDeepFile reads a file in one step, and only so.
func OpenDeepFile(d Dir, path string) error {
	n, err := d.(deepFileOpener).openDeepFile(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	return n.Close()
}

// SetRoom bounds a filesystem in memory, and Room tells what it uses.
func SetRoom(f *Fs, max int64) { treeOf(f).room.max = max }

func Room(f *Fs) int64 { return treeOf(f).room.used.Load() }

func treeOf(f *Fs) *memTree {
	d, _ := f.Dir()
	defer d.Close()
	return d.(*memDir).tree
}
