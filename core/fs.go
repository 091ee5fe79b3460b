package core

import (
	iofs "io/fs"

	"dappco.re/go/cloche/fs"
)

// Fs is package fs with Results: every method does what its namesake there does
// and is documented there, except that content is a string, byte for byte. The
// zero value denies everything with a *fs.DeniedError.
type Fs struct {
	plain *fs.Fs
}

// WithFs makes the host directory root all that the Core's Fs reaches. The Core
// closes it at shutdown.
func WithFs(root string) CoreOption {
	return func(c *Core) Result {
		f, err := fs.New(root)
		if err != nil {
			return Fail(E("core.WithFs", "no filesystem", err))
		}
		return c.useFs(f, f.Close)
	}
}

// WithUnrestrictedFs makes the whole host the Core's Fs.
func WithUnrestrictedFs() CoreOption {
	return func(c *Core) Result {
		f := new(fs.Fs).NewUnrestricted()
		if !f.Unrestricted() {
			return Fail(E("core.WithUnrestrictedFs", "the host's root cannot be opened", nil))
		}
		return c.useFs(f, f.Close)
	}
}

// WithPlainFs makes f the Core's Fs, for one that is not simply a directory. It
// stays the caller's to close.
func WithPlainFs(f *fs.Fs) CoreOption {
	return func(c *Core) Result {
		if f == nil {
			return Fail(E("core.WithPlainFs", "the filesystem is nil", nil))
		}
		return c.useFs(f, nil)
	}
}

func (c *Core) useFs(f *fs.Fs, closer func() error) Result {
	if c.fsGiven {
		if closer != nil {
			closer()
		}
		return Fail(E("core.New", "two options give a filesystem; leave one out", nil))
	}
	c.fsGiven = true
	c.files = &Fs{plain: f}
	c.fsCloser = closer
	return Ok(nil)
}

// closeFs is part of the lifecycle and called in its turn.
func (c *Core) closeFs() error {
	closer := c.fsCloser
	c.fsCloser = nil
	if closer == nil {
		return nil
	}
	return closer()
}

// Plain returns the same filesystem with plain Go errors.
func (f *Fs) Plain() *fs.Fs { return f.plain }

// Root returns the root as it was given to WithFs, and "" for any other Fs.
func (f *Fs) Root() string { return f.plain.Root() }

// IsDir tells whether path is a directory that can be reached.
func (f *Fs) IsDir(path string) bool { return f.plain.IsDir(path) }

// IsFile tells whether path is a regular file that can be reached.
func (f *Fs) IsFile(path string) bool { return f.plain.IsFile(path) }

// Exists tells whether path is there and can be reached.
func (f *Fs) Exists(path string) bool { return f.plain.Exists(path) }

// Read answers the file's content as a string.
func (f *Fs) Read(path string) Result {
	data, err := f.plain.Read(path)
	return answer(string(data), err)
}

// Write creates or overwrites a file.
func (f *Fs) Write(path, content string) Result {
	return outcome(f.plain.Write(path, []byte(content)))
}

// WriteMode is Write that also sets the file's mode.
func (f *Fs) WriteMode(path, content string, perm iofs.FileMode) Result {
	return outcome(f.plain.WriteMode(path, []byte(content), perm))
}

// WriteAtomic replaces the file so that every reader, also after a crash, sees
// the old content or the new.
func (f *Fs) WriteAtomic(path, content string) Result {
	return outcome(f.plain.WriteAtomic(path, []byte(content)))
}

// Update replaces the file by what change makes of it; no other Update is lost.
func (f *Fs) Update(path string, change func(old string) (string, error)) Result {
	return outcome(f.plain.Update(path, func(old []byte) ([]byte, error) {
		content, err := change(string(old))
		return []byte(content), err
	}))
}

// TempDir makes a new directory and answers its path, a string.
func (f *Fs) TempDir(pattern string) Result { return answer(f.plain.TempDir(pattern)) }

// EnsureDir makes the directory and those above it, where they are missing.
func (f *Fs) EnsureDir(path string) Result { return outcome(f.plain.EnsureDir(path)) }

// List answers the directory's entries, an []io/fs.DirEntry.
func (f *Fs) List(path string) Result { return answer(f.plain.List(path)) }

// Stat answers an io/fs.FileInfo.
func (f *Fs) Stat(path string) Result { return answer(f.plain.Stat(path)) }

// Open answers the file for reading, a *fs.File.
func (f *Fs) Open(path string) Result { return answer(f.plain.Open(path)) }

// Create answers the emptied or new file for writing, a *fs.File.
func (f *Fs) Create(path string) Result { return answer(f.plain.Create(path)) }

// Append answers the file for writing at its end, a *fs.File.
func (f *Fs) Append(path string) Result { return answer(f.plain.Append(path)) }

// ReadStream answers an io.ReadCloser.
func (f *Fs) ReadStream(path string) Result { return answer(f.plain.ReadStream(path)) }

// WriteStream answers an io.WriteCloser.
func (f *Fs) WriteStream(path string) Result { return answer(f.plain.WriteStream(path)) }

// Delete removes a file or an empty directory.
func (f *Fs) Delete(path string) Result { return outcome(f.plain.Delete(path)) }

// DeleteAll removes a file or a whole directory, but not the root.
func (f *Fs) DeleteAll(path string) Result { return outcome(f.plain.DeleteAll(path)) }

// Rename gives an entry another path.
func (f *Fs) Rename(from, to string) Result { return outcome(f.plain.Rename(from, to)) }

// Walk calls fn for everything below root.
func (f *Fs) Walk(root string, fn iofs.WalkDirFunc) Result { return outcome(f.plain.Walk(root, fn)) }

// ReadOnly returns an Fs on the same files that cannot change them. The caller
// closes it.
func (f *Fs) ReadOnly() *Fs { return &Fs{plain: f.plain.ReadOnly()} }

// Sub answers an *Fs whose root is the directory dir. The caller closes it.
func (f *Fs) Sub(dir string) Result {
	sub, err := f.plain.Sub(dir)
	return answer(&Fs{plain: sub}, err)
}

// NewUnrestricted returns a new Fs on the whole host and leaves f as it is. The
// caller closes it.
func (f *Fs) NewUnrestricted() *Fs { return &Fs{plain: f.plain.NewUnrestricted()} }

// Close gives the root up. The Core closes its own Fs.
func (f *Fs) Close() Result { return outcome(f.plain.Close()) }

func answer[T any](v T, err error) Result {
	if err != nil {
		return Fail(err)
	}
	return Ok(v)
}
