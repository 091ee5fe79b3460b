// Package grep holds grep, egrep and fgrep.
package grep

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dappco.re/go/cloche/userland/internal/glob"
	"dappco.re/go/cloche/userland/internal/regex"
	"dappco.re/go/cloche/userland/internal/tool"
)

type grep struct {
	env     *tool.Env
	out     *tool.Output
	pattern *regex.Regexp
	never   bool // there is no pattern at all: an empty file of patterns

	invert, count, names, namesWithout, only, quiet, silent bool
	numbers, offsets, initialTab, nullNames                 bool
	before, after, most                                     int
	withName                                                bool
	recursive, follow                                       bool
	skipDirs                                                bool
	binary                                                  string // binary, text or without-match
	delim                                                   byte
	label                                                   string

	filters     []filter // --include and --exclude, in their order
	excludeDirs []string

	found   bool
	printed bool // something, of any file
}

type filter struct {
	glob    string
	include bool
}

// Grep searches files for lines that match a pattern.
func Grep(e *tool.Env) int {
	e.Trouble = 2
	e.Synopsis = "[OPTION]... PATTERNS [FILE]..."
	g := &grep{env: e, out: e.Stdout, before: -1, after: -1, most: math.MaxInt, binary: "binary", delim: '\n', label: "(standard input)"}
	operands, opts, patterns, code := g.parse()
	if code >= 0 {
		return code
	}
	if len(patterns) == 0 {
		g.never = true
	} else {
		var err error
		if g.pattern, err = regex.CompileAny(patterns, opts); err != nil {
			return e.Fail("%s", err)
		}
	}
	if len(operands) == 0 {
		operands = []string{"-"}
		if g.recursive {
			operands = []string{""}
		}
	}
	for _, name := range operands {
		g.operand(name)
		if g.quiet && g.found {
			return 0
		}
	}
	switch {
	case e.Status() != 0:
		return e.Status()
	case g.found:
		return 0
	}
	return 1
}

func (g *grep) parse() (operands []string, opts regex.Options, patterns []string, code int) {
	e := g.env
	f := e.Flags("[OPTION]... PATTERNS [FILE]...")
	given := false
	switch e.Name {
	case "egrep":
		opts.Extended = true
	case "fgrep":
		opts.Literal = true
	}
	on := func(flags ...*bool) func(string) error {
		return func(string) error {
			for _, p := range flags {
				*p = true
			}
			return nil
		}
	}
	number := func(flags ...*int) func(string) error {
		return func(v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return fmt.Errorf("%s: invalid context length argument", v)
			}
			for _, p := range flags {
				*p = n
			}
			return nil
		}
	}
	add := func(text string) { patterns = append(patterns, strings.Split(text, "\n")...) }
	f.Call("E,extended-regexp", "", "PATTERNS are extended regular expressions", func(string) error { opts.Extended, opts.Literal = true, false; return nil })
	f.Call("F,fixed-strings", "", "PATTERNS are strings", func(string) error { opts.Extended, opts.Literal = false, true; return nil })
	f.Call("G,basic-regexp", "", "PATTERNS are basic regular expressions", func(string) error { opts.Extended, opts.Literal = false, false; return nil })
	f.Call("e,regexp", "PATTERNS", "use PATTERNS for matching", func(v string) error { given = true; add(v); return nil })
	f.Call("f,file", "FILE", "take PATTERNS from FILE", func(v string) error {
		given = true
		r, err := e.Open(v)
		if err != nil {
			return fmt.Errorf("%s: %s", v, tool.Reason(err))
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		if len(data) > 0 {
			add(string(bytes.TrimSuffix(data, []byte("\n"))))
		}
		return err
	})
	f.Call("i,ignore-case", "", "ignore case distinctions in patterns and data", on(&opts.FoldCase))
	f.Call("y,", "", "the same as -i", on(&opts.FoldCase))
	f.Call(",no-ignore-case", "", "do not ignore case distinctions", func(string) error { opts.FoldCase = false; return nil })
	f.Call("w,word-regexp", "", "match only whole words", on(&opts.Words))
	f.Call("x,line-regexp", "", "match only whole lines", on(&opts.Whole))
	f.Call("v,invert-match", "", "select non-matching lines", on(&g.invert))
	f.Call("c,count", "", "print only a count of selected lines per FILE", on(&g.count))
	f.Call("l,files-with-matches", "", "print only names of FILEs with selected lines", func(string) error { g.names, g.namesWithout = true, false; return nil })
	f.Call("L,files-without-match", "", "print only names of FILEs with no selected lines", func(string) error { g.names, g.namesWithout = false, true; return nil })
	f.Call("o,only-matching", "", "show only nonempty parts of lines that match", on(&g.only))
	f.Call("q,quiet", "", "suppress all normal output", on(&g.quiet))
	f.Call(",silent", "", "the same as --quiet", on(&g.quiet))
	f.Call("s,no-messages", "", "suppress error messages", on(&g.silent))
	f.Call("n,line-number", "", "print line number with output lines", on(&g.numbers))
	f.Call("b,byte-offset", "", "print the byte offset with output lines", on(&g.offsets))
	names := 0
	f.Call("H,with-filename", "", "print file name with output lines", func(string) error { names = 1; return nil })
	f.Call("h,no-filename", "", "suppress the file name prefix on output", func(string) error { names = -1; return nil })
	f.Call(",label", "LABEL", "use LABEL as the standard input file name prefix", func(v string) error { g.label = v; return nil })
	f.Call("T,initial-tab", "", "make tabs line up (if needed)", on(&g.initialTab))
	f.Call("Z,null", "", "print 0 byte after FILE name", on(&g.nullNames))
	f.Call("z,null-data", "", "a data line ends in 0 byte, not newline", func(string) error { g.delim = 0; return nil })
	both := -1
	f.Call("A,after-context", "NUM", "print NUM lines of trailing context", number(&g.after))
	f.Call("B,before-context", "NUM", "print NUM lines of leading context", number(&g.before))
	f.Call("C,context", "NUM", "print NUM lines of output context", number(&both))
	f.Digits = number(&both)
	f.Call("m,max-count", "NUM", "stop after NUM selected lines", func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return errors.New("invalid max count")
		}
		if n >= 0 {
			g.most = n
		}
		return nil
	})
	f.Call("r,recursive", "", "search directories", on(&g.recursive))
	f.Call("R,dereference-recursive", "", "likewise, but follow all symlinks", on(&g.recursive, &g.follow))
	f.Call("d,directories", "ACTION", "how to handle directories: read, recurse or skip", func(v string) error {
		g.recursive, g.skipDirs = v == "recurse", v == "skip"
		return nil
	})
	f.Call("D,devices", "ACTION", "(ignored)", func(string) error { return nil })
	f.Call(",include", "GLOB", "search only files that match GLOB", func(v string) error { g.filters = append(g.filters, filter{v, true}); return nil })
	f.Call(",exclude", "GLOB", "skip files that match GLOB", func(v string) error { g.filters = append(g.filters, filter{v, false}); return nil })
	f.Call(",exclude-dir", "GLOB", "skip directories that match GLOB", func(v string) error {
		g.excludeDirs = append(g.excludeDirs, strings.TrimRight(v, "/"))
		return nil
	})
	f.Call("a,text", "", "equivalent to --binary-files=text", func(string) error { g.binary = "text"; return nil })
	f.Call("I,", "", "equivalent to --binary-files=without-match", func(string) error { g.binary = "without-match"; return nil })
	f.Call(",binary-files", "TYPE", "assume that binary files are TYPE: binary, text or without-match", func(v string) error {
		if v != "binary" && v != "text" && v != "without-match" {
			return errors.New("unknown binary-files type")
		}
		g.binary = v
		return nil
	})
	f.Call(",color", "[WHEN]", "(ignored)", func(string) error { return nil })
	f.Call(",colour", "[WHEN]", "(ignored)", func(string) error { return nil })
	f.Bool(",line-buffered", "(ignored)")
	f.Call("P,perl-regexp", "", "(not supported)", func(string) error {
		return errors.New("Perl matching not supported in a --disable-perl-regexp build")
	})
	operands, ok := f.Parse()
	if !ok {
		if f.Code() == 0 {
			return nil, opts, nil, 0
		}
		return nil, opts, nil, f.Code()
	}
	if !given {
		if len(operands) == 0 {
			return nil, opts, nil, e.Hint()
		}
		add(operands[0])
		operands = operands[1:]
	}
	if both >= 0 {
		g.before, g.after = max(g.before, -1), max(g.after, -1)
		if g.before < 0 {
			g.before = both
		}
		if g.after < 0 {
			g.after = both
		}
	}
	g.withName = names > 0 || names == 0 && (len(operands) > 1 || g.recursive && !oneFile(operands))
	return operands, opts, patterns, -1
}

// oneFile tells whether the only operand is no directory: then its name is left out even when searching recursively.
func oneFile(operands []string) bool {
	if len(operands) != 1 {
		return false
	}
	info, err := os.Stat(operands[0])
	return err != nil || !info.IsDir()
}

func (g *grep) fail(name string, err error) {
	if g.silent {
		g.env.Raise(2)
		return
	}
	g.env.Fail("%s: %s", name, tool.Reason(err))
}

func (g *grep) operand(name string) {
	if name == "-" {
		if g.allowed("-", true) {
			g.file("-")
		}
		return
	}
	info, err := os.Stat(cmpOr(name, "."))
	switch {
	case err != nil:
		g.fail(name, err)
	case !info.IsDir():
		if g.allowed(name, true) {
			g.file(name)
		}
	case g.recursive:
		if name == "" || !g.excludedDir(name, true) {
			g.tree(name)
		}
	case g.skipDirs:
	default:
		if !g.silent {
			g.env.Warn("%s: Is a directory", name)
		}
		g.env.Raise(2)
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (g *grep) tree(dir string) {
	entries, err := os.ReadDir(cmpOr(dir, "."))
	if err != nil {
		g.fail(dir, err)
		return
	}
	for _, entry := range entries {
		if g.quiet && g.found || g.out.Broken() {
			return
		}
		path := entry.Name()
		if dir != "" {
			path = strings.TrimRight(dir, "/") + "/" + path
			if strings.Trim(dir, "/") == "" {
				path = "/" + entry.Name()
			}
		}
		kind := entry.Type()
		if kind&os.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if !g.follow {
				continue
			}
			if err != nil {
				g.fail(path, err)
				continue
			}
			kind = info.Mode().Type()
		}
		switch {
		case kind.IsDir():
			if !g.excludedDir(entry.Name(), false) {
				g.tree(path)
			}
		case kind.IsRegular() && g.allowed(entry.Name(), false):
			g.file(path)
		}
	}
}

// allowed applies --include and --exclude: the last that matches decides, and without one, the opposite of the first's kind.
func (g *grep) allowed(name string, operand bool) bool {
	if len(g.filters) == 0 {
		return true
	}
	for i := len(g.filters) - 1; i >= 0; i-- {
		if matchName(g.filters[i].glob, name, operand) {
			return g.filters[i].include
		}
	}
	return !slices.ContainsFunc(g.filters, func(f filter) bool { return f.include })
}

func (g *grep) excludedDir(name string, operand bool) bool {
	for _, pattern := range g.excludeDirs {
		if matchName(pattern, strings.TrimRight(name, "/"), operand) {
			return true
		}
	}
	return false
}

// matchName matches a file found by its last element, and an operand by any of its tails.
func matchName(pattern, name string, operand bool) bool {
	if glob.Match(pattern, name, false) {
		return true
	}
	if !operand {
		return glob.Match(pattern, filepath.Base(name), false)
	}
	for i := range len(name) {
		if name[i] == '/' && glob.Match(pattern, name[i+1:], false) {
			return true
		}
	}
	return false
}

func (g *grep) file(name string) {
	r, err := g.env.Open(name)
	if err != nil {
		g.fail(name, err)
		return
	}
	defer r.Close()
	label := name
	if name == "-" {
		label = g.label
	}
	s := &search{grep: g, name: label, lines: tool.NewLines(r, g.delim)}
	selected, err := s.run()
	if err != nil {
		g.fail(name, err)
	}
	g.found = g.found || selected > 0
	switch {
	case g.quiet:
	case g.names && selected > 0, g.namesWithout && selected == 0:
		g.out.WriteString(label)
		g.out.WriteByte(g.endOfName('\n'))
	case g.names || g.namesWithout:
	case g.count:
		if g.withName {
			g.out.WriteString(label)
			g.out.WriteByte(g.endOfName(':'))
		}
		g.out.Printf("%d\n", selected)
	}
}

func (g *grep) endOfName(plain byte) byte {
	if g.nullNames {
		return 0
	}
	return plain
}
