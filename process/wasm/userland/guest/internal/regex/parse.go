package regex

import (
	"errors"
	"strconv"
	"strings"
)

// The texts of regerror(3).
var (
	errBracket   = errors.New("Unmatched [, [^, [:, [., or [=")
	errParen     = errors.New("Unmatched ( or \\(")
	errClose     = errors.New("Unmatched ) or \\)")
	errBrace     = errors.New("Unmatched \\{")
	errContent   = errors.New("Invalid content of \\{\\}")
	errPreceding = errors.New("Invalid preceding regular expression")
	errBack      = errors.New("Invalid back reference")
	errTrailing  = errors.New("Trailing backslash")
	errClass     = errors.New("Invalid character class name")
	errRange     = errors.New("Invalid range end")
	errTooBig    = errors.New("Regular expression too big")
)

type parser struct {
	opts   Options
	src    string
	pos    int
	first  int // groups of the patterns before this one
	groups int // groups seen
	closed map[int]bool
	depth  int
}

func parse(patterns []string, opts Options) (*node, int, error) {
	var choices []*node
	groups := 0
	for _, pattern := range patterns {
		p := &parser{opts: opts, src: pattern, first: groups, groups: groups, closed: map[int]bool{}}
		tree, err := p.parse()
		if err != nil {
			return nil, 0, err
		}
		choices = append(choices, p.bound(tree))
		groups = p.groups
	}
	if len(choices) == 1 {
		return choices[0], groups, nil
	}
	return &node{op: opChoice, sub: choices}, groups, nil
}

func (p *parser) parse() (*node, error) {
	if p.opts.Literal {
		var parts []*node
		for i := range len(p.src) {
			parts = append(parts, p.char(p.src[i]))
		}
		return &node{op: opSequence, sub: parts}, nil
	}
	tree, err := p.choice()
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		return nil, errClose
	}
	return tree, nil
}

func (p *parser) bound(tree *node) *node {
	switch {
	case p.opts.Whole:
		return &node{op: opSequence, sub: []*node{{op: opTextStart}, tree, {op: opTextEnd}}}
	case p.opts.Words:
		return &node{op: opSequence, sub: []*node{{op: opNoWordBefore}, tree, {op: opNoWordAfter}}}
	}
	return tree
}

// operator returns the operator at the current position, spelled as in an extended expression, and its length. In a basic
// expression operators have a backslash, in an extended one they lose their meaning by it.
func (p *parser) operator() (byte, int) {
	rest := p.src[p.pos:]
	switch {
	case rest == "":
		return 0, 0
	case p.opts.Extended && strings.IndexByte("(){}|+?*", rest[0]) >= 0, rest[0] == '*':
		return rest[0], 1
	case !p.opts.Extended && len(rest) > 1 && rest[0] == '\\' && strings.IndexByte("(){}|+?", rest[1]) >= 0:
		return rest[1], 2
	}
	return 0, 0
}

func (p *parser) choice() (*node, error) {
	choices := []*node{}
	for {
		branch, err := p.branch()
		if err != nil {
			return nil, err
		}
		choices = append(choices, branch)
		c, n := p.operator()
		if c != '|' {
			break
		}
		p.pos += n
	}
	if len(choices) == 1 {
		return choices[0], nil
	}
	return &node{op: opChoice, sub: choices}, nil
}

func (p *parser) branch() (*node, error) {
	var parts []*node
	start := true // nothing yet that could be repeated
	for p.pos < len(p.src) {
		c, n := p.operator()
		if c == '|' || c == ')' && (p.depth > 0 || !p.opts.Extended) {
			break
		}
		var part *node
		var err error
		switch {
		case c == '(':
			p.pos += n
			part, err = p.group()
		case start && c == '{' && !p.opts.Extended:
			return nil, errPreceding
		case start && p.opts.Extended && (c == '*' || c == '+' || c == '?'):
			p.pos += n
			continue
		case start && (c == '*' || c == '+' || c == '?'):
			p.pos += n
			part = p.char(c)
		default:
			part, err = p.atom(start)
		}
		if err != nil {
			return nil, err
		}
		anchor := part.op == opLineStart
		if !anchor || p.opts.Extended {
			if part, err = p.repeats(part); err != nil {
				return nil, err
			}
		}
		parts = append(parts, part)
		start = anchor
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return &node{op: opSequence, sub: parts}, nil
}

func (p *parser) group() (*node, error) {
	p.groups++
	number := p.groups
	p.depth++
	tree, err := p.choice()
	if err != nil {
		return nil, err
	}
	c, n := p.operator()
	if c != ')' {
		return nil, errParen
	}
	p.pos += n
	p.depth--
	p.closed[number] = true
	return &node{op: opGroup, group: number, sub: []*node{tree}}, nil
}

func (p *parser) repeats(part *node) (*node, error) {
	for {
		c, n := p.operator()
		min, max := 0, -1
		switch c {
		case '*':
		case '+':
			min = 1
		case '?':
			max = 1
		case '{':
			lo, hi, length, err := p.interval(p.pos + n)
			if err != nil {
				return nil, err
			}
			if length == 0 {
				return part, nil
			}
			min, max, n = lo, hi, n+length
		default:
			return part, nil
		}
		p.pos += n
		part = &node{op: opRepeat, min: min, max: max, sub: []*node{part}}
	}
}

// interval reads what follows the opening brace. A length of zero says that an extended expression has no interval here
// but a plain brace.
func (p *parser) interval(at int) (lo, hi, length int, err error) {
	end := "}"
	if !p.opts.Extended {
		end = `\}`
	}
	text, _, found := strings.Cut(p.src[at:], end)
	low, high, comma := strings.Cut(text, ",")
	valid := (comma || low != "") && onlyDigits(low) && onlyDigits(high)
	switch {
	case p.opts.Extended && !found && p.opts.Escapes:
		return 0, 0, 0, errBrace
	case p.opts.Extended && (!found || !valid):
		return 0, 0, 0, nil
	case !found:
		return 0, 0, 0, errBrace
	case !valid:
		return 0, 0, 0, errContent
	}
	lo, _ = strconv.Atoi("0" + low)
	switch {
	case !comma:
		hi = lo
	case high == "":
		hi = -1
	default:
		hi, _ = strconv.Atoi(high)
	}
	if hi >= 0 && lo > hi {
		return 0, 0, 0, errContent
	}
	if lo > 32767 || hi > 32767 {
		return 0, 0, 0, errTooBig
	}
	return lo, hi, len(text) + len(end), nil
}

func onlyDigits(s string) bool {
	return len(s) < 10 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func (p *parser) atom(start bool) (*node, error) {
	c := p.src[p.pos]
	p.pos++
	switch {
	case c == '.':
		all := new(set)
		all.negate()
		return &node{op: opSet, set: all}, nil
	case c == '[':
		return p.bracket()
	case c == '\\':
		return p.escape()
	case c == '^' && (p.opts.Extended || start):
		return &node{op: opLineStart}, nil
	case c == '$' && (p.opts.Extended || p.atEnd()):
		return &node{op: opLineEnd}, nil
	}
	return p.char(c), nil
}

// atEnd tells whether a dollar sign just read in a basic expression ends a branch.
func (p *parser) atEnd() bool {
	rest := p.src[p.pos:]
	return rest == "" || strings.HasPrefix(rest, `\)`) || strings.HasPrefix(rest, `\|`)
}

func (p *parser) char(c byte) *node {
	s := new(set)
	s[c] = true
	return p.member(s)
}

func (p *parser) member(s *set) *node {
	if p.opts.FoldCase {
		s.fold()
	}
	return &node{op: opSet, set: s}
}

func (p *parser) escape() (*node, error) {
	if p.pos == len(p.src) {
		return nil, errTrailing
	}
	c := p.src[p.pos]
	p.pos++
	if assertion, ok := assertions[c]; ok {
		return &node{op: assertion}, nil
	}
	switch {
	case '1' <= c && c <= '9':
		number := p.first + int(c-'0')
		if !p.closed[number] {
			return nil, errBack
		}
		return &node{op: opBack, group: number}, nil
	case c == 'w' || c == 'W':
		s := new(set)
		for i := range s {
			s[i] = isWord(byte(i)) == (c == 'w')
		}
		return p.member(s), nil
	case c == 's' || c == 'S':
		s := classes["space"]()
		if c == 'S' {
			s.negate()
		}
		return p.member(s), nil
	}
	if p.opts.Escapes {
		if char, n, ok := Escape(p.src[p.pos-1:]); ok {
			p.pos += n - 1
			return p.char(char), nil
		}
	}
	return p.char(c), nil
}

var assertions = map[byte]op{
	'b': opWordEdge, 'B': opNoWordEdge, '<': opWordStart, '>': opWordEnd, '`': opTextStart, '\'': opTextEnd,
}

// Escape reads sed's name of a character, as it follows a backslash, and returns the character and the name's length.
func Escape(s string) (c byte, n int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	if i := strings.IndexByte("afnrtv", s[0]); i >= 0 {
		return "\a\f\n\r\t\v"[i], 1, true
	}
	base, digits := 0, 3
	switch s[0] {
	case 'd':
		base = 10
	case 'o':
		base = 8
	case 'x':
		base, digits = 16, 2
	default:
		return 0, 0, false
	}
	for n = 1; n <= digits && n < len(s); n++ {
		if _, err := strconv.ParseUint(s[n:n+1], base, 8); err != nil {
			break
		}
	}
	value, err := strconv.ParseUint(s[1:n], base, 16)
	return byte(value), n, err == nil
}

func (p *parser) bracket() (*node, error) {
	s := new(set)
	negated := p.skip("^")
	for first := true; ; first = false {
		if p.pos >= len(p.src) {
			return nil, errBracket
		}
		if !first && p.skip("]") {
			break
		}
		if p.skip("[:") {
			name, rest, ok := strings.Cut(p.src[p.pos:], ":]")
			if !ok {
				return nil, errBracket
			}
			class := classes[name]
			if class == nil {
				return nil, errClass
			}
			p.pos = len(p.src) - len(rest)
			for i, in := range class() {
				s[i] = s[i] || in
			}
			continue
		}
		lo, err := p.element()
		if err != nil {
			return nil, err
		}
		hi := lo
		if rest := p.src[p.pos:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			p.pos++
			if hi, err = p.element(); err != nil {
				return nil, err
			}
			if hi < lo {
				return nil, errRange
			}
		}
		s.addRange(lo, hi)
	}
	if p.opts.FoldCase {
		s.fold()
	}
	if negated {
		s.negate()
	}
	return &node{op: opSet, set: s}, nil
}

// element reads one character of a bracket expression, which may be spelled [=c=] or [.c.].
func (p *parser) element() (byte, error) {
	for _, kind := range []string{"=", "."} {
		if !p.skip("[" + kind) {
			continue
		}
		text, rest, ok := strings.Cut(p.src[p.pos:], kind+"]")
		if !ok || len(text) != 1 {
			return 0, errBracket
		}
		p.pos = len(p.src) - len(rest)
		return text[0], nil
	}
	if p.opts.Escapes && p.skip(`\`) {
		if c, n, ok := Escape(p.src[p.pos:]); ok {
			p.pos += n
			return c, nil
		}
		return '\\', nil
	}
	c := p.src[p.pos]
	p.pos++
	return c, nil
}

func (p *parser) skip(prefix string) bool {
	if !strings.HasPrefix(p.src[p.pos:], prefix) {
		return false
	}
	p.pos += len(prefix)
	return true
}

// classes are the character classes of the C locale.
var classes = map[string]func() *set{
	"alnum":  func() *set { return ranges("09AZaz") },
	"alpha":  func() *set { return ranges("AZaz") },
	"blank":  func() *set { return ranges("\t\t  ") },
	"cntrl":  func() *set { return ranges("\x00\x1f\x7f\x7f") },
	"digit":  func() *set { return ranges("09") },
	"graph":  func() *set { return ranges("!~") },
	"lower":  func() *set { return ranges("az") },
	"print":  func() *set { return ranges(" ~") },
	"punct":  func() *set { return ranges("!/:@[`{~") },
	"space":  func() *set { return ranges("\t\r  ") },
	"upper":  func() *set { return ranges("AZ") },
	"xdigit": func() *set { return ranges("09AFaf") },
}

func ranges(pairs string) *set {
	s := new(set)
	for i := 0; i < len(pairs); i += 2 {
		s.addRange(pairs[i], pairs[i+1])
	}
	return s
}

// Class returns the members of a character class such as "alpha", in order.
func Class(name string) ([]byte, bool) {
	class, ok := classes[name]
	if !ok {
		return nil, false
	}
	var members []byte
	for c, in := range class() {
		if in {
			members = append(members, byte(c))
		}
	}
	return members, true
}
