package text

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"dappco.re/go/cloche/userland/internal/regex"
	"dappco.re/go/cloche/userland/internal/tool"
)

// Tr translates, deletes or squeezes bytes.
func Tr(e *tool.Env) int {
	f := e.Flags("[OPTION]... STRING1 [STRING2]")
	f.InOrder = true
	complement := f.Bool("c,complement", "use the complement of STRING1")
	f.Call("C,", "", "the same as -c", func(string) error { *complement = true; return nil })
	del := f.Bool("d,delete", "delete characters in STRING1, do not translate")
	squeeze := f.Bool("s,squeeze-repeats", "replace each repeated character listed in the last STRING with one")
	truncate := f.Bool("t,truncate-set1", "first truncate STRING1 to length of STRING2")
	args, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	least, most := 2, 2
	if *del != *squeeze {
		least = 1
	}
	if *del && !*squeeze {
		most = 1
	}
	switch {
	case len(args) == 0:
		return e.Misused("missing operand")
	case len(args) < least:
		e.Warn("missing operand after %s", tool.Quote(args[0]))
		hint := "Two strings must be given when translating."
		if *del {
			hint = "Two strings must be given when both deleting and squeezing repeats."
		}
		fmt.Fprintln(e.Stderr, hint)
		return e.Hint()
	case len(args) > most:
		e.Warn("extra operand %s", tool.Quote(args[most]))
		if most == 1 {
			fmt.Fprintln(e.Stderr, "Only one string may be given when deleting without squeezing repeats.")
		}
		return e.Hint()
	}
	t, err := newTranslator(args, *complement, *del, *squeeze, *truncate)
	if err != nil {
		return e.Fail("%s", err)
	}
	if err := t.run(e.Stdout, e.Stdin); err != nil {
		return e.Fail("read error: %s", tool.Reason(err))
	}
	return e.Status()
}

type translator struct {
	to      [256]byte
	deleted [256]bool
	once    [256]bool // squeezed
}

func newTranslator(args []string, complement, del, squeeze, truncate bool) (*translator, error) {
	t := &translator{}
	for i := range t.to {
		t.to[i] = byte(i)
	}
	first, err := expandSet(args[0], 0)
	if err != nil {
		return nil, err
	}
	if complement {
		first = complementOf(first)
	}
	var second []byte
	if len(args) == 2 {
		if second, err = expandSet(args[1], len(first)); err != nil {
			return nil, err
		}
	}
	switch {
	case del:
		for _, c := range first {
			t.deleted[c] = true
		}
	case len(args) == 2:
		if len(second) == 0 && len(first) > 0 && !truncate {
			return nil, errors.New("when not truncating set1, string2 must be non-empty")
		}
		for i, c := range first {
			if truncate && i >= len(second) {
				break
			}
			t.to[c] = second[min(i, len(second)-1)]
		}
	}
	if squeeze {
		last := first
		if len(args) == 2 {
			last = second
		}
		for _, c := range last {
			t.once[c] = true
		}
	}
	return t, nil
}

func complementOf(members []byte) []byte {
	var rest []byte
	for c := range 256 {
		if !slices.Contains(members, byte(c)) {
			rest = append(rest, byte(c))
		}
	}
	return rest
}

func (t *translator) run(out *tool.Output, r io.Reader) error {
	buf := make([]byte, 64<<10)
	last := -1
	for {
		n, err := r.Read(buf)
		kept := buf[:0]
		for _, c := range buf[:n] {
			if t.deleted[c] {
				continue
			}
			c = t.to[c]
			if t.once[c] && int(c) == last {
				continue
			}
			last = int(c)
			kept = append(kept, c)
		}
		out.Write(kept)
		if errors.Is(err, io.EOF) || out.Broken() {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// setParser expands a set of tr: ranges, classes, equivalents, repeats and escapes.
type setParser struct {
	text string
	out  []byte
	fill int // where a [c*] stands, -1 without one
	char byte
}

// expandSet returns the characters of a set. A repeat without a count fills the set to length.
func expandSet(text string, length int) ([]byte, error) {
	p := &setParser{text: text, fill: -1}
	for p.text != "" {
		if err := p.item(); err != nil {
			return nil, err
		}
	}
	if p.fill >= 0 && len(p.out) < length {
		p.out = slices.Insert(p.out, p.fill, slices.Repeat([]byte{p.char}, length-len(p.out))...)
	}
	return p.out, nil
}

func (p *setParser) item() error {
	if len(p.text) > 1 && p.text[0] == '[' {
		done, err := p.bracket()
		if done || err != nil {
			return err
		}
	}
	lo := p.next()
	if len(p.text) < 2 || p.text[0] != '-' {
		p.out = append(p.out, lo)
		return nil
	}
	p.text = p.text[1:]
	hi := p.next()
	if hi < lo {
		return fmt.Errorf("range-endpoints of '%s-%s' are in reverse collating sequence order", visibleInSet(lo), visibleInSet(hi))
	}
	for c := int(lo); c <= int(hi); c++ {
		p.out = append(p.out, byte(c))
	}
	return nil
}

func visibleInSet(c byte) string {
	if c >= ' ' && c < 0x7f {
		return string(rune(c))
	}
	return fmt.Sprintf(`\%03o`, c)
}

// bracket reads [:class:], [=c=] or [c*n], where the text begins with one of these.
func (p *setParser) bracket() (bool, error) {
	if kind := p.text[1]; kind == ':' || kind == '=' {
		for i := 2; i+1 < len(p.text); i++ {
			if p.text[i] != kind || p.text[i+1] != ']' || kind == '=' && i == 2 {
				continue
			}
			name := p.text[2:i]
			p.text = p.text[i+2:]
			if kind == '=' {
				if len(name) != 1 {
					return true, fmt.Errorf("%s: equivalence class operand must be a single character", name)
				}
				p.out = append(p.out, name[0])
				return true, nil
			}
			members, ok := regex.Class(name)
			if !ok {
				return true, fmt.Errorf("invalid character class %s", tool.Quote(name))
			}
			p.out = append(p.out, members...)
			return true, nil
		}
	}
	rest := &setParser{text: p.text[1:]}
	c := rest.next()
	if rest.text == "" || rest.text[0] != '*' {
		return false, nil
	}
	digits := digitsOf(rest.text[1:])
	after := rest.text[1+len(digits):]
	if after == "" || after[0] != ']' {
		return false, nil
	}
	base := 10
	if len(digits) > 0 && digits[0] == '0' {
		base = 8
	}
	count, _ := strconv.ParseInt("0"+digits, base, 32)
	p.text = after[1:]
	if count == 0 {
		p.fill, p.char = len(p.out), c
		return true, nil
	}
	p.out = append(p.out, slices.Repeat([]byte{c}, int(count))...)
	return true, nil
}

// next takes one character, which a backslash may spell.
func (p *setParser) next() byte {
	c := p.text[0]
	p.text = p.text[1:]
	if c != '\\' || p.text == "" {
		return c
	}
	c = p.text[0]
	switch c {
	case 'a', 'b', 'f', 'n', 'r', 't', 'v':
		p.text = p.text[1:]
		return map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}[c]
	}
	value, n := 0, 0
	for n < 3 && n < len(p.text) && '0' <= p.text[n] && p.text[n] <= '7' && value*8+int(p.text[n]-'0') < 256 {
		value = value*8 + int(p.text[n]-'0')
		n++
	}
	if n > 0 {
		p.text = p.text[n:]
		return byte(value)
	}
	p.text = p.text[1:]
	return c
}
