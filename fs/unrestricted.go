package fs

import (
	"os"
	"path/filepath"
	"strings"
)

// NewUnrestricted returns a new Fs on the whole host, the one door out of the
// restriction; it does not change f. Its root is the host's "/", a relative path
// starts at the process's working directory, and devices, procfs and sysfs can
// be opened. Where the host has volumes instead of one root, it is the volume of
// the working directory.
//
// Symlinks are walked as anywhere else, so the magic ones of procfs
// (/proc/self/fd/1, and /dev/stdout by it) lead nowhere.
func (f *Fs) NewUnrestricted() *Fs {
	d, err := openWhole()
	if err != nil {
		return &Fs{}
	}
	g := FromDir(d)
	g.mode |= wholeHost
	g.host = hostRoot()
	return g
}

// Unrestricted reports whether f is the whole host.
func (f *Fs) Unrestricted() bool { return f != nil && f.mode&wholeHost != 0 }

// absolute puts the working directory before a relative path in an
// unrestricted Fs.
func (f *Fs) absolute(path string) (string, error) {
	if !f.Unrestricted() || path == "" || path[0] == '/' {
		return path, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	wd = filepath.ToSlash(strings.TrimPrefix(wd, filepath.VolumeName(wd)))
	return wd + "/" + path, nil
}
