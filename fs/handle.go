package fs

import (
	"io"
	iofs "io/fs"
	"time"
)

// Dir is an open directory, and the one interface between the path walk and a
// filesystem. Every operation is relative to the handle, which stays right when
// the directory is renamed.
//
// A name is a single path element: never empty, ".", "..", and never holding a
// slash or a NUL. The walk guarantees it, so an implementation need not check.
// No operation follows a symlink. Errors are syscall.Errno values, or wrap one.
//
// A Dir is safe for concurrent use, except that Close must be the last call.
type Dir interface {
	// Dup returns another handle on the same directory, to be closed on its own.
	Dup() (Dir, error)
	// Stat describes the directory itself.
	Stat() (Stat, error)
	// Lookup describes the entry name, a symlink as itself.
	Lookup(name string) (Stat, error)
	// ReadDir returns all entries in no particular order, without "." and "..".
	ReadDir() ([]Entry, error)

	// OpenDir opens the directory name; ENOTDIR for anything else, ELOOP for a
	// symlink.
	OpenDir(name string) (Dir, error)
	// OpenFile opens the regular file name. Of flag it takes O_RDONLY, O_WRONLY,
	// O_RDWR, O_CREATE, O_EXCL and O_TRUNC. A symlink is ELOOP, a directory
	// EISDIR, and anything that is neither a regular file is EACCES, found out
	// without blocking.
	OpenFile(name string, flag int, perm iofs.FileMode) (Node, error)

	Mkdir(name string, perm iofs.FileMode) error
	Symlink(target, name string) error
	Readlink(name string) (string, error)
	// Link makes newname in to another name of the file name; EXDEV when to
	// belongs to another filesystem.
	Link(name string, to Dir, newname string) error
	// Rename is rename(2): it replaces newname atomically; EXDEV when to belongs
	// to another filesystem.
	Rename(name string, to Dir, newname string) error
	// Unlink removes an entry that is not a directory; EISDIR for a directory.
	Unlink(name string) error
	// Rmdir removes an empty directory; ENOTDIR for anything else.
	Rmdir(name string) error

	// SetTimes sets the times of the entry name; a zero time is left as it is.
	SetTimes(name string, atime, mtime time.Time) error
	// SetOwnTimes does the same to the directory itself.
	SetOwnTimes(atime, mtime time.Time) error
	// Sync makes the directory's entries durable.
	Sync() error
	Close() error
}

// Node is an open regular file without an offset: that belongs to whoever
// opened it. ReadAt and WriteAt keep to their io contracts, and WriteAt writes
// where it is told whatever the mode.
//
// A Node is safe for concurrent use, except that Close must be the last call.
type Node interface {
	io.ReaderAt
	io.WriterAt
	// Append writes at the end of the file, wherever that is when it writes,
	// and returns the offset after the last byte written.
	Append(p []byte) (n int, end int64, err error)
	Stat() (Stat, error)
	Truncate(size int64) error
	SetTimes(atime, mtime time.Time) error
	SetMode(perm iofs.FileMode) error
	Sync() error
	Close() error
}

// Entry is one name in a directory. Mode holds only the type bits.
type Entry struct {
	Name string
	Mode iofs.FileMode
	Ino  uint64
}

// Stat is what POSIX knows about a file, as far as a Dir can tell it.
type Stat struct {
	Mode  iofs.FileMode // type and permission bits
	Size  int64
	Dev   uint64
	Ino   uint64
	Nlink uint64
	Atime time.Time
	Mtime time.Time
	Ctime time.Time
}
