package core

import "dappco.re/go/cloche/fs"

// Fs is package fs with Results. Plain gives what is under it.
type Fs struct {
	plain  *fs.Fs
	absent bool // no option gave an Fs
}

// Plain returns the same filesystem with plain Go errors.
func (f *Fs) Plain() *fs.Fs { return f.plain }

func (c *Core) closeFs() error { return nil }
