package sed

import (
	"fmt"
	"strconv"
	"strings"

	"dappco.re/go/cloche/userland/internal/regex"
)

// command is one command of a script. Blocks are flat: the brace that opens one knows where it ends.
type command struct {
	from, to *address
	negated  bool
	letter   byte
	block    int    // '{': index behind its end
	label    string // b, t, T, and ':'
	jump     int    // b, t, T: index to go on at
	text     []byte // a, i, c
	code     int    // q, Q
	file     string // r, R, w, W
	table    *[256]byte
	subst    *substitution

	active bool // the range is open
	end    int  // line at which it closes, where that is a number
}

type addressKind int

const (
	addressLine addressKind = iota
	addressLast
	addressRegex
	addressStep  // first~step
	addressPlus  // addr1,+N
	addressUntil // addr1,~N
)

type address struct {
	kind       addressKind
	line, step int
	regex      *regex.Regexp // nil is the regex used last
}

type substitution struct {
	regex       *regex.Regexp // nil is the regex used last
	replacement []piece
	global      bool
	print       int // p given, once or twice
	number      int
	file        string
}

// piece is a part of a replacement: text, a group, or a change of case.
type piece struct {
	text  []byte
	group int  // -1: text
	fold  byte // U, L, u, l, E
}

type parser struct {
	src      string
	pos      int
	opts     regex.Options
	commands []*command
	blocks   []int
}

// parseScript compiles a script.
func parseScript(src string, opts regex.Options) ([]*command, error) {
	p := &parser{src: src, opts: opts}
	if err := p.script(); err != nil {
		return nil, fmt.Errorf("-e expression #1, char %d: %w", p.pos, err)
	}
	return p.commands, p.labels()
}

func (p *parser) script() error {
	for {
		p.skip(" \t\n;\v\f\r")
		if p.done() {
			break
		}
		if p.peek() == '#' {
			p.comment()
			continue
		}
		if err := p.command(); err != nil {
			return err
		}
	}
	if len(p.blocks) > 0 {
		p.pos = 0
		return fmt.Errorf("unmatched `{'")
	}
	return nil
}

func (p *parser) labels() error {
	at := map[string]int{}
	for i, c := range p.commands {
		if c.letter == ':' {
			at[c.label] = i
		}
	}
	for _, c := range p.commands {
		if strings.IndexByte("btT", c.letter) < 0 {
			continue
		}
		target, ok := at[c.label]
		switch {
		case c.label == "":
			c.jump = len(p.commands)
		case !ok:
			return labelError(c.label)
		default:
			c.jump = target
		}
	}
	return nil
}

// labelError is a jump to a label that is not there.
type labelError string

func (l labelError) Error() string {
	return fmt.Sprintf("can't find label for jump to `%s'", string(l))
}

func (p *parser) done() bool { return p.pos >= len(p.src) }

func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.src[p.pos]
}

func (p *parser) skip(chars string) {
	for !p.done() && strings.IndexByte(chars, p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) comment() { p.line() }

// line takes the rest of the line.
func (p *parser) line() string {
	rest := p.src[p.pos:]
	text, _, found := strings.Cut(rest, "\n")
	p.pos += len(text)
	if found {
		p.pos++
	}
	return text
}

func (p *parser) number() int {
	start := p.pos
	for !p.done() && '0' <= p.src[p.pos] && p.src[p.pos] <= '9' {
		p.pos++
	}
	n, _ := strconv.Atoi(p.src[start:p.pos])
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (p *parser) command() error {
	c := &command{}
	if err := p.addresses(c); err != nil {
		return err
	}
	p.skip(" \t")
	for p.peek() == '!' {
		c.negated = true
		p.pos++
		p.skip(" \t!")
	}
	if p.done() {
		return fmt.Errorf("missing command")
	}
	c.letter = p.src[p.pos]
	p.pos++
	p.commands = append(p.commands, c)
	switch c.letter {
	case '{':
		p.blocks = append(p.blocks, len(p.commands)-1)
		return nil
	case '}':
		if len(p.blocks) == 0 {
			return fmt.Errorf("unexpected `}'")
		}
		if c.from != nil {
			return fmt.Errorf("} doesn't want any addresses")
		}
		p.commands[p.blocks[len(p.blocks)-1]].block = len(p.commands)
		p.blocks = p.blocks[:len(p.blocks)-1]
		return p.ending()
	case '=', 'd', 'D', 'F', 'g', 'G', 'h', 'H', 'n', 'N', 'p', 'P', 'x', 'z':
		return p.ending()
	case 'l':
		p.skip(" \t")
		p.number()
		return p.ending()
	case 'q', 'Q':
		if c.to != nil {
			return fmt.Errorf("command only uses one address")
		}
		p.skip(" \t")
		c.code = p.number()
		return p.ending()
	case ':':
		if c.from != nil {
			return fmt.Errorf(": doesn't want any addresses")
		}
		p.skip(" \t")
		c.label = p.word(" \t\n;")
		if c.label == "" {
			return fmt.Errorf("\":\" lacks a label")
		}
		return p.ending()
	case 'b', 't', 'T':
		p.skip(" \t")
		c.label = p.word(" \t\n;}")
		return p.ending()
	case 'r', 'R', 'w', 'W':
		p.skip(" \t")
		c.file = p.line()
		if c.file == "" {
			return fmt.Errorf("missing filename in r/R/w/W commands")
		}
		return nil
	case 'a', 'i', 'c':
		return p.text(c)
	case 's':
		return p.substitute(c)
	case 'y':
		return p.transliterate(c)
	}
	return fmt.Errorf("unknown command: `%c'", c.letter)
}

// word takes what stands before any of the bytes in stop.
func (p *parser) word(stop string) string {
	start := p.pos
	for !p.done() && strings.IndexByte(stop, p.src[p.pos]) < 0 {
		p.pos++
	}
	return p.src[start:p.pos]
}

// ending checks that nothing but the end of a command follows.
func (p *parser) ending() error {
	p.skip(" \t\r")
	switch p.peek() {
	case '\n', ';':
		p.pos++
	case '}', '#':
	default:
		if !p.done() {
			p.pos++
			return fmt.Errorf("extra characters after command")
		}
	}
	return nil
}

func (p *parser) addresses(c *command) error {
	var err error
	if c.from, err = p.address(); err != nil || c.from == nil {
		return err
	}
	p.skip(" \t")
	if p.peek() == ',' {
		p.pos++
		p.skip(" \t")
		switch mark := p.peek(); {
		case mark == '+' || mark == '~':
			p.pos++
			if !isDigit(p.peek()) {
				return fmt.Errorf("expected number")
			}
			c.to = &address{kind: addressPlus, line: p.number()}
			if mark == '~' {
				c.to.kind = addressUntil
			}
		default:
			if c.to, err = p.address(); err != nil {
				return err
			}
		}
		if c.to == nil {
			p.pos++
			return fmt.Errorf("unexpected `,'")
		}
	}
	if c.from.kind == addressLine && c.from.line == 0 && (c.to == nil || c.to.kind != addressRegex) {
		p.pos++
		return fmt.Errorf("invalid usage of line address 0")
	}
	return nil
}

func (p *parser) address() (*address, error) {
	switch c := p.peek(); {
	case isDigit(c):
		a := &address{line: p.number()}
		if p.peek() == '~' {
			p.pos++
			a.kind, a.step = addressStep, p.number()
		}
		return a, nil
	case c == '$':
		p.pos++
		return &address{kind: addressLast}, nil
	case c == '/' || c == '\\':
		p.pos++
		if c == '\\' {
			if p.done() {
				return nil, fmt.Errorf("unterminated address regex")
			}
			c = p.src[p.pos]
			p.pos++
		}
		pattern, ok := p.delimited(c, true)
		if !ok {
			return nil, fmt.Errorf("unterminated address regex")
		}
		opts := p.opts
		for {
			switch p.peek() {
			case 'I':
				opts.FoldCase = true
			case 'M':
				opts.Lines = true
			default:
				re, err := compile(pattern, opts)
				return &address{kind: addressRegex, regex: re}, err
			}
			p.pos++
		}
	case c == ',' || c == '+' || c == '~':
		if c == ',' {
			p.pos++
			return nil, fmt.Errorf("unexpected `,'")
		}
	}
	return nil, nil
}

// compile compiles a pattern; the empty one stands for the regex used last.
func compile(pattern string, opts regex.Options) (*regex.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	return regex.Compile(pattern, opts)
}

// delimited takes what stands before the delimiter. A delimiter with a backslash before it stands for itself.
func (p *parser) delimited(delim byte, pattern bool) (string, bool) {
	var b strings.Builder
	for !p.done() {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == delim:
			return b.String(), true
		case c == '\n' && pattern:
			return "", false
		case c == '[' && pattern:
			n := bracketLength(p.src[p.pos:])
			b.WriteString(p.src[p.pos-1 : p.pos+n])
			p.pos += n
		case c != '\\' || p.done():
			b.WriteByte(c)
		default:
			next := p.src[p.pos]
			p.pos++
			switch {
			case next == delim && pattern && strings.IndexByte("|+?(){}", next) >= 0 && !p.opts.Extended:
				// s|a\|b|…|: the delimiter loses its special meaning.
				b.WriteByte(next)
			case next == delim && pattern && strings.IndexByte(".*[]^$+?(){}|", next) >= 0:
				b.WriteString("[" + string(rune(next)) + "]")
			case next == delim && next != 'n' || next == '\n' && pattern:
				if !pattern && next == '&' {
					b.WriteByte('\\')
				}
				b.WriteByte(next)
			default:
				b.WriteByte('\\')
				b.WriteByte(next)
			}
		}
	}
	return "", false
}

// bracketLength is the length of the rest of a bracket expression, in which the delimiter is a character like any other, or 0 if
// the bracket is not closed.
func bracketLength(rest string) int {
	i := 0
	if strings.HasPrefix(rest, "^") {
		i++
	}
	if strings.HasPrefix(rest[i:], "]") {
		i++
	}
	for i < len(rest) && rest[i] != '\n' {
		if rest[i] == ']' {
			return i + 1
		}
		if rest[i] == '[' && i+1 < len(rest) && strings.IndexByte(":.=", rest[i+1]) >= 0 {
			if end := strings.Index(rest[i+2:], rest[i+1:i+2]+"]"); end >= 0 {
				i += end + 3
			}
		}
		i++
	}
	return 0
}

// text reads the text of a, i and c: on the same line, or on the lines after a backslash.
func (p *parser) text(c *command) error {
	p.skip(" \t")
	if p.done() {
		return fmt.Errorf("expected \\ after `a', `c' or `i'")
	}
	if p.peek() == '\\' {
		p.pos++
		rest := p.src[p.pos:]
		trimmed := strings.TrimLeft(rest, " \t")
		if strings.HasPrefix(trimmed, "\n") {
			p.pos += len(rest) - len(trimmed) + 1
		} else if p.done() {
			return fmt.Errorf("expected \\ after `a', `c' or `i'")
		}
	}
	var b []byte
	for !p.done() {
		ch := p.src[p.pos]
		p.pos++
		if ch == '\n' {
			break
		}
		if ch == '\\' && !p.done() {
			if special, n, ok := regex.Escape(p.src[p.pos:]); ok {
				b = append(b, special)
				p.pos += n
				continue
			}
			ch = p.src[p.pos]
			p.pos++
		}
		b = append(b, ch)
	}
	c.text = append(b, '\n')
	return nil
}

func (p *parser) substitute(c *command) error {
	if p.done() {
		return fmt.Errorf("unterminated `s' command")
	}
	delim := p.src[p.pos]
	p.pos++
	if delim == '\n' || delim == '\\' {
		return fmt.Errorf("unterminated `s' command")
	}
	pattern, ok := p.delimited(delim, true)
	if !ok {
		return fmt.Errorf("unterminated `s' command")
	}
	replacement, ok := p.delimited(delim, false)
	if !ok {
		return fmt.Errorf("unterminated `s' command")
	}
	s := &substitution{}
	c.subst = s
	opts := p.opts
	for more := true; more; {
		switch flag := p.peek(); {
		case flag == 'g':
			if s.global {
				p.pos++
				return fmt.Errorf("multiple `g' options to `s' command")
			}
			s.global = true
		case flag == 'p':
			s.print++
		case flag == 'i' || flag == 'I':
			opts.FoldCase = true
		case flag == 'm' || flag == 'M':
			opts.Lines = true
		case isDigit(flag):
			if s.number > 0 {
				return fmt.Errorf("multiple number options to `s' command")
			}
			if s.number = p.number(); s.number == 0 {
				return fmt.Errorf("number option to `s' command may not be zero")
			}
			continue
		case flag == 'w':
			p.pos++
			p.skip(" \t")
			if s.file = p.line(); s.file == "" {
				return fmt.Errorf("missing filename in r/R/w/W commands")
			}
			more = false
			continue
		case flag == 'e':
			return fmt.Errorf("a sandboxed program cannot start another one: option `e' of the `s' command")
		default:
			more = false
			continue
		}
		p.pos++
	}
	var err error
	if s.regex, err = compile(pattern, opts); err != nil {
		return err
	}
	groups := 9
	if s.regex != nil {
		groups = s.regex.Groups()
	}
	if s.replacement, err = parseReplacement(replacement, groups); err != nil {
		return err
	}
	if s.file != "" {
		return nil
	}
	if err := p.ending(); err != nil {
		return fmt.Errorf("unknown option to `s'")
	}
	return nil
}

func parseReplacement(text string, groups int) ([]piece, error) {
	var pieces []piece
	var plain []byte
	flush := func() {
		if len(plain) > 0 {
			pieces = append(pieces, piece{text: plain, group: -1})
			plain = nil
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '&' {
			flush()
			pieces = append(pieces, piece{group: 0})
			continue
		}
		if c != '\\' || i+1 == len(text) {
			plain = append(plain, c)
			continue
		}
		i++
		c = text[i]
		switch {
		case isDigit(c):
			group := int(c - '0')
			if group > groups {
				return nil, fmt.Errorf("invalid reference \\%d on `s' command's RHS", group)
			}
			flush()
			pieces = append(pieces, piece{group: group})
		case strings.IndexByte("ULulE", c) >= 0:
			flush()
			pieces = append(pieces, piece{group: -1, fold: c})
		default:
			if special, n, ok := regex.Escape(text[i:]); ok {
				plain = append(plain, special)
				i += n - 1
				continue
			}
			plain = append(plain, c)
		}
	}
	flush()
	return pieces, nil
}

func (p *parser) transliterate(c *command) error {
	if p.done() {
		return fmt.Errorf("unterminated `y' command")
	}
	delim := p.src[p.pos]
	p.pos++
	from, ok := p.delimited(delim, false)
	to, ok2 := p.delimited(delim, false)
	if !ok || !ok2 {
		return fmt.Errorf("unterminated `y' command")
	}
	a, b := unescape(from), unescape(to)
	if len(a) != len(b) {
		return fmt.Errorf("strings for `y' command are different lengths")
	}
	c.table = new([256]byte)
	for i := range c.table {
		c.table[i] = byte(i)
	}
	for i := range a {
		c.table[a[i]] = b[i]
	}
	return p.ending()
}

func unescape(text string) []byte {
	var b []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			if special, n, ok := regex.Escape(text[i+1:]); ok {
				c = special
				i += n
			} else if text[i+1] == '\\' {
				i++
			}
		}
		b = append(b, c)
	}
	return b
}
