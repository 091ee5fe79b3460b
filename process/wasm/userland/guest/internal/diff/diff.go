// Package diff holds diff.
package diff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"dappco.re/go/cloche/userland/internal/dates"
	"dappco.re/go/cloche/userland/internal/glob"
	"dappco.re/go/cloche/userland/internal/tool"
)

type differ struct {
	env *tool.Env
	out *tool.Output

	context                                         int // lines around a change in the unified and context formats; < 0 is the normal format
	copied                                          bool
	brief, identical, recursive, newFile, text      bool
	fold, blankLines, allSpace, spaceChange, ending bool
	stripCR                                         bool
	labels                                          []string
	excluded                                        []string
	words                                           []string

	differs bool
}

// Diff compares files line by line, and directories file by file.
func Diff(e *tool.Env) int {
	e.Trouble, e.Prefixed = 2, true
	d := &differ{env: e, out: e.Stdout, context: -1}
	f := e.Flags("[OPTION]... FILES")
	on := func(p *bool) func(string) error { return func(string) error { *p = true; return nil } }
	context := func(copied bool) func(string) error {
		return func(v string) error {
			n := 3
			if v != "" {
				var err error
				if n, err = strconv.Atoi(v); err != nil || n < 0 {
					return tool.Usage(fmt.Sprintf("invalid context length '%s'", v))
				}
			}
			d.context, d.copied = max(n, d.context), copied
			return nil
		}
	}
	f.Call(",normal", "", "output a normal diff (the default)", func(string) error { d.context = -1; return nil })
	f.Call("q,brief", "", "report only when files differ", on(&d.brief))
	f.Call("s,report-identical-files", "", "report when two files are the same", on(&d.identical))
	f.Call("c,", "", "output 3 lines of copied context", context(true))
	f.Call("C,context", "NUM", "output NUM lines of copied context", context(true))
	f.Call("u,", "", "output 3 lines of unified context", context(false))
	f.Call("U,", "NUM", "output NUM lines of unified context", context(false))
	f.Call(",unified", "[NUM]", "output NUM (default 3) lines of unified context", context(false))
	f.Call("L,label", "LABEL", "use LABEL instead of file name and timestamp", func(v string) error { d.labels = append(d.labels, v); return nil })
	f.Call("r,recursive", "", "recursively compare any subdirectories found", on(&d.recursive))
	f.Call("N,new-file", "", "treat absent files as empty", on(&d.newFile))
	f.Call("x,exclude", "PAT", "exclude files that match PAT", func(v string) error { d.excluded = append(d.excluded, v); return nil })
	f.Call("i,ignore-case", "", "ignore case differences in file contents", on(&d.fold))
	f.Call("Z,ignore-trailing-space", "", "ignore white space at line end", on(&d.ending))
	f.Call("b,ignore-space-change", "", "ignore changes in the amount of white space", on(&d.spaceChange))
	f.Call("w,ignore-all-space", "", "ignore all white space", on(&d.allSpace))
	f.Call("B,ignore-blank-lines", "", "ignore changes where lines are all blank", on(&d.blankLines))
	f.Call("a,text", "", "treat all files as text", on(&d.text))
	f.Call(",strip-trailing-cr", "", "strip trailing carriage return on input", on(&d.stripCR))
	f.Call("d,minimal", "", "(always)", func(string) error { return nil })
	f.Call(",color", "[WHEN]", "(ignored)", func(string) error { return nil })
	f.Call(",no-dereference", "", "(ignored)", func(string) error { return nil })
	lines := -1
	f.Digits = func(number string) error {
		var err error
		lines, err = strconv.Atoi(number)
		return err
	}
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	d.words = f.Words()
	if d.context >= 0 && lines >= 0 {
		d.context = lines
	}
	switch {
	case len(names) == 0:
		return e.Misused("missing operand after '%s'", lastOr(e.Args, e.Name))
	case len(names) == 1:
		return e.Misused("missing operand after %s", tool.Quote(lastOr(e.Args, e.Name)))
	case len(names) > 2:
		return e.Misused("extra operand %s", tool.Quote(names[2]))
	}
	d.operands(names[0], names[1])
	if e.Status() == 0 && d.differs {
		return 1
	}
	return e.Status()
}

func lastOr(words []string, name string) string {
	if len(words) > 0 {
		return words[len(words)-1]
	}
	return name
}

// subject is one file of a comparison.
type subject struct {
	name   string
	info   os.FileInfo // nil: absent, to be taken as empty
	stdin  bool
	data   []byte
	lines  [][]byte // with their newlines
	modify time.Time
}

func (s *subject) isDir() bool { return s.info != nil && s.info.IsDir() }

func (d *differ) open(name string) (*subject, error) {
	if name == "-" {
		return &subject{name: name, stdin: true, modify: time.Now()}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return &subject{name: name, modify: time.Unix(0, 0)}, err
	}
	return &subject{name: name, info: info, modify: info.ModTime()}, nil
}

func (d *differ) operands(nameA, nameB string) {
	a, errA := d.open(nameA)
	b, errB := d.open(nameB)
	if d.newFile && (errA == nil || errB == nil) {
		// One side may be absent.
		if errors.Is(errA, iofs.ErrNotExist) {
			errA = nil
		}
		if errors.Is(errB, iofs.ErrNotExist) {
			errB = nil
		}
	}
	for _, side := range []struct {
		name string
		err  error
	}{{nameA, errA}, {nameB, errB}} {
		if side.err != nil {
			d.env.FailPath(side.name, side.err)
		}
	}
	if errA != nil || errB != nil {
		return
	}
	switch {
	case a.isDir() && b.isDir():
		d.directories(nameA, nameB)
		return
	case a.isDir() && b.stdin, b.isDir() && a.stdin:
		d.env.Fail("cannot compare '-' to a directory")
		return
	case a.isDir() && b.info != nil:
		d.operands(join(nameA, base(nameB)), nameB)
		return
	case b.isDir() && a.info != nil:
		d.operands(nameA, join(nameB, base(nameA)))
		return
	}
	d.files(a, b, false)
}

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

func base(name string) string {
	name = strings.TrimRight(name, "/")
	return name[strings.LastIndexByte(name, '/')+1:]
}

func (d *differ) list(dir string) ([]string, bool) {
	entries, err := os.ReadDir(dir)
	if err != nil && !(d.newFile && errors.Is(err, iofs.ErrNotExist)) {
		d.env.FailPath(dir, err)
		return nil, false
	}
	var names []string
	for _, entry := range entries {
		if !slices.ContainsFunc(d.excluded, func(p string) bool { return glob.Match(p, entry.Name(), false) }) {
			names = append(names, entry.Name())
		}
	}
	return names, true
}

func (d *differ) directories(dirA, dirB string) {
	namesA, okA := d.list(dirA)
	namesB, okB := d.list(dirB)
	if !okA || !okB {
		return
	}
	all := slices.Concat(namesA, namesB)
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if d.out.Broken() {
			return
		}
		inA, inB := slices.Contains(namesA, name), slices.Contains(namesB, name)
		a, errA := d.open(join(dirA, name))
		b, errB := d.open(join(dirB, name))
		switch {
		case inA && errA != nil:
			d.env.FailPath(a.name, errA)
		case inB && errB != nil:
			d.env.FailPath(b.name, errB)
		case !inB && !d.newFile:
			d.only(dirA, name)
		case !inA && !d.newFile:
			d.only(dirB, name)
		case !inB && a.isDir(), !inA && b.isDir(), a.isDir() && b.isDir():
			if d.recursive {
				d.directories(a.name, b.name)
			} else if inA && inB {
				d.out.Printf("Common subdirectories: %s and %s\n", a.name, b.name)
			} else {
				d.only(map[bool]string{true: dirA, false: dirB}[inA], name)
			}
		case a.isDir() != b.isDir():
			d.differs = true
			d.out.Printf("File %s is a %s while file %s is a %s\n", a.name, kind(a), b.name, kind(b))
		default:
			d.files(a, b, true)
		}
	}
}

func kind(s *subject) string {
	switch {
	case s.isDir():
		return "directory"
	case s.info != nil && !s.info.Mode().IsRegular():
		return "special file"
	case s.info != nil && s.info.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}

func (d *differ) only(dir, name string) {
	d.differs = true
	d.out.Printf("Only in %s: %s\n", dir, name)
}

func (d *differ) read(s *subject) bool {
	if s.info == nil && !s.stdin {
		return true
	}
	r, err := d.env.Open(s.name)
	if err == nil {
		s.data, err = io.ReadAll(r)
		r.Close()
	}
	if err != nil {
		d.env.FailPath(s.name, err)
	}
	return err == nil
}

// files compares two files and prints how they differ.
func (d *differ) files(a, b *subject, header bool) {
	if a.stdin && b.stdin || a.info != nil && b.info != nil && os.SameFile(a.info, b.info) {
		d.same(a, b)
		return
	}
	if !d.read(a) || !d.read(b) {
		return
	}
	if bytes.Equal(a.data, b.data) {
		d.same(a, b)
		return
	}
	if !d.text && (isBinary(a.data) || isBinary(b.data)) {
		if d.brief {
			d.tell(a, b)
			return
		}
		d.differs = true
		d.out.Printf("Binary files %s and %s differ\n", a.name, b.name)
		return
	}
	numbersA, numbersB := d.number(a, b)
	changes := compare(numbersA, numbersB)
	groups := d.groups(a, b, changes)
	switch {
	case len(groups) == 0:
		d.same(a, b)
		return
	case d.brief:
		d.tell(a, b)
		return
	}
	d.differs = true
	if header {
		words := []string{"diff"}
		for _, word := range d.words {
			words = append(words, tool.ShellWord(word))
		}
		d.out.Printf("%s %s %s\n", strings.Join(words, " "), tool.ShellWord(a.name), tool.ShellWord(b.name))
	}
	switch {
	case d.context < 0:
		for _, group := range groups {
			for _, c := range group {
				d.normal(a, b, c)
			}
		}
	case d.copied:
		d.contextDiff(a, b, groups)
	default:
		d.unified(a, b, groups)
	}
}

func (d *differ) same(a, b *subject) {
	if d.identical {
		d.out.Printf("Files %s and %s are identical\n", a.name, b.name)
	}
}

func (d *differ) tell(a, b *subject) {
	d.differs = true
	d.out.Printf("Files %s and %s differ\n", a.name, b.name)
}

func isBinary(data []byte) bool { return bytes.IndexByte(data[:min(len(data), 64<<10)], 0) >= 0 }

// number splits both files into lines and gives equal lines equal numbers.
func (d *differ) number(a, b *subject) (numbersA, numbersB []int) {
	known := map[string]int{}
	number := func(s *subject) []int {
		if d.stripCR {
			s.data = bytes.ReplaceAll(s.data, []byte("\r\n"), []byte("\n"))
		}
		s.lines = slices.Collect(bytes.Lines(s.data))
		numbers := make([]int, len(s.lines))
		for i, line := range s.lines {
			key := d.key(line)
			n, ok := known[string(key)]
			if !ok {
				n = len(known)
				known[string(key)] = n
			}
			numbers[i] = n
		}
		return numbers
	}
	return number(a), number(b)
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// key is what of a line counts for the comparison.
func (d *differ) key(line []byte) []byte {
	if !d.fold && !d.allSpace && !d.spaceChange && !d.ending {
		return line
	}
	text := line
	if d.allSpace || d.spaceChange || d.ending {
		text = bytes.TrimRight(line, " \t\n\v\f\r")
	}
	key := make([]byte, 0, len(text))
	for i, c := range text {
		space := isSpace(c)
		switch {
		case space && d.allSpace:
			continue
		case space && d.spaceChange:
			if i > 0 && isSpace(text[i-1]) {
				continue
			}
			c = ' '
		case d.fold && 'A' <= c && c <= 'Z':
			c += 0x20
		}
		key = append(key, c)
	}
	return key
}

// groups joins changes whose context would overlap, and leaves out groups in which only blank lines changed, if they are not to
// count.
func (d *differ) groups(a, b *subject, changes []change) [][]change {
	var groups [][]change
	for _, c := range changes {
		last := len(groups) - 1
		if last >= 0 && d.context >= 0 {
			previous := groups[last][len(groups[last])-1]
			if c.a0-previous.a1 <= 2*d.context {
				groups[last] = append(groups[last], c)
				continue
			}
		}
		groups = append(groups, []change{c})
	}
	if !d.blankLines {
		return groups
	}
	blank := func(lines [][]byte) bool {
		return !slices.ContainsFunc(lines, func(line []byte) bool {
			return len(bytes.TrimRight(line, "\n")) > 0 && (!d.allSpace && !d.spaceChange && !d.ending || len(bytes.TrimSpace(line)) > 0)
		})
	}
	return slices.DeleteFunc(groups, func(group []change) bool {
		return !slices.ContainsFunc(group, func(c change) bool { return !blank(a.lines[c.a0:c.a1]) || !blank(b.lines[c.b0:c.b1]) })
	})
}

func (d *differ) line(mark string, line []byte) {
	d.out.WriteString(mark)
	d.out.Write(line)
	if len(line) == 0 || line[len(line)-1] != '\n' {
		d.out.WriteString("\n\\ No newline at end of file\n")
	}
}

func (d *differ) normal(a, b *subject, c change) {
	letter := byte('c')
	switch {
	case c.a0 == c.a1:
		letter = 'a'
	case c.b0 == c.b1:
		letter = 'd'
	}
	d.out.Printf("%s%c%s\n", lineRange(c.a0, c.a1), letter, lineRange(c.b0, c.b1))
	for _, line := range a.lines[c.a0:c.a1] {
		d.line("< ", line)
	}
	if letter == 'c' {
		d.out.WriteString("---\n")
	}
	for _, line := range b.lines[c.b0:c.b1] {
		d.line("> ", line)
	}
}

// lineRange writes lines in the normal format: an empty range is the line before it.
func lineRange(from, to int) string {
	if to-from <= 1 {
		return strconv.Itoa(to)
	}
	return fmt.Sprintf("%d,%d", from+1, to)
}

func (d *differ) title(mark string, s *subject, index int) {
	if index < len(d.labels) {
		d.out.Printf("%s %s\n", mark, d.labels[index])
		return
	}
	format := "%Y-%m-%d %H:%M:%S.%N %z"
	if d.copied {
		format = "%a %b %e %H:%M:%S %Y"
	}
	d.out.Printf("%s %s\t%s\n", mark, s.name, dates.Format(format, s.modify.Local()))
}

// window is a group with its context.
func (d *differ) window(a, b *subject, group []change) change {
	first, last := group[0], group[len(group)-1]
	before := min(d.context, first.a0, first.b0)
	after := min(d.context, len(a.lines)-last.a1, len(b.lines)-last.b1)
	return change{first.a0 - before, last.a1 + after, first.b0 - before, last.b1 + after}
}

func (d *differ) unified(a, b *subject, groups [][]change) {
	d.title("---", a, 0)
	d.title("+++", b, 1)
	for _, group := range groups {
		w := d.window(a, b, group)
		d.out.Printf("@@ -%s +%s @@\n", unifiedRange(w.a0, w.a1), unifiedRange(w.b0, w.b1))
		at := w.a0
		for _, c := range group {
			for ; at < c.a0; at++ {
				d.line(" ", a.lines[at])
			}
			for _, line := range a.lines[c.a0:c.a1] {
				d.line("-", line)
			}
			for _, line := range b.lines[c.b0:c.b1] {
				d.line("+", line)
			}
			at = c.a1
		}
		for ; at < w.a1; at++ {
			d.line(" ", a.lines[at])
		}
	}
}

func unifiedRange(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return strconv.Itoa(to)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func (d *differ) contextDiff(a, b *subject, groups [][]change) {
	d.title("***", a, 0)
	d.title("---", b, 1)
	for _, group := range groups {
		w := d.window(a, b, group)
		deletes := slices.ContainsFunc(group, func(c change) bool { return c.a0 < c.a1 })
		inserts := slices.ContainsFunc(group, func(c change) bool { return c.b0 < c.b1 })
		d.out.Printf("***************\n*** %s ****\n", contextRange(w.a0, w.a1))
		if deletes {
			d.contextLines(a.lines, w.a0, w.a1, group, "- ", func(c change) (int, int, bool) { return c.a0, c.a1, c.b0 < c.b1 })
		}
		d.out.Printf("--- %s ----\n", contextRange(w.b0, w.b1))
		if inserts {
			d.contextLines(b.lines, w.b0, w.b1, group, "+ ", func(c change) (int, int, bool) { return c.b0, c.b1, c.a0 < c.a1 })
		}
	}
}

func (d *differ) contextLines(lines [][]byte, from, to int, group []change, mark string, part func(change) (lo, hi int, both bool)) {
	for i := from; i < to; i++ {
		prefix := "  "
		for _, c := range group {
			if lo, hi, both := part(c); lo <= i && i < hi {
				prefix = mark
				if both {
					prefix = "! "
				}
			}
		}
		d.line(prefix, lines[i])
	}
}

func contextRange(from, to int) string {
	if to-from <= 1 {
		return strconv.Itoa(to)
	}
	return fmt.Sprintf("%d,%d", from+1, to)
}
