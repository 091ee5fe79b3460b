// Package files holds the commands that work on the file tree: cp, ln, ls, mkdir, mv, readlink, realpath, rm, rmdir, stat and touch.
package files

import (
	"bufio"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dappco.re/go/cloche/userland/internal/dates"
	"dappco.re/go/cloche/userland/internal/tool"
)

// Extra is the part of stat(2) that package os does not carry.
type Extra struct {
	Dev, Inode, Links uint64
	UID, GID          uint32
	Blocks, BlockSize int64
	Accessed, Changed time.Time
}

// join puts a name below a directory, without cleaning either.
func join(dir, name string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// last is the last element of a path, slashes behind it left out.
func last(path string) string {
	trimmed := strings.TrimRight(path, "/")
	if trimmed == "" {
		return path[:min(1, len(path))]
	}
	return trimmed[strings.LastIndexByte(trimmed, '/')+1:]
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func on(p *bool) func(string) error { return func(string) error { *p = true; return nil } }

// Mkdir makes directories.
func Mkdir(e *tool.Env) int {
	f := e.Flags("[OPTION]... DIRECTORY...")
	parents := f.Bool("p,parents", "no error if existing, make parent directories as needed")
	verbose := f.Bool("v,verbose", "print a message for each created directory")
	mode := f.String("m,mode", "MODE", "", "set file mode (octal)")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	bits, err := strconv.ParseUint("0"+*mode, 8, 12)
	if err != nil {
		return e.Fail("invalid mode %s", tool.Quote(*mode))
	}
	make := func(name string, existing, last bool) bool {
		err := os.Mkdir(name, 0o777)
		if err != nil {
			if existing && isDir(name) {
				return true
			}
			if existing && errors.Is(err, iofs.ErrNotExist) {
				return false
			}
			if _, statErr := os.Stat(name); existing && !last && statErr == nil {
				err = syscall.ENOTDIR
			}
			e.Fail("cannot create directory %s: %s", tool.Quote(name), tool.Reason(err))
			return false
		}
		if *verbose {
			e.Stdout.Printf("%s: created directory %s\n", e.Name, tool.Quote(name))
		}
		return true
	}
	for _, name := range names {
		if *parents && !makeParents(name, make) {
			continue
		}
		if make(name, *parents, true) && *mode != "" {
			if err := os.Chmod(name, os.FileMode(bits)); err != nil {
				e.Fail("cannot set permissions of %s: %s", tool.Quote(name), tool.Reason(err))
			}
		}
	}
	return e.Status()
}

func makeParents(name string, make func(name string, existing, last bool) bool) bool {
	for i := 1; i < len(name); i++ {
		if name[i] == '/' && strings.Trim(name[i:], "/") != "" && name[i-1] != '/' {
			if !make(name[:i], true, false) {
				return false
			}
		}
	}
	return true
}

// Rmdir removes empty directories.
func Rmdir(e *tool.Env) int {
	f := e.Flags("[OPTION]... DIRECTORY...")
	parents := f.Bool("p,parents", "remove DIRECTORY and its ancestors")
	verbose := f.Bool("v,verbose", "output a diagnostic for every directory processed")
	lenient := f.Bool(",ignore-fail-on-non-empty", "ignore each failure to remove a non-empty directory")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	remove := func(name string) bool {
		if *verbose {
			e.Stdout.Printf("%s: removing directory, %s\n", e.Name, tool.Quote(name))
		}
		err := syscall.Rmdir(name)
		if err == nil {
			return true
		}
		if !*lenient || !errors.Is(err, syscall.ENOTEMPTY) {
			e.Fail("failed to remove %s: %s", tool.Quote(name), tool.Reason(err))
		}
		return false
	}
	for _, name := range names {
		for remove(name) && *parents {
			name = strings.TrimRight(name, "/")
			i := strings.LastIndexByte(name, '/')
			if i <= 0 {
				break
			}
			name = strings.TrimRight(name[:i], "/")
		}
	}
	return e.Status()
}

// Touch changes times and makes files that do not exist.
func Touch(e *tool.Env) int {
	f := e.Flags("[OPTION]... FILE...")
	noCreate := f.Bool("c,no-create", "do not create any files")
	onlyAccess := f.Bool("a,", "change only the access time")
	onlyModified := f.Bool("m,", "change only the modification time")
	f.Bool("f,", "(ignored)")
	now := time.Now()
	when := now
	accessed := when
	f.Call("d,date", "STRING", "parse STRING and use it instead of current time", func(v string) error {
		t, ok := dates.Parse(v, now)
		if !ok {
			return errors.New("invalid date format " + tool.Quote(v))
		}
		when, accessed = t, t
		return nil
	})
	f.Call("t,", "STAMP", "use [[CC]YY]MMDDhhmm[.ss] instead of current time", func(v string) error {
		t, ok := stamp(v, now)
		if !ok {
			return errors.New("invalid date format " + tool.Quote(v))
		}
		when, accessed = t, t
		return nil
	})
	f.Call("r,reference", "FILE", "use this file's times instead of current time", func(v string) error {
		info, err := os.Stat(v)
		if err != nil {
			return errors.New("failed to get attributes of " + tool.Quote(v) + ": " + tool.Reason(err))
		}
		when, accessed = info.ModTime(), Meta(info).Accessed
		return nil
	})
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing file operand")
	}
	for _, name := range names {
		if err := touch(name, *noCreate, times{when, accessed, *onlyAccess && !*onlyModified, *onlyModified && !*onlyAccess}); err != nil {
			verb := "cannot touch "
			if !errors.Is(err, errCannotOpen) {
				verb = "setting times of "
			}
			e.Fail("%s%s: %s", verb, tool.Quote(name), tool.Reason(err))
		}
	}
	return e.Status()
}

type times struct {
	modified, accessed         time.Time
	onlyAccessed, onlyModified bool
}

var errCannotOpen = errors.New("cannot open")

func touch(name string, noCreate bool, t times) error {
	info, err := os.Stat(name)
	if errors.Is(err, iofs.ErrNotExist) {
		if noCreate {
			return nil
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return errors.Join(err, errCannotOpen)
		}
		info, err = file.Stat()
		file.Close()
		if err != nil {
			return err
		}
	} else if err != nil {
		return errors.Join(err, errCannotOpen)
	}
	if t.onlyAccessed {
		t.modified = info.ModTime()
	}
	if t.onlyModified {
		t.accessed = Meta(info).Accessed
	}
	return os.Chtimes(name, t.accessed, t.modified)
}

func stamp(text string, now time.Time) (time.Time, bool) {
	text, seconds, dotted := strings.Cut(text, ".")
	if !dotted {
		seconds = "00"
	}
	switch len(text) {
	case 8:
		text = now.Format("2006") + text
	case 10:
		century := "20"
		if text[:2] >= "69" {
			century = "19"
		}
		text = century + text
	}
	t, err := time.ParseInLocation("20060102150405", text+seconds, now.Location())
	return t, err == nil
}

// Readlink prints where symbolic links lead.
func Readlink(e *tool.Env) int {
	f := e.Flags("[OPTION]... FILE...")
	var follow, all, missing, verbose bool
	noNewline := f.Bool("n,no-newline", "do not output the trailing delimiter")
	zero := f.Bool("z,zero", "end each output line with NUL, not newline")
	f.Call("f,canonicalize", "", "follow every symlink; all but the last component must exist", on(&follow))
	f.Call("e,canonicalize-existing", "", "follow every symlink, all components must exist", on(&all))
	f.Call("m,canonicalize-missing", "", "follow every symlink, components need not exist", on(&missing))
	f.Call("v,verbose", "", "report error messages", on(&verbose))
	f.Call("q,quiet", "", "suppress most error messages", func(string) error { verbose = false; return nil })
	f.Call("s,silent", "", "the same as -q", func(string) error { verbose = false; return nil })
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	for _, name := range names {
		var target string
		var err error
		switch {
		case missing:
			target, err = canonical(name, mayLackAll)
		case all:
			target, err = canonical(name, mustExist)
		case follow:
			target, err = canonical(name, mayLackLast)
		default:
			target, err = os.Readlink(name)
		}
		if err != nil {
			e.Raise(1)
			if verbose {
				e.FailPath(name, err)
			}
			continue
		}
		printPath(e, target, *zero, *noNewline && len(names) == 1)
	}
	return e.Status()
}

func printPath(e *tool.Env, path string, zero, bare bool) {
	e.Stdout.WriteString(path)
	switch {
	case bare:
	case zero:
		e.Stdout.WriteByte(0)
	default:
		e.Stdout.WriteByte('\n')
	}
}

// Realpath prints paths without links, dots and double slashes.
func Realpath(e *tool.Env) int {
	f := e.Flags("[OPTION]... FILE...")
	need := mayLackLast
	f.Call("e,canonicalize-existing", "", "all components of the path must exist", func(string) error { need = mustExist; return nil })
	f.Call("m,canonicalize-missing", "", "no path components need exist or be a directory", func(string) error { need = mayLackAll; return nil })
	noLinks := f.Bool("s,no-symlinks", "don't expand symlinks")
	quiet := f.Bool("q,quiet", "suppress most error messages")
	zero := f.Bool("z,zero", "end each output line with NUL, not newline")
	base := f.String(",relative-to", "DIR", "", "print the resolved path relative to DIR")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	for _, name := range names {
		path, err := canonical(name, need)
		if *noLinks {
			path, err = filepath.Abs(name)
		}
		if err == nil && *base != "" {
			from, _ := canonical(*base, mayLackAll)
			path, err = filepath.Rel(from, path)
		}
		if err != nil {
			e.Raise(1)
			if !*quiet {
				e.FailPath(name, err)
			}
			continue
		}
		printPath(e, path, *zero, false)
	}
	return e.Status()
}

// need says which parts of a path must exist.
type need int

const (
	mayLackLast need = iota
	mustExist
	mayLackAll
)

// canonical resolves all symbolic links in a path.
func canonical(path string, n need) (string, error) {
	if path == "" {
		return "", syscall.ENOENT
	}
	trailing := strings.HasSuffix(path, "/")
	resolved := "/"
	rest := path
	if !strings.HasPrefix(path, "/") {
		dir, err := os.Getwd()
		if err != nil {
			return "", err
		}
		rest = join(dir, path)
	}
	for links := 0; ; {
		rest = strings.TrimLeft(rest, "/")
		if rest == "" {
			break
		}
		element, after, _ := strings.Cut(rest, "/")
		rest = after
		switch element {
		case ".":
			continue
		case "..":
			resolved = filepath.Dir(resolved)
			continue
		}
		next := join(resolved, element)
		info, err := os.Lstat(next)
		final := strings.Trim(rest, "/") == ""
		switch {
		case err != nil && (n == mayLackAll || n == mayLackLast && final && errors.Is(err, iofs.ErrNotExist)):
			resolved = next
		case err != nil:
			return "", err
		case info.Mode()&os.ModeSymlink != 0:
			if links++; links > 40 {
				return "", syscall.ELOOP
			}
			target, err := os.Readlink(next)
			if err != nil {
				return "", err
			}
			if strings.HasPrefix(target, "/") {
				resolved = "/"
			}
			rest = target + "/" + rest
		case !info.IsDir() && (!final || trailing) && n != mayLackAll:
			return "", syscall.ENOTDIR
		default:
			resolved = next
		}
	}
	return resolved, nil
}

// Ln makes links.
func Ln(e *tool.Env) int {
	f := e.Flags("[OPTION]... TARGET LINK_NAME\n  or:  ln [OPTION]... TARGET... DIRECTORY")
	symbolic := f.Bool("s,symbolic", "make symbolic links instead of hard links")
	force := f.Bool("f,force", "remove existing destination files")
	noDeref := f.Bool("n,no-dereference", "treat LINK_NAME as a normal file if it is a symbolic link to a directory")
	noDir := f.Bool("T,no-target-directory", "treat LINK_NAME as a normal file always")
	relative := f.Bool("r,relative", "with -s, create links relative to link location")
	verbose := f.Bool("v,verbose", "print name of each linked file")
	into := f.String("t,target-directory", "DIRECTORY", "", "specify the DIRECTORY in which to create the links")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	d, ok := destination(e, names, *into, *noDir, func(path string) bool {
		if info, err := os.Lstat(path); *noDeref && err == nil && info.Mode()&os.ModeSymlink != 0 {
			return false
		}
		return isDir(path)
	}, true)
	if !ok {
		return e.Status()
	}
	for _, target := range d.sources {
		link := d.path(target)
		text := target
		if *symbolic && *relative {
			from, _ := canonical(filepath.Dir(link), mayLackAll)
			to, _ := canonical(target, mayLackAll)
			if rel, err := filepath.Rel(from, to); err == nil {
				text = rel
			}
		}
		if err := link1(text, link, *symbolic, *force); err != nil {
			kind := "hard"
			if *symbolic {
				kind = "symbolic"
			}
			if info, statErr := os.Stat(target); !*symbolic {
				switch {
				case statErr != nil:
					e.Fail("failed to access %s: %s", tool.Quote(target), tool.Reason(statErr))
					continue
				case info.IsDir():
					e.Fail("%s: hard link not allowed for directory", tool.QuoteIfNeeded(target))
					continue
				}
			}
			if *symbolic || errors.Is(err, iofs.ErrExist) {
				e.Fail("failed to create %s link %s: %s", kind, tool.Quote(link), tool.Reason(err))
			} else {
				e.Fail("failed to create %s link %s => %s: %s", kind, tool.Quote(link), tool.Quote(target), tool.Reason(err))
			}
			continue
		}
		if *verbose {
			arrow := "=>"
			if *symbolic {
				arrow = "->"
			}
			e.Stdout.Printf("%s %s %s\n", tool.Quote(link), arrow, tool.Quote(text))
		}
	}
	return e.Status()
}

func link1(target, link string, symbolic, force bool) error {
	if force {
		if info, err := os.Lstat(link); err == nil && !info.IsDir() {
			if err := os.Remove(link); err != nil {
				return err
			}
		}
	}
	if symbolic {
		return os.Symlink(target, link)
	}
	return os.Link(target, link)
}

// dest is where the sources of cp, ln and mv go.
type dest struct {
	sources []string
	dir     bool
	target  string
}

func (d dest) path(source string) string {
	if d.dir {
		return join(d.target, last(source))
	}
	return d.target
}

// destination takes the operands apart: a last one that is a directory takes the sources in.
func destination(e *tool.Env, names []string, into string, noDir bool, isDir func(string) bool, oneIsEnough bool) (dest, bool) {
	switch {
	case len(names) == 0:
		e.Misused("missing file operand")
		return dest{}, false
	case into != "" && noDir:
		e.Fail("cannot combine --target-directory (-t) and --no-target-directory (-T)")
		return dest{}, false
	case into != "":
		if !isDir(into) {
			_, err := os.Stat(into)
			reason := "Not a directory"
			if err != nil {
				reason = tool.Reason(err)
			}
			e.Fail("target directory %s: %s", tool.Quote(into), reason)
			return dest{}, false
		}
		return dest{names, true, into}, true
	case len(names) == 1 && oneIsEnough && !noDir:
		return dest{names, true, "."}, true
	case len(names) == 1:
		e.Misused("missing destination file operand after %s", tool.Quote(names[0]))
		return dest{}, false
	}
	target := names[len(names)-1]
	sources := names[:len(names)-1]
	switch {
	case noDir && len(sources) > 1:
		e.Misused("extra operand %s", tool.Quote(names[2]))
		return dest{}, false
	case noDir:
		return dest{sources, false, target}, true
	case isDir(target):
		return dest{sources, true, target}, true
	case len(sources) > 1:
		_, err := os.Stat(target)
		reason := "Not a directory"
		if err != nil {
			reason = tool.Reason(err)
		}
		e.Fail("target %s: %s", tool.Quote(target), reason)
		return dest{}, false
	}
	return dest{sources, false, target}, true
}

// asker asks questions on standard error and reads the answers from standard input.
type asker struct {
	env     *tool.Env
	answers *bufio.Reader
}

func (a *asker) yes(format string, args ...any) bool {
	a.env.Stdout.Flush()
	question := tool.NewOutput(a.env.Stderr)
	question.Printf("%s: ", a.env.Name)
	question.Printf(format, args...)
	question.WriteByte(' ')
	question.Flush()
	if a.answers == nil {
		a.answers = bufio.NewReader(a.env.Stdin)
	}
	line, err := a.answers.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return strings.HasPrefix(line, "y") || strings.HasPrefix(line, "Y")
}
