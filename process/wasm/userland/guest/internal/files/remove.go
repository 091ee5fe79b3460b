package files

import (
	"errors"
	iofs "io/fs"
	"os"
	"strings"
	"syscall"

	"dappco.re/go/cloche/userland/internal/tool"
)

type remover struct {
	env *tool.Env
	ask asker

	recursive, force, interactive, dirs, verbose bool
}

// Rm removes files and directories.
func Rm(e *tool.Env) int {
	r := &remover{env: e, ask: asker{env: e}}
	f := e.Flags("[OPTION]... [FILE]...")
	once := false
	preserve := true
	f.Call("f,force", "", "ignore nonexistent files and arguments, never prompt", func(string) error { r.force, r.interactive, once = true, false, false; return nil })
	f.Call("i,", "", "prompt before every removal", func(string) error { r.interactive, r.force = true, false; return nil })
	f.Call("I,", "", "prompt once before removing more than three files, or recursively", func(string) error { once, r.force = true, false; return nil })
	f.Call("r,recursive", "", "remove directories and their contents recursively", on(&r.recursive))
	f.Call("R,", "", "the same as -r", on(&r.recursive))
	f.Call("d,dir", "", "remove empty directories", on(&r.dirs))
	f.Call("v,verbose", "", "explain what is being done", on(&r.verbose))
	f.Call(",no-preserve-root", "", "do not treat '/' specially", func(string) error { preserve = false; return nil })
	f.Call(",preserve-root", "[all]", "do not remove '/' (default)", func(string) error { preserve = true; return nil })
	f.Call(",one-file-system", "", "(ignored)", func(string) error { return nil })
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		if r.force {
			return 0
		}
		return e.Misused("missing operand")
	}
	if once && (len(names) > 3 || r.recursive) {
		what := "argument"
		if len(names) > 1 {
			what = "arguments"
		}
		recursively := ""
		if r.recursive {
			recursively = " recursively"
		}
		if !r.ask.yes("remove %d %s%s?", len(names), what, recursively) {
			return 0
		}
	}
	for _, name := range names {
		base := last(name)
		switch {
		case base == "." || base == "..":
			e.Fail("refusing to remove '.' or '..' directory: skipping %s", tool.Quote(name))
		case strings.Trim(name, "/") == "" && name != "" && r.recursive && preserve:
			e.Fail("it is dangerous to operate recursively on '/'")
			e.Warn("use --no-preserve-root to override this failsafe")
		default:
			r.remove(name)
		}
	}
	return e.Status()
}

func (r *remover) fail(path string, err error) bool {
	r.env.Fail("cannot remove %s: %s", tool.Quote(path), tool.Reason(err))
	return false
}

func (r *remover) remove(path string) bool {
	info, err := os.Lstat(path)
	if err == nil && strings.HasSuffix(path, "/") && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		if r.force && (errors.Is(err, iofs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			return true
		}
		return r.fail(path, err)
	}
	if info.IsDir() {
		return r.directory(path)
	}
	if r.interactive && !r.ask.yes("remove %s %s?", kindOf(info), tool.Quote(path)) {
		return false
	}
	if err := syscall.Unlink(path); err != nil {
		return r.fail(path, err)
	}
	r.told("removed %s\n", path)
	return true
}

func (r *remover) told(format, path string) {
	if r.verbose {
		r.env.Stdout.Printf(format, tool.Quote(path))
	}
}

func (r *remover) directory(path string) bool {
	if !r.recursive && !r.dirs {
		return r.fail(path, syscall.EISDIR)
	}
	emptied := true
	if r.recursive {
		entries, err := os.ReadDir(path)
		if err != nil {
			return r.fail(path, err)
		}
		if r.interactive && len(entries) > 0 && !r.ask.yes("descend into directory %s?", tool.Quote(path)) {
			return false
		}
		for _, entry := range entries {
			emptied = r.remove(join(path, entry.Name())) && emptied
		}
	}
	if !emptied || r.interactive && !r.ask.yes("remove directory %s?", tool.Quote(path)) {
		return false
	}
	if err := syscall.Rmdir(path); err != nil {
		return r.fail(path, err)
	}
	r.told("removed directory %s\n", path)
	return true
}

// kindOf names the kind of a file as stat and rm do.
func kindOf(info os.FileInfo) string {
	mode := info.Mode()
	switch {
	case mode.IsDir():
		return "directory"
	case mode&os.ModeSymlink != 0:
		return "symbolic link"
	case mode&os.ModeNamedPipe != 0:
		return "fifo"
	case mode&os.ModeSocket != 0:
		return "socket"
	case mode&os.ModeCharDevice != 0:
		return "character special file"
	case mode&os.ModeDevice != 0:
		return "block special file"
	case info.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}
