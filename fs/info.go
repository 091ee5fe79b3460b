package fs

import (
	iofs "io/fs"
	"path"
	"time"
)

// info is a Stat with a name.
type info struct {
	name string
	stat Stat
}

func newInfo(name string, st Stat) info { return info{path.Base(name), st} }

func (i info) Name() string        { return i.name }
func (i info) Size() int64         { return i.stat.Size }
func (i info) Mode() iofs.FileMode { return i.stat.Mode }
func (i info) ModTime() time.Time  { return i.stat.Mtime }
func (i info) IsDir() bool         { return i.stat.Mode.IsDir() }
func (i info) Sys() any            { return i.stat } // a Stat
func (i info) String() string      { return iofs.FormatFileInfo(i) }

// entry is an Entry that can be asked for more later, when the directory it
// was read from is closed.
type entry struct {
	Entry
	fs   *Fs
	path string
}

func (e entry) Name() string        { return e.Entry.Name }
func (e entry) IsDir() bool         { return e.Mode.IsDir() }
func (e entry) Type() iofs.FileMode { return e.Mode.Type() }
func (e entry) String() string      { return iofs.FormatDirEntry(e) }

func (e entry) Info() (iofs.FileInfo, error) { return e.fs.Lstat(e.path) }
