// Package sed holds sed.
package sed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"dappco.re/go/cloche/userland/internal/regex"
	"dappco.re/go/cloche/userland/internal/tool"
)

// Sed edits a stream.
func Sed(e *tool.Env) int {
	m := &machine{env: e, delim: '\n', wrap: 70, writers: map[string]*sink{}, readers: map[string]*tool.Lines{}}
	f := e.Flags("[OPTION]... {script-only-if-no-other-script} [input-file]...")
	opts := regex.Options{Escapes: true}
	var script []string
	given := false
	add := func(text string) {
		given = true
		script = append(script, text)
	}
	on := func(p *bool) func(string) error { return func(string) error { *p = true; return nil } }
	f.Call("n,quiet", "", "suppress automatic printing of pattern space", on(&m.quiet))
	f.Call(",silent", "", "the same as --quiet", on(&m.quiet))
	f.Call("e,expression", "SCRIPT", "add the script to the commands to be executed", func(v string) error { add(v); return nil })
	f.Call("f,file", "FILE", "add the contents of FILE to the commands to be executed", func(v string) error {
		r, err := e.Open(v)
		if err != nil {
			e.Trouble = 4
			return fmt.Errorf("couldn't open file %s: %s", v, tool.Reason(err))
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		add(strings.TrimSuffix(string(data), "\n"))
		return err
	})
	f.Call("E,regexp-extended", "", "use extended regular expressions in the script", on(&opts.Extended))
	f.Call("r,", "", "the same as -E", on(&opts.Extended))
	f.Call("i,in-place", "[SUFFIX]", "edit files in place (makes backup if SUFFIX supplied)", func(v string) error {
		m.inPlace, m.separate, m.suffix = true, true, v
		return nil
	})
	f.Call("s,separate", "", "consider files as separate", on(&m.separate))
	f.Call("u,unbuffered", "", "flush the output after every line", on(&m.unbuffered))
	f.Call("z,null-data", "", "separate lines by NUL characters", func(string) error { m.delim = 0; return nil })
	f.Call("l,line-length", "N", "specify the desired line-wrap length for the `l' command", func(v string) error {
		_, err := fmt.Sscan(v, &m.wrap)
		if err != nil {
			return fmt.Errorf("invalid line length: %s", v)
		}
		return nil
	})
	posix := false
	f.Call(",posix", "", "(ignored)", on(&posix))
	f.Call(",debug", "", "(ignored)", on(&posix))
	f.Call(",sandbox", "", "(always on where it matters: no command can be run)", on(&posix))
	files, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if !given {
		if len(files) == 0 {
			fmt.Fprintf(e.Stderr, "Usage: %s [OPTION]... {script-only-if-no-other-script} [input-file]...\n", e.Name)
			return e.Raise(1)
		}
		add(files[0])
		files = files[1:]
	}
	source := strings.Join(script, "\n")
	if source == "#n" || strings.HasPrefix(source, "#n\n") {
		m.quiet = true
	}
	var err error
	if m.script, err = parseScript(source, opts); err != nil {
		if _, ok := errors.AsType[labelError](err); ok {
			e.Trouble = 4
		}
		return e.Fail("%s", err)
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	m.files = files
	m.standard = &sink{out: e.Stdout}
	m.out = m.standard
	return m.run()
}

// sink is an output that remembers that its last line lacked a newline, which is added if more comes.
type sink struct {
	out     *tool.Output
	file    *os.File
	missing bool
}

func (s *sink) write(text []byte) {
	if s.missing {
		s.out.WriteByte('\n')
		s.missing = false
	}
	s.out.Write(text)
}

func (s *sink) line(text []byte, ended bool, delim byte) {
	s.write(text)
	if ended {
		s.out.WriteByte(delim)
	} else {
		s.missing = true
	}
}

func (s *sink) close() error {
	err := s.out.Flush()
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
	}
	return err
}

type machine struct {
	env    *tool.Env
	script []*command

	quiet, separate, inPlace, unbuffered bool
	suffix                               string
	delim                                byte
	wrap                                 int

	files    []string // not yet opened
	name     string   // of the file at hand
	input    io.Closer
	lines    *tool.Lines
	next     []byte // the line read ahead
	nextEnds bool
	hasNext  bool

	out      *sink // standard output, or the file being edited in place
	standard *sink
	edited   *os.File
	writers  map[string]*sink
	readers  map[string]*tool.Lines

	pattern, hold []byte
	ended         bool // the line had a newline
	number        int
	replaced      bool // for t
	appended      []appendix
	lastRegex     *regex.Regexp
	err           error
}

// appendix is what is printed at the end of the cycle.
type appendix struct {
	text []byte
	file string
	line bool // only one line of the file
}

type outcome int

const (
	nextCycle outcome = iota // print and go on
	dropCycle                // go on without printing
	restart                  // go on without reading
	quit
	quitSilently
)

func (m *machine) run() int {
	code := m.cycles()
	m.closeInput()
	for _, w := range m.writers {
		if err := w.close(); err != nil {
			m.trouble(err)
		}
	}
	if m.err != nil {
		m.env.Trouble = 4
		return m.env.Fail("%s", m.err)
	}
	if code != 0 {
		return code
	}
	return m.env.Status()
}

func (m *machine) trouble(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *machine) cycles() int {
	again := false
	for m.err == nil && !m.standard.out.Broken() {
		if !again && !m.read(false) {
			m.finishFile()
			return 0
		}
		result, code := m.cycle()
		if !m.quiet && (result == nextCycle || result == quit) {
			m.out.line(m.pattern, m.ended, m.delim)
		}
		if result != quitSilently {
			m.flushAppended()
		}
		if m.unbuffered {
			m.out.out.Flush()
		}
		if result == quit || result == quitSilently {
			m.finishFile()
			return code
		}
		again = result == restart
	}
	return 0
}

// cycle runs the script once over the pattern space.
func (m *machine) cycle() (outcome, int) {
	for i := 0; i < len(m.script) && m.err == nil; {
		c := m.script[i]
		i++
		if m.selects(c) == c.negated {
			if c.letter == '{' {
				i = c.block
			}
			continue
		}
		switch c.letter {
		case '=':
			m.out.write(fmt.Appendf(nil, "%d\n", m.number))
		case 'a':
			m.appended = append(m.appended, appendix{text: c.text})
		case 'i':
			m.out.write(c.text)
		case 'c':
			if c.to == nil || c.negated || !c.active {
				m.out.write(c.text)
			}
			return dropCycle, 0
		case 'b':
			i = c.jump
		case 't':
			if m.replaced {
				m.replaced = false
				i = c.jump
			}
		case 'T':
			if !m.replaced {
				i = c.jump
			}
			m.replaced = false
		case 'd':
			return dropCycle, 0
		case 'D':
			_, rest, found := bytes.Cut(m.pattern, []byte{m.delim})
			if !found {
				return dropCycle, 0
			}
			m.pattern = bytes.Clone(rest)
			return restart, 0
		case 'F':
			m.out.write([]byte(m.name + "\n"))
		case 'g':
			m.pattern = append(m.pattern[:0], m.hold...)
		case 'G':
			m.pattern = append(append(m.pattern, m.delim), m.hold...)
		case 'h':
			m.hold = append(m.hold[:0], m.pattern...)
		case 'H':
			m.hold = append(append(m.hold, m.delim), m.pattern...)
		case 'x':
			m.pattern, m.hold = m.hold, m.pattern
		case 'l':
			m.list()
		case 'n':
			if !m.more() {
				return quit, 0
			}
			if !m.quiet {
				m.out.line(m.pattern, m.ended, m.delim)
			}
			m.flushAppended()
			m.read(false)
		case 'N':
			if !m.more() {
				return quit, 0
			}
			m.flushAppended()
			m.read(true)
		case 'p':
			m.out.line(m.pattern, m.ended, m.delim)
		case 'P':
			first, _, _ := bytes.Cut(m.pattern, []byte{m.delim})
			m.out.line(first, true, m.delim)
		case 'q':
			return quit, c.code
		case 'Q':
			return quitSilently, c.code
		case 'r':
			m.appended = append(m.appended, appendix{file: c.file})
		case 'R':
			m.appended = append(m.appended, appendix{file: c.file, line: true})
		case 's':
			m.substitute(c.subst)
		case 'w':
			if w := m.writer(c.file); w != nil {
				w.line(m.pattern, m.ended, m.delim)
			}
		case 'W':
			first, _, _ := bytes.Cut(m.pattern, []byte{m.delim})
			if w := m.writer(c.file); w != nil {
				w.line(first, true, m.delim)
			}
		case 'y':
			for j, b := range m.pattern {
				m.pattern[j] = c.table[b]
			}
		case 'z':
			m.pattern = m.pattern[:0]
		}
	}
	return nextCycle, 0
}

func (m *machine) selects(c *command) bool {
	if c.from == nil {
		return true
	}
	if c.to == nil {
		return m.matches(c.from)
	}
	if c.active {
		switch c.to.kind {
		case addressLast:
			c.active = !m.isLast()
		case addressRegex:
			c.active = !m.regexMatches(c.to.regex)
		default:
			c.active = m.number < c.end
			// A line number that has passed by, under other commands, ends the range before this line.
			return m.number <= c.end
		}
		return true
	}
	zero := c.from.kind == addressLine && c.from.line == 0
	if zero && m.number == 1 {
		c.active = !m.regexMatches(c.to.regex)
		return true
	}
	if zero || !m.matches(c.from) {
		return false
	}
	switch c.to.kind {
	case addressLine:
		c.end = c.to.line
	case addressPlus:
		c.end = m.number + c.to.line
	case addressUntil:
		c.end = m.number
		if c.to.line > 0 {
			c.end = (m.number + c.to.line - 1) / c.to.line * c.to.line
		}
	case addressLast:
		c.active = !m.isLast()
		return true
	case addressRegex:
		c.active = true
		return true
	}
	c.active = m.number < c.end
	return true
}

func (m *machine) matches(a *address) bool {
	switch a.kind {
	case addressLine:
		return m.number == a.line
	case addressLast:
		return m.isLast()
	case addressStep:
		if a.step <= 0 {
			return m.number == a.line
		}
		return m.number >= a.line && (m.number-a.line)%a.step == 0
	}
	return m.regexMatches(a.regex)
}

// use returns the regex, or the one used last where it is empty.
func (m *machine) use(re *regex.Regexp) *regex.Regexp {
	if re == nil {
		if m.lastRegex == nil {
			m.trouble(errors.New("no previous regular expression"))
			return nil
		}
		return m.lastRegex
	}
	m.lastRegex = re
	return re
}

func (m *machine) regexMatches(re *regex.Regexp) bool {
	re = m.use(re)
	return re != nil && re.Match(m.pattern)
}

func (m *machine) substitute(s *substitution) {
	re := m.use(s.regex)
	if re == nil {
		return
	}
	limit := 1
	if s.global {
		limit = -1
	} else if s.number > 0 {
		limit = s.number
	}
	first := max(s.number, 1)
	matches := re.FindAll(m.pattern, limit)
	if len(matches) < first {
		return
	}
	var result []byte
	from := 0
	for _, match := range matches[first-1:] {
		result = append(result, m.pattern[from:match[0]]...)
		result = expand(result, s.replacement, m.pattern, match)
		from = match[1]
	}
	m.pattern = append(result, m.pattern[from:]...)
	m.replaced = true
	for range s.print {
		m.out.line(m.pattern, m.ended, m.delim)
	}
	if s.file != "" {
		if w := m.writer(s.file); w != nil {
			w.line(m.pattern, m.ended, m.delim)
		}
	}
}

// expand appends the replacement for a match. \u and \l change one character, \U and \L all up to \E.
func expand(result []byte, pieces []piece, text []byte, match []int) []byte {
	var all, one byte
	for _, p := range pieces {
		switch p.fold {
		case 'U', 'L':
			all, one = p.fold, 0
			continue
		case 'E':
			all, one = 0, 0
			continue
		case 'u', 'l':
			one = p.fold
			continue
		}
		part := p.text
		if p.group >= 0 {
			part = nil
			if 2*p.group+1 < len(match) && match[2*p.group] >= 0 {
				part = text[match[2*p.group]:match[2*p.group+1]]
			}
		}
		for _, c := range part {
			kind := all
			if one != 0 {
				kind, one = one, 0
			}
			switch {
			case kind|0x20 == 'u' && 'a' <= c && c <= 'z':
				c -= 0x20
			case kind|0x20 == 'l' && 'A' <= c && c <= 'Z':
				c += 0x20
			}
			result = append(result, c)
		}
	}
	return result
}

// list prints the pattern space unambiguously, in lines of bounded length.
func (m *machine) list() {
	var b []byte
	column := 0
	put := func(text string) {
		if m.wrap > 1 && column+len(text) > m.wrap-1 {
			b = append(b, '\\', '\n')
			column = 0
		}
		b = append(b, text...)
		column += len(text)
	}
	for _, c := range m.pattern {
		switch i := strings.IndexByte("\\\a\b\f\n\r\t\v", c); {
		case i >= 0:
			put(`\` + `\abfnrtv`[i:i+1])
		case c < ' ' || c >= 0x7f:
			put(fmt.Sprintf(`\%03o`, c))
		default:
			put(string(rune(c)))
		}
	}
	m.out.write(append(b, '$', '\n'))
}

// writer returns the output of w: every file is made once and stays open.
func (m *machine) writer(name string) *sink {
	if w, ok := m.writers[name]; ok {
		return w
	}
	switch name {
	case "/dev/stdout":
		m.writers[name] = &sink{out: m.env.Stdout}
	case "/dev/stderr":
		m.writers[name] = &sink{out: tool.NewOutput(m.env.Stderr)}
	}
	if w, ok := m.writers[name]; ok {
		return w
	}
	file, err := os.Create(name)
	if err != nil {
		m.trouble(fmt.Errorf("couldn't open file %s: %s", name, tool.Reason(err)))
		return nil
	}
	w := &sink{out: tool.NewOutput(file), file: file}
	m.writers[name] = w
	return w
}

func (m *machine) flushAppended() {
	for _, a := range m.appended {
		if !a.line {
			m.out.write(nil) // a missing newline comes first, even if the file turns out to be missing too
		}
		switch {
		case a.file == "":
			m.out.write(a.text)
		case a.line:
			m.appendLine(a.file)
		default:
			m.appendFile(a.file)
		}
	}
	m.appended = m.appended[:0]
}

func (m *machine) appendFile(name string) {
	if name == "/dev/stdin" {
		name = "-"
	}
	if w := m.writers[name]; w != nil {
		w.out.Flush()
	}
	r, err := m.env.Open(name)
	if err != nil {
		return // POSIX: a file that cannot be read is read as empty
	}
	defer r.Close()
	data, _ := io.ReadAll(r)
	if len(data) > 0 {
		m.out.write(data)
	}
}

func (m *machine) appendLine(name string) {
	lines, ok := m.readers[name]
	if !ok {
		r, err := m.env.Open(name)
		if err == nil {
			lines = tool.NewLines(r, m.delim)
		}
		m.readers[name] = lines
	}
	if lines == nil {
		return
	}
	if line, ended, err := lines.Next(); err == nil {
		m.out.line(line, ended, m.delim)
	}
}

// read takes the next line into the pattern space, or adds it there.
func (m *machine) read(add bool) bool {
	if !m.peek() {
		return false
	}
	if add {
		m.pattern = append(append(m.pattern, m.delim), m.next...)
	} else {
		m.pattern = append(m.pattern[:0], m.next...)
	}
	m.ended, m.hasNext = m.nextEnds, false
	m.number++
	m.replaced = m.replaced && add
	return true
}

// more tells whether N and n have a line to read: of the same file only, where files are separate.
func (m *machine) more() bool { return !m.isLast() || m.separate && m.peek() }

func (m *machine) isLast() bool {
	if m.separate {
		return !m.fill()
	}
	return !m.peek()
}

// peek makes sure that a line is read ahead, from the next file if need be.
func (m *machine) peek() bool {
	for !m.fill() {
		if len(m.files) == 0 || m.err != nil {
			return false
		}
		if m.lines != nil {
			m.finishFile()
		}
		m.open()
	}
	return true
}

// fill makes sure that a line of the file at hand is read ahead.
func (m *machine) fill() bool {
	if m.hasNext {
		return true
	}
	if m.lines == nil {
		return false
	}
	line, ended, err := m.lines.Next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			m.env.Trouble = 2
			m.env.Fail("read error on %s: %s", m.name, tool.Reason(err))
		}
		return false
	}
	m.next, m.nextEnds, m.hasNext = line, ended, true
	return true
}

func (m *machine) open() {
	m.name = m.files[0]
	m.files = m.files[1:]
	m.closeInput()
	fail := func(status int, format string, args ...any) {
		m.env.Trouble = status
		m.env.Fail(format, args...)
	}
	if m.inPlace && m.name != "-" {
		info, err := os.Stat(m.name)
		if err == nil && !info.Mode().IsRegular() {
			fail(4, "couldn't edit %s: not a regular file", m.name)
			return
		}
	}
	r, err := m.env.Open(m.name)
	if err != nil {
		if errors.Is(err, syscall.EISDIR) {
			m.trouble(fmt.Errorf("read error on %s: %s", m.name, tool.Reason(err)))
			return
		}
		fail(2, "can't read %s: %s", m.name, tool.Reason(err))
		return
	}
	m.input, m.lines = r, tool.NewLines(r, m.delim)
	if !m.separate {
		return
	}
	m.number = 0
	for _, c := range m.script {
		c.active = false
	}
	if m.inPlace && m.name != "-" {
		m.edited, err = os.CreateTemp(filepath.Dir(m.name), "sed")
		if err != nil {
			m.trouble(fmt.Errorf("couldn't open temporary file %s: %s", filepath.Join(filepath.Dir(m.name), "sedXXXXXX"), tool.Reason(err)))
			return
		}
		m.out = &sink{out: tool.NewOutput(m.edited), file: m.edited}
	}
}

func (m *machine) closeInput() {
	if m.input != nil {
		m.input.Close()
	}
	m.input, m.lines = nil, nil
	if m.edited != nil {
		// The edit did not come to its end: the file stays as it was.
		m.edited.Close()
		os.Remove(m.edited.Name())
		m.edited, m.out = nil, m.standard
	}
}

// finishFile ends the editing of a file in place: the new one takes its place.
func (m *machine) finishFile() {
	if m.edited == nil {
		return
	}
	m.hasNext = false
	edited := m.edited
	err := m.out.close()
	m.edited, m.out = nil, m.standard
	if err == nil {
		err = m.replace(edited.Name())
	}
	if err != nil {
		os.Remove(edited.Name())
		m.trouble(fmt.Errorf("cannot rename %s: %s", edited.Name(), tool.Reason(err)))
	}
}

func (m *machine) replace(edited string) error {
	if info, err := os.Stat(m.name); err == nil {
		os.Chmod(edited, info.Mode().Perm())
	}
	if m.suffix != "" {
		backup := m.name + m.suffix
		if strings.Contains(m.suffix, "*") {
			backup = filepath.Join(filepath.Dir(m.name), strings.ReplaceAll(m.suffix, "*", filepath.Base(m.name)))
		}
		if err := os.Rename(m.name, backup); err != nil {
			return err
		}
	}
	return os.Rename(edited, m.name)
}
