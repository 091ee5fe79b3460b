package files

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"dappco.re/go/cloche/userland/internal/tool"
)

type copier struct {
	env *tool.Env
	ask asker

	recursive, force, noClobber, interactive, update, verbose bool
	keepMode, keepTimes                                       bool
	linksAsLinks, followOperands                              bool
	removeFirst, parents                                      bool
	linkOnly, symlinkOnly                                     bool
}

// Cp copies files and directories.
func Cp(e *tool.Env) int {
	c := &copier{env: e, ask: asker{env: e}}
	f := e.Flags("[OPTION]... SOURCE... DEST")
	deref := false
	f.Call("a,archive", "", "same as -dR --preserve=all", func(string) error {
		c.recursive, c.linksAsLinks, c.keepMode, c.keepTimes = true, true, true, true
		return nil
	})
	f.Call("d,", "", "same as --no-dereference", on(&c.linksAsLinks))
	f.Call("f,force", "", "if a destination file cannot be opened, remove it and try again", on(&c.force))
	f.Call("H,", "", "follow command-line symbolic links in SOURCE", on(&c.followOperands))
	f.Call("i,interactive", "", "prompt before overwrite", func(string) error { c.interactive, c.noClobber = true, false; return nil })
	f.Call("l,link", "", "hard link files instead of copying", on(&c.linkOnly))
	f.Call("L,dereference", "", "always follow symbolic links in SOURCE", on(&deref))
	f.Call("n,no-clobber", "", "do not overwrite an existing file", func(string) error { c.interactive, c.noClobber = false, true; return nil })
	f.Call("P,no-dereference", "", "never follow symbolic links in SOURCE", on(&c.linksAsLinks))
	f.Call("p,", "", "preserve mode and times", func(string) error { c.keepMode, c.keepTimes = true, true; return nil })
	f.Call(",preserve", "[ATTRS]", "preserve mode, timestamps or all", func(v string) error {
		for attr := range strings.SplitSeq(v, ",") {
			all := attr == "" || attr == "all"
			c.keepMode = c.keepMode || all || attr == "mode"
			c.keepTimes = c.keepTimes || all || attr == "timestamps"
			c.linksAsLinks = c.linksAsLinks || attr == "links"
		}
		return nil
	})
	f.Call(",parents", "", "use full source file name under DIRECTORY", on(&c.parents))
	f.Call("R,recursive", "", "copy directories recursively", on(&c.recursive))
	f.Call("r,", "", "copy directories recursively", on(&c.recursive))
	f.Call(",remove-destination", "", "remove each existing destination file before opening it", on(&c.removeFirst))
	f.Call("s,symbolic-link", "", "make symbolic links instead of copying", on(&c.symlinkOnly))
	noDir := f.Bool("T,no-target-directory", "treat DEST as a normal file")
	into := f.String("t,target-directory", "DIRECTORY", "", "copy all SOURCE arguments into DIRECTORY")
	f.Call("u,update", "", "copy only when the SOURCE file is newer", on(&c.update))
	f.Call("v,verbose", "", "explain what is being done", on(&c.verbose))
	f.Call("x,one-file-system", "", "(ignored)", func(string) error { return nil })
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	d, ok := destination(e, names, *into, *noDir, isDir, false)
	if !ok {
		return e.Status()
	}
	if c.recursive && !deref {
		c.linksAsLinks = true
	}
	if deref {
		c.linksAsLinks = false
	}
	made := map[string]bool{}
	for _, source := range d.sources {
		target := d.path(source)
		if c.parents {
			target = join(d.target, strings.TrimLeft(source, "/"))
			os.MkdirAll(filepath.Dir(strings.TrimRight(target, "/")), 0o777)
		}
		if d.dir && made[target] && !c.parents {
			e.Fail("will not overwrite just-created %s with %s", tool.Quote(target), tool.Quote(source))
			continue
		}
		if c.copy(source, target, true) {
			made[target] = true
		}
	}
	return e.Status()
}

func (c *copier) stat(path string, operand bool) (os.FileInfo, error) {
	if c.linksAsLinks && !(operand && c.followOperands) && !strings.HasSuffix(path, "/") {
		return os.Lstat(path)
	}
	return os.Stat(path)
}

func (c *copier) copy(source, target string, operand bool) bool {
	info, err := c.stat(source, operand)
	if err != nil {
		c.env.Fail("cannot stat %s: %s", tool.Quote(source), tool.Reason(err))
		return false
	}
	if info.IsDir() {
		if !c.recursive {
			c.env.Fail("-r not specified; omitting directory %s", tool.Quote(source))
			return false
		}
		return c.directory(source, target, info)
	}
	if !c.mayWrite(source, target, info) {
		return false
	}
	switch {
	case c.symlinkOnly:
		err = os.Symlink(source, target)
	case c.linkOnly:
		err = os.Link(source, target)
	case info.Mode()&os.ModeSymlink != 0:
		err = copyLink(source, target)
	default:
		return c.file(source, target, info) && c.told(source, target)
	}
	if err != nil {
		c.env.Fail("cannot create link %s: %s", tool.Quote(target), tool.Reason(err))
		return false
	}
	return c.told(source, target)
}

func (c *copier) told(source, target string) bool {
	if c.verbose {
		c.env.Stdout.Printf("%s -> %s\n", tool.Quote(source), tool.Quote(target))
	}
	return true
}

func copyLink(source, target string) error {
	text, err := os.Readlink(source)
	if err != nil {
		return err
	}
	os.Remove(target)
	return os.Symlink(text, target)
}

// mayWrite applies -n, -i and -u to a target that exists.
func (c *copier) mayWrite(source, target string, info os.FileInfo) bool {
	old, err := os.Stat(target)
	if err != nil {
		return true
	}
	switch {
	case os.SameFile(info, old) && !c.removeFirst && !c.linkOnly:
		c.env.Fail("%s and %s are the same file", tool.Quote(source), tool.Quote(target))
	case old.IsDir():
		c.env.Fail("cannot overwrite directory %s with non-directory", tool.Quote(target))
	case c.noClobber:
	case c.update && !info.ModTime().After(old.ModTime()):
	case c.interactive && !c.ask.yes("overwrite %s?", tool.Quote(target)):
	default:
		if c.removeFirst {
			os.Remove(target)
		}
		return true
	}
	return false
}

func (c *copier) file(source, target string, info os.FileInfo) bool {
	in, err := os.Open(source)
	if err != nil {
		c.env.Fail("cannot open %s for reading: %s", tool.Quote(source), tool.Reason(err))
		return false
	}
	defer in.Close()
	out, err := create(target, info.Mode().Perm())
	if err != nil && c.force && !errors.Is(err, iofs.ErrNotExist) {
		os.Remove(target)
		out, err = create(target, info.Mode().Perm())
	}
	if err != nil {
		if strings.HasSuffix(target, "/") {
			err = syscall.ENOTDIR
		}
		c.env.Fail("cannot create regular file %s: %s", tool.Quote(target), tool.Reason(err))
		return false
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		c.env.Fail("error writing %s: %s", tool.Quote(target), tool.Reason(err))
		return false
	}
	c.preserve(target, info)
	return true
}

func create(path string, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
}

func (c *copier) preserve(target string, info os.FileInfo) {
	if c.keepMode {
		if err := os.Chmod(target, info.Mode().Perm()); err != nil {
			c.env.Fail("preserving permissions for %s: %s", tool.Quote(target), tool.Reason(err))
		}
	}
	if c.keepTimes {
		if err := os.Chtimes(target, Meta(info).Accessed, info.ModTime()); err != nil {
			c.env.Fail("preserving times for %s: %s", tool.Quote(target), tool.Reason(err))
		}
	}
}

func (c *copier) directory(source, target string, info os.FileInfo) bool {
	if inside(source, target) {
		c.env.Fail("cannot copy a directory, %s, into itself, %s", tool.Quote(source), tool.Quote(target))
		return false
	}
	old, err := os.Stat(target)
	switch {
	case err == nil && !old.IsDir():
		c.env.Fail("cannot overwrite non-directory %s with directory %s", tool.Quote(target), tool.Quote(source))
		return false
	case err != nil:
		if err := os.Mkdir(target, info.Mode().Perm()|0o700); err != nil {
			c.env.Fail("cannot create directory %s: %s", tool.Quote(target), tool.Reason(err))
			return false
		}
		c.told(source, target)
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		c.env.Fail("cannot access %s: %s", tool.Quote(source), tool.Reason(err))
	}
	done := err == nil
	for _, entry := range entries {
		done = c.copy(join(source, entry.Name()), join(target, entry.Name()), false) && done
	}
	c.preserve(target, info)
	return done
}

// inside tells whether path is dir or lies below it.
func inside(dir, path string) bool {
	dir, errDir := canonical(dir, mayLackAll)
	path, errPath := canonical(path, mayLackAll)
	return errDir == nil && errPath == nil && (dir == path || strings.HasPrefix(path, dir+"/"))
}

// Mv moves files and directories.
func Mv(e *tool.Env) int {
	m := &mover{copier: copier{env: e, ask: asker{env: e}, recursive: true, linksAsLinks: true, keepMode: true, keepTimes: true}}
	f := e.Flags("[OPTION]... SOURCE... DEST")
	f.Call("f,force", "", "do not prompt before overwriting", func(string) error { m.interactive, m.noClobber = false, false; return nil })
	f.Call("i,interactive", "", "prompt before overwrite", func(string) error { m.interactive, m.noClobber = true, false; return nil })
	f.Call("n,no-clobber", "", "do not overwrite an existing file", func(string) error { m.interactive, m.noClobber = false, true; return nil })
	noDir := f.Bool("T,no-target-directory", "treat DEST as a normal file")
	into := f.String("t,target-directory", "DIRECTORY", "", "move all SOURCE arguments into DIRECTORY")
	f.Call("u,update", "", "move only when the SOURCE file is newer", on(&m.update))
	f.Call("v,verbose", "", "explain what is being done", on(&m.verbose))
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	d, ok := destination(e, names, *into, *noDir, isDir, false)
	if !ok {
		return e.Status()
	}
	for _, source := range d.sources {
		m.move(source, d.path(source))
	}
	return e.Status()
}

type mover struct{ copier }

func (m *mover) move(source, target string) {
	info, err := os.Lstat(source)
	if err != nil {
		m.env.Fail("cannot stat %s: %s", tool.Quote(source), tool.Reason(err))
		return
	}
	old, oldErr := os.Lstat(target)
	switch {
	case oldErr != nil:
	case os.SameFile(info, old):
		m.env.Fail("%s and %s are the same file", tool.Quote(source), tool.Quote(target))
		return
	case old.IsDir() && !info.IsDir():
		m.env.Fail("cannot overwrite directory %s with non-directory", tool.Quote(target))
		return
	case info.IsDir() && !old.IsDir():
		m.env.Fail("cannot overwrite non-directory %s with directory %s", tool.Quote(target), tool.Quote(source))
		return
	case m.noClobber, m.update && !info.ModTime().After(old.ModTime()):
		return
	case m.interactive && !m.ask.yes("overwrite %s?", tool.Quote(target)):
		return
	}
	if info.IsDir() && inside(source, target) {
		m.env.Fail("cannot move %s to a subdirectory of itself, %s", tool.Quote(source), tool.Quote(target))
		return
	}
	err = syscall.Rename(source, target)
	if errors.Is(err, syscall.EXDEV) {
		verbose := m.verbose
		m.verbose = false
		if m.copy(source, target, true) {
			err = os.RemoveAll(source)
		} else {
			return
		}
		m.verbose = verbose
	}
	if err != nil {
		m.env.Fail("cannot move %s to %s: %s", tool.Quote(source), tool.Quote(target), tool.Reason(err))
		return
	}
	if m.verbose {
		m.env.Stdout.Printf("renamed %s -> %s\n", tool.Quote(source), tool.Quote(target))
	}
}
