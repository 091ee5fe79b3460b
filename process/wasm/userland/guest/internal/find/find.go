// Package find holds find.
package find

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dappco.re/go/cloche/userland/internal/files"
	"dappco.re/go/cloche/userland/internal/tool"
)

type finder struct {
	env *tool.Env
	out *tool.Output
	now time.Time

	follow, followOperands bool
	min, max               int // depths; max < 0 is without bound
	depthFirst             bool
	acts                   bool // the expression prints or deletes by itself
	expression             predicate
	quit                   bool
	owners                 files.Owners
}

// visit is one file of the walk.
type visit struct {
	path  string
	start string // the operand the walk began at
	depth int
	info  os.FileInfo
	prune bool
}

// Find walks trees and evaluates an expression for every file.
func Find(e *tool.Env) int {
	f := &finder{env: e, out: e.Stdout, now: time.Now(), max: -1}
	args := e.Args
	for len(args) > 0 && slices.Contains([]string{"-H", "-L", "-P"}, args[0]) {
		f.follow, f.followOperands = args[0] == "-L", args[0] == "-H"
		args = args[1:]
	}
	if len(args) > 0 && (args[0] == "--help" || args[0] == "-help") {
		e.Stdout.WriteString("Usage: find [-H] [-L] [-P] [path...] [expression]\n")
		return 0
	}
	var starts []string
	for len(args) > 0 && !startsExpression(args[0]) {
		starts = append(starts, args[0])
		args = args[1:]
	}
	if len(starts) == 0 {
		starts = []string{"."}
	}
	p := &parser{finder: f, args: args}
	var err error
	if f.expression, err = p.parse(); err != nil {
		return e.Fail("%s", err)
	}
	if !f.acts {
		test := f.expression
		f.expression = func(v *visit) bool { return test(v) && f.print(v, '\n') }
	}
	for _, start := range starts {
		f.operand(start)
		if f.quit || f.out.Broken() {
			break
		}
	}
	return e.Status()
}

func startsExpression(arg string) bool {
	return arg == "(" || arg == "!" || len(arg) > 1 && arg[0] == '-'
}

func (f *finder) print(v *visit, delim byte) bool {
	f.out.WriteString(v.path)
	f.out.WriteByte(delim)
	return true
}

func (f *finder) fail(path string, err error) {
	f.env.Fail("%s: %s", tool.Quote(path), tool.Reason(err))
}

func (f *finder) stat(path string, operand bool) (os.FileInfo, error) {
	if f.follow || f.followOperands && operand {
		info, err := os.Stat(path)
		if err == nil || errors.Is(err, syscall.ELOOP) {
			return info, err
		}
	}
	return os.Lstat(path)
}

func (f *finder) operand(start string) {
	if start == "" {
		f.fail(start, syscall.ENOENT)
		return
	}
	info, err := f.stat(start, true)
	if err == nil && strings.HasSuffix(start, "/") && !info.IsDir() {
		info, err = os.Stat(start)
	}
	if err != nil {
		f.fail(start, err)
		return
	}
	f.walk(&visit{path: start, start: start, info: info}, nil)
}

// walk visits a file and what is below it. The ancestors are there to notice a loop of links.
func (f *finder) walk(v *visit, ancestors []os.FileInfo) {
	if f.quit || f.out.Broken() {
		return
	}
	evaluate := func() {
		if v.depth >= f.min {
			f.expression(v)
		}
	}
	if !f.depthFirst {
		evaluate()
	}
	if v.info.IsDir() && !v.prune && !f.quit && (f.max < 0 || v.depth < f.max) {
		f.children(v, ancestors)
	}
	if f.depthFirst && !f.quit {
		evaluate()
	}
}

func (f *finder) children(v *visit, ancestors []os.FileInfo) {
	for _, ancestor := range ancestors {
		if os.SameFile(ancestor, v.info) {
			f.env.Fail("File system loop detected; %s is part of the same file system loop as %s", tool.Quote(v.path), tool.Quote(v.start))
			return
		}
	}
	entries, err := os.ReadDir(v.path)
	if err != nil {
		f.fail(v.path, err)
	}
	below := append(slices.Clip(ancestors), v.info)
	for _, entry := range entries {
		path := v.path + "/" + entry.Name()
		if strings.HasSuffix(v.path, "/") {
			path = v.path + entry.Name()
		}
		info, err := f.stat(path, false)
		if err != nil {
			f.fail(path, err)
			continue
		}
		f.walk(&visit{path: path, start: v.start, depth: v.depth + 1, info: info}, below)
	}
}

// delete removes a file, or a directory that the walk has emptied.
func (f *finder) delete(v *visit) bool {
	if v.path == "." {
		return true
	}
	remove := syscall.Unlink
	if v.info.IsDir() {
		remove = syscall.Rmdir
	}
	if err := remove(v.path); err != nil {
		f.env.Fail("cannot delete %s: %s", tool.Quote(v.path), tool.Reason(err))
		return false
	}
	return true
}

func (f *finder) empty(v *visit) bool {
	switch {
	case v.info.Mode().IsRegular():
		return v.info.Size() == 0
	case v.info.IsDir():
		entries, err := os.ReadDir(v.path)
		if err != nil {
			f.fail(v.path, err)
		}
		return err == nil && len(entries) == 0
	}
	return false
}

// list prints a line in the manner of ls -dils.
func (f *finder) list(v *visit) bool {
	extra := files.Meta(v.info)
	link := ""
	if v.info.Mode()&os.ModeSymlink != 0 {
		target, _ := os.Readlink(v.path)
		link = " -> " + target
	}
	f.out.Printf("%9d %6d %s %3d %-8s %-8s %8d %s %s%s\n", extra.Inode, (extra.Blocks+1)/2, files.Mode(v.info.Mode()), extra.Links,
		f.owners.User(extra.UID), f.owners.Group(extra.GID), v.info.Size(), f.date(v.info.ModTime()), v.path, link)
	return true
}

// date leaves the hour out for what is in the future or more than half a year old, as ls does.
func (f *finder) date(t time.Time) string {
	if age := f.now.Sub(t); age < 0 || age > 31556952/2*time.Second {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

var errNoSpawn = errors.New("a sandboxed program cannot start another one; use -print0 and have the caller run it")

// comparison is a number with + (more than) or - (less than) before it.
type comparison struct {
	sign byte
	n    int64
}

func parseComparison(text string) (comparison, bool) {
	var c comparison
	if text != "" && (text[0] == '+' || text[0] == '-') {
		c.sign = text[0]
		text = text[1:]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	c.n = n
	return c, err == nil && n >= 0
}

func (c comparison) holds(n int64) bool {
	switch c.sign {
	case '+':
		return n > c.n
	case '-':
		return n < c.n
	}
	return n == c.n
}
