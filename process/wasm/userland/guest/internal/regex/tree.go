package regex

import (
	"fmt"
	"strings"
)

type op int

const (
	opEmpty op = iota
	opSet
	opSequence
	opChoice
	opRepeat
	opGroup
	opBack
	opLineStart
	opLineEnd
	opTextStart
	opTextEnd
	opWordStart
	opWordEnd
	opWordEdge
	opNoWordEdge
	opNoWordBefore
	opNoWordAfter
)

// node is one part of a pattern.
type node struct {
	op       op
	sub      []*node
	set      *set // opSet
	min, max int  // opRepeat; max < 0 is without bound
	group    int  // opGroup, opBack
}

// set is a set of bytes.
type set [256]bool

func (s *set) addRange(lo, hi byte) {
	for c := int(lo); c <= int(hi); c++ {
		s[c] = true
	}
}

func (s *set) negate() {
	for i := range s {
		s[i] = !s[i]
	}
}

func (s *set) fold() {
	for c := 'a'; c <= 'z'; c++ {
		both := s[c] || s[c-32]
		s[c], s[c-32] = both, both
	}
}

// only returns the single member of the set.
func (s *set) only() (byte, bool) {
	found := -1
	for i, in := range s {
		if !in {
			continue
		}
		if found >= 0 {
			return 0, false
		}
		found = i
	}
	return byte(found), found >= 0
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// plain returns the text that the tree stands for, if it is nothing but text.
func (n *node) plain() ([]byte, bool) {
	switch n.op {
	case opEmpty:
		return nil, true
	case opSet:
		c, ok := n.set.only()
		return []byte{c}, ok
	case opSequence:
		var text []byte
		for _, sub := range n.sub {
			part, ok := sub.plain()
			if !ok {
				return nil, false
			}
			text = append(text, part...)
		}
		return text, true
	}
	return nil, false
}

// edgeIsWord tells whether every match of n begins (or, if last, ends) with a word character.
func (n *node) edgeIsWord(last bool) bool {
	switch n.op {
	case opSet:
		for c, in := range n.set {
			if in && !isWord(byte(c)) {
				return false
			}
		}
		return true
	case opSequence:
		for i := range n.sub {
			sub := n.sub[i]
			if last {
				sub = n.sub[len(n.sub)-1-i]
			}
			if !sub.isAssertion() {
				return sub.edgeIsWord(last)
			}
		}
		return false
	case opChoice:
		for _, sub := range n.sub {
			if !sub.edgeIsWord(last) {
				return false
			}
		}
		return true
	case opRepeat:
		return n.min > 0 && n.sub[0].edgeIsWord(last)
	case opGroup:
		return n.sub[0].edgeIsWord(last)
	}
	return false
}

func (n *node) isAssertion() bool { return n.op >= opLineStart }

// emitter writes a tree in the syntax of package regexp.
type emitter struct {
	b     strings.Builder
	lines bool
}

func (e *emitter) emit(tree *node) (string, bool) {
	e.b.WriteString("(?s)")
	ok := e.node(tree)
	return e.b.String(), ok
}

func (e *emitter) node(n *node) bool {
	switch n.op {
	case opSet:
		e.set(n.set)
	case opSequence:
		return e.sequence(n.sub)
	case opChoice:
		e.b.WriteString("(?:")
		for i, sub := range n.sub {
			if i > 0 {
				e.b.WriteByte('|')
			}
			if !e.node(sub) {
				return false
			}
		}
		e.b.WriteByte(')')
	case opRepeat:
		e.b.WriteString("(?:")
		if n.max > 1000 || n.min > 1000 || !e.node(n.sub[0]) {
			return false
		}
		e.b.WriteByte(')')
		e.b.WriteString(n.bounds())
	case opGroup:
		e.b.WriteByte('(')
		if !e.node(n.sub[0]) {
			return false
		}
		e.b.WriteByte(')')
	case opLineStart:
		e.b.WriteString(e.anchor("(?m:^)", `\A`))
	case opLineEnd:
		e.b.WriteString(e.anchor("(?m:$)", `\z`))
	case opTextStart:
		e.b.WriteString(`\A`)
	case opTextEnd:
		e.b.WriteString(`\z`)
	case opWordEdge:
		e.b.WriteString(`\b`)
	case opNoWordEdge:
		e.b.WriteString(`\B`)
	case opEmpty:
	default:
		return false
	}
	return true
}

// sequence writes parts one after the other. Word edges of one direction have no counterpart; beside a part that has a word
// character there they are plain word edges.
func (e *emitter) sequence(parts []*node) bool {
	for i, part := range parts {
		var beside bool
		switch part.op {
		case opWordStart, opNoWordBefore:
			beside = (&node{op: opSequence, sub: parts[i+1:]}).edgeIsWord(false)
		case opWordEnd, opNoWordAfter:
			beside = (&node{op: opSequence, sub: parts[:i]}).edgeIsWord(true)
		}
		if beside {
			part = &node{op: opWordEdge}
		}
		if !e.node(part) {
			return false
		}
	}
	return true
}

func (e *emitter) anchor(lines, text string) string {
	if e.lines {
		return lines
	}
	return text
}

func (e *emitter) set(s *set) {
	if c, ok := s.only(); ok {
		fmt.Fprintf(&e.b, `\x{%x}`, c)
		return
	}
	e.b.WriteByte('[')
	empty := true
	for lo := 0; lo < 256; lo++ {
		if !s[lo] {
			continue
		}
		hi := lo
		for hi < 255 && s[hi+1] {
			hi++
		}
		fmt.Fprintf(&e.b, `\x{%x}-\x{%x}`, lo, hi)
		lo, empty = hi, false
	}
	if empty {
		e.b.WriteString(`^\x{0}-\x{10ffff}`)
	}
	e.b.WriteByte(']')
}

func (n *node) bounds() string {
	switch {
	case n.min == 0 && n.max < 0:
		return "*"
	case n.min == 1 && n.max < 0:
		return "+"
	case n.min == 0 && n.max == 1:
		return "?"
	case n.max < 0:
		return fmt.Sprintf("{%d,}", n.min)
	}
	return fmt.Sprintf("{%d,%d}", n.min, n.max)
}
