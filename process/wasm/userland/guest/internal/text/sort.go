package text

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"dappco.re/go/cloche/userland/internal/tool"
)

// ordering is how two keys compare. The zero value compares bytes.
type ordering struct {
	numeric, general, human, month, version bool
	fold, dictionary, printable, reverse    bool
	blanksStart, blanksEnd                  bool
}

// field is one end of a key: the field and the character in it, from 1; a character of 0 at the end is the field's last.
type field struct{ number, char int }

type key struct {
	start, end field // end.number 0: the end of the line
	ordering
}

type sorter struct {
	keys      []key
	global    ordering
	separator int // -1: the empty string between a non-blank and a blank
	delim     byte
	unique    bool
	stable    bool
}

// entry is a line with its first key, found and read once. Entries are sorted by pointer: to swap them themselves, which a stable
// sort does often, would take most of its time.
type entry struct {
	at          int // in the input
	line, first []byte
	number      *number // the first key, if it is numeric
}

// Sort sorts lines.
func Sort(e *tool.Env) int {
	e.Trouble = 2
	s := &sorter{separator: -1, delim: '\n'}
	f := e.Flags("[OPTION]... [FILE]...")
	for letters, help := range orderings {
		f.Call(letters, "", help, func(string) error { return s.global.set(letters[0]) })
	}
	f.Call("k,key", "KEYDEF", "sort via a key; KEYDEF is F[.C][OPTS][,F[.C][OPTS]]", s.addKey)
	f.Call("t,field-separator", "SEP", "use SEP instead of non-blank to blank transition", s.setSeparator)
	f.Call("z,zero-terminated", "", "line delimiter is NUL, not newline", func(string) error { s.delim = 0; return nil })
	unique := f.Bool("u,unique", "output only the first of an equal run")
	stable := f.Bool("s,stable", "stabilize sort by disabling last-resort comparison")
	check := f.Bool("c,check", "check for sorted input; do not sort")
	quiet := f.Bool("C,", "like -c, but do not report the first bad line")
	merge := f.Bool("m,merge", "merge already sorted files; do not sort")
	output := f.String("o,output", "FILE", "", "write result to FILE instead of standard output")
	f.String("S,buffer-size", "SIZE", "", "(ignored)")
	f.String("T,temporary-directory", "DIR", "", "(ignored)")
	f.String(",parallel", "N", "", "(ignored)")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	s.unique, s.stable = *unique, *stable || *unique
	s.finish()
	if *check || *quiet {
		return s.check(e, names, *quiet)
	}
	_ = *merge // sorting sorted files gives what merging them gives
	var entries []*entry
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		data, err := readAll(e, name)
		if err != nil {
			return e.Fail("%s: %s: %s", err.doing, tool.QuoteIfNeeded(name), tool.Reason(err.err))
		}
		entries = s.split(entries, data)
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Or(s.compare(a, b), cmp.Compare(a.at, b.at)) })
	if s.unique {
		entries = slices.CompactFunc(entries, func(a, b *entry) bool { return s.compare(a, b) == 0 })
	}
	return s.print(e, entries, *output)
}

var orderings = map[string]string{
	"b,ignore-leading-blanks": "ignore leading blanks",
	"d,dictionary-order":      "consider only blanks and alphanumeric characters",
	"f,ignore-case":           "fold lower case to upper case characters",
	"g,general-numeric-sort":  "compare according to general numerical value",
	"h,human-numeric-sort":    "compare human readable numbers (e.g., 2K 1G)",
	"i,ignore-nonprinting":    "consider only printable characters",
	"M,month-sort":            "compare (unknown) < 'JAN' < ... < 'DEC'",
	"n,numeric-sort":          "compare according to string numerical value",
	"r,reverse":               "reverse the result of comparisons",
	"V,version-sort":          "natural sort of (version) numbers within text",
}

func (o *ordering) set(letter byte) error {
	switch letter {
	case 'b':
		o.blanksStart, o.blanksEnd = true, true
	case 'd':
		o.dictionary = true
	case 'f':
		o.fold = true
	case 'g':
		o.general = true
	case 'h':
		o.human = true
	case 'i':
		o.printable = true
	case 'M':
		o.month = true
	case 'n':
		o.numeric = true
	case 'r':
		o.reverse = true
	case 'V':
		o.version = true
	default:
		return errors.New("stray character")
	}
	return nil
}

func (s *sorter) setSeparator(sep string) error {
	switch {
	case sep == "":
		return errors.New("empty tab")
	case sep == `\0`:
		s.separator = 0
	case len(sep) > 1:
		return fmt.Errorf("multi-character tab %s", tool.Quote(sep))
	default:
		s.separator = int(sep[0])
	}
	return nil
}

func (s *sorter) addKey(def string) error {
	var k key
	start, end, hasEnd := strings.Cut(def, ",")
	bad := func(what, at string) error {
		return fmt.Errorf("%s: invalid field specification %s", what, tool.Quote(at))
	}
	letters, err := k.start.parse(start)
	if err != nil || k.start.number == 0 {
		if k.start.number == 0 && err == nil {
			return bad("field number is zero", def)
		}
		return fmt.Errorf("invalid number at field start: invalid count at start of %s", tool.Quote(start))
	}
	if k.start.char == 0 {
		return bad("character offset is zero", def)
	}
	for i := range len(letters) {
		if k.set(letters[i]) != nil {
			return bad("stray character in field spec", def)
		}
	}
	k.blanksEnd = false
	if hasEnd {
		k.end.char = 0
		letters, err := k.end.parse(end)
		if err != nil {
			return fmt.Errorf("invalid number after ',': invalid count at start of %s", tool.Quote(end))
		}
		if k.end.number == 0 {
			return bad("field number is zero", def)
		}
		start := k.blanksStart
		k.blanksStart = false
		for i := range len(letters) {
			if k.set(letters[i]) != nil {
				return bad("stray character in field spec", def)
			}
		}
		k.blanksEnd = k.blanksStart
		k.blanksStart = start
	}
	s.keys = append(s.keys, k)
	return nil
}

// parse reads F[.C] and returns the letters behind it.
func (f *field) parse(text string) (letters string, err error) {
	digits := func() (int, error) {
		n := 0
		for n < len(text) && '0' <= text[n] && text[n] <= '9' {
			n++
		}
		value, err := strconv.Atoi(text[:n])
		text = text[n:]
		return value, err
	}
	if f.number, err = digits(); err != nil {
		return "", err
	}
	f.char = 1
	if strings.HasPrefix(text, ".") {
		text = text[1:]
		f.char, err = digits()
	} else {
		f.char = -1 // not given
	}
	return text, err
}

// finish lets keys without letters of their own inherit the global ones, and gives a sort without keys the whole line as its key.
func (s *sorter) finish() {
	for i := range s.keys {
		k := &s.keys[i]
		if k.ordering == (ordering{}) {
			k.ordering = s.global
		}
		if k.start.char < 0 {
			k.start.char = 1
		}
		if k.end.char < 0 {
			k.end.char = 0
		}
	}
	plain := s.global
	plain.reverse = false
	if len(s.keys) == 0 && plain != (ordering{}) {
		s.keys = []key{{start: field{1, 1}, ordering: s.global}}
	}
}

type readError struct {
	doing string
	err   error
}

func readAll(e *tool.Env, name string) ([]byte, *readError) {
	r, err := e.Open(name)
	if errors.Is(err, errIsDirectory) {
		return nil, &readError{"read failed", err}
	}
	if err != nil {
		return nil, &readError{"cannot read", err}
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, &readError{"read failed", err}
	}
	return data, nil
}

func (s *sorter) split(entries []*entry, data []byte) []*entry {
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{s.delim})
		entries = append(entries, s.entry(len(entries), line))
		data = rest
	}
	return entries
}

func (s *sorter) entry(at int, line []byte) *entry {
	e := &entry{at: at, line: line}
	if len(s.keys) > 0 {
		e.first = s.find(line, s.keys[0])
		if s.keys[0].numeric {
			e.number = new(parseNumber(e.first))
		}
	}
	return e
}

func (s *sorter) compare(a, b *entry) int {
	for i, k := range s.keys {
		var order int
		switch {
		case i > 0:
			order = k.compare(s.find(a.line, k), s.find(b.line, k))
		case k.numeric:
			order = a.number.compare(*b.number)
		default:
			order = k.compare(a.first, b.first)
		}
		if order != 0 {
			if k.reverse {
				return -order
			}
			return order
		}
	}
	if s.stable && len(s.keys) > 0 {
		return 0
	}
	order := bytes.Compare(a.line, b.line)
	if s.global.reverse {
		return -order
	}
	return order
}

// find returns the part of the line that the key names.
func (s *sorter) find(line []byte, k key) []byte {
	start := s.fieldStart(line, k.start.number)
	if k.blanksStart {
		start += blanks(line[start:])
	}
	start = min(start+k.start.char-1, len(line))
	end := len(line)
	switch {
	case k.end.number == 0:
	case k.end.char == 0:
		end = s.fieldEnd(line, k.end.number)
	default:
		end = s.fieldStart(line, k.end.number)
		if k.blanksEnd {
			end += blanks(line[end:])
		}
		end = min(end+k.end.char, len(line))
	}
	return line[start:max(start, end)]
}

func (s *sorter) fieldStart(line []byte, number int) int {
	pos := 0
	for ; number > 1 && pos < len(line); number-- {
		if s.separator >= 0 {
			i := bytes.IndexByte(line[pos:], byte(s.separator))
			if i < 0 {
				return len(line)
			}
			pos += i + 1
			continue
		}
		pos += blanks(line[pos:])
		pos += nonBlanks(line[pos:])
	}
	return pos
}

func (s *sorter) fieldEnd(line []byte, number int) int {
	start := s.fieldStart(line, number)
	if s.separator >= 0 {
		if i := bytes.IndexByte(line[start:], byte(s.separator)); i >= 0 {
			return start + i
		}
		return len(line)
	}
	start += blanks(line[start:])
	return start + nonBlanks(line[start:])
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func blanks(s []byte) int {
	n := 0
	for n < len(s) && (isBlank(s[n]) || s[n] == '\n') {
		n++
	}
	return n
}

func nonBlanks(s []byte) int {
	n := 0
	for n < len(s) && !isBlank(s[n]) && s[n] != '\n' {
		n++
	}
	return n
}

func (o ordering) compare(a, b []byte) int {
	switch {
	case o.numeric:
		return compareNumbers(a, b)
	case o.general:
		return compareFloats(a, b)
	case o.human:
		return compareHuman(a, b)
	case o.month:
		return month(a) - month(b)
	case o.fold || o.dictionary || o.printable:
		return bytes.Compare(o.translate(a), o.translate(b))
	case o.version:
		return tool.CompareVersions(string(a), string(b))
	}
	return bytes.Compare(a, b)
}

func (o ordering) translate(s []byte) []byte {
	kept := make([]byte, 0, len(s))
	for _, c := range s {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if o.dictionary && !letter && !isDigit(c) && !isBlank(c) || o.printable && (c < ' ' || c >= 0x7f) {
			continue
		}
		if o.fold && 'a' <= c && c <= 'z' {
			c -= 0x20
		}
		kept = append(kept, c)
	}
	return kept
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number is a decimal number of any length: its sign, the digits before the point without leading zeros, and those behind it without
// trailing ones.
type number struct {
	sign           int
	whole, decimal []byte
	rest           []byte
}

func parseNumber(s []byte) number {
	s = s[blanks(s):]
	n := number{sign: 1}
	if len(s) > 0 && s[0] == '-' {
		n.sign = -1
		s = s[1:]
	}
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	n.whole = bytes.TrimLeft(s[:i], "0")
	s = s[i:]
	if len(s) > 0 && s[0] == '.' {
		i = 1
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		n.decimal = bytes.TrimRight(s[1:i], "0")
		s = s[i:]
	}
	if len(n.whole)+len(n.decimal) == 0 {
		n.sign = 0
	}
	n.rest = s
	return n
}

func (n number) compare(m number) int {
	if n.sign != m.sign {
		return n.sign - m.sign
	}
	order := cmp.Or(cmp.Compare(len(n.whole), len(m.whole)), bytes.Compare(n.whole, m.whole), bytes.Compare(n.decimal, m.decimal))
	return order * n.sign
}

func compareNumbers(a, b []byte) int { return parseNumber(a).compare(parseNumber(b)) }

func compareHuman(a, b []byte) int {
	x, y := parseNumber(a), parseNumber(b)
	unit := func(n number) int {
		if len(n.rest) == 0 || n.sign == 0 {
			return 0
		}
		return n.sign * (strings.IndexByte("KMGTPEZY", n.rest[0]&^0x20) + 1)
	}
	if x.sign != y.sign {
		return x.sign - y.sign
	}
	return cmp.Or(unit(x)-unit(y), x.compare(y))
}

// compareFloats puts what is no number first, then NaN, then numbers.
func compareFloats(a, b []byte) int {
	x, xok := parseFloat(a)
	y, yok := parseFloat(b)
	rank := func(f float64, ok bool) int {
		switch {
		case !ok:
			return 0
		case math.IsNaN(f):
			return 1
		}
		return 2
	}
	return cmp.Or(rank(x, xok)-rank(y, yok), cmp.Compare(x, y))
}

// parseFloat reads the longest beginning that is a number, as strtod(3) does.
func parseFloat(s []byte) (float64, bool) {
	text := string(bytes.TrimLeft(s, " \t\n\v\f\r"))
	for end := min(len(text), 64); end > 0; end-- {
		part := text[:end]
		if strings.ContainsAny(part, "xX") && !strings.ContainsAny(part, "pP") {
			part += "p0" // Go wants the exponent that C leaves out
		}
		if f, err := strconv.ParseFloat(part, 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return f, true
		}
	}
	return 0, false
}

func month(s []byte) int {
	s = s[blanks(s):]
	if len(s) < 3 {
		return 0
	}
	names := "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
	i := strings.Index(names, strings.ToUpper(string(s[:3])))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}

func digitsOf(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n]
}

func (s *sorter) check(e *tool.Env, names []string, quiet bool) int {
	if len(names) > 1 {
		return e.Fail("extra operand %s not allowed with -c", tool.Quote(names[1]))
	}
	e.Each(names, func(name string, r io.Reader) error {
		var last *entry
		number := 0
		return tool.EachLine(r, s.delim, func(line []byte, _ bool) bool {
			number++
			now := s.entry(number, bytes.Clone(line))
			if number > 1 {
				if order := s.compare(last, now); order > 0 || order == 0 && s.unique {
					if !quiet {
						e.Warn("%s:%d: disorder: %s", name, number, line)
					}
					e.Raise(1)
					return false
				}
			}
			last = now
			return true
		})
	})
	return e.Status()
}

func (s *sorter) print(e *tool.Env, entries []*entry, output string) int {
	out := e.Stdout
	if output != "" {
		file, err := os.Create(output)
		if err != nil {
			return e.Fail("open failed: %s: %s", tool.QuoteIfNeeded(output), tool.Reason(err))
		}
		defer file.Close()
		out = tool.NewOutput(file)
	}
	for _, entry := range entries {
		out.Line(entry.line, s.delim)
	}
	if output != "" {
		if err := out.Flush(); err != nil {
			return e.Fail("write failed: %s: %s", tool.QuoteIfNeeded(output), tool.Reason(err))
		}
	}
	return e.Status()
}
