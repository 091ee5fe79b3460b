package regex

import (
	"bytes"
	"slices"
)

// matcher tries every way to match a tree and keeps the longest. Its time can grow exponentially, as with any matcher that knows
// back-references.
type matcher struct {
	r    *Regexp
	text []byte
	caps []int
	best []int
}

func newMatcher(r *Regexp, text []byte) *matcher { return &matcher{r: r, text: text} }

func (m *matcher) all(n int) [][]int {
	var found [][]int
	last := -1 // end of the match before
	for from := 0; from <= len(m.text) && n != len(found); {
		match := m.search(from)
		if match == nil {
			break
		}
		if match[1] > match[0] || match[1] != last {
			found = append(found, match)
			last = match[1]
		}
		from = match[1]
		if match[1] == match[0] {
			from++
		}
	}
	return found
}

// search returns the leftmost match that begins at from or behind it, the longest of those that begin there.
func (m *matcher) search(from int) []int {
	for start := from; start <= len(m.text); start++ {
		m.best = nil
		m.caps = make([]int, 2*(m.r.groups+1))
		for i := range m.caps {
			m.caps[i] = -1
		}
		m.match(m.r.tree, start, func(end int) bool {
			if m.best == nil || end > m.best[1] {
				m.caps[0], m.caps[1] = start, end
				m.best = slices.Clone(m.caps)
			}
			return end == len(m.text)
		})
		if m.best != nil {
			return m.best
		}
	}
	return nil
}

// match calls then with every place where a match of n that begins at i can end, until then returns true.
func (m *matcher) match(n *node, i int, then func(int) bool) bool {
	switch n.op {
	case opSet:
		return i < len(m.text) && n.set[m.text[i]] && then(i+1)
	case opSequence:
		return m.sequence(n.sub, i, then)
	case opChoice:
		for _, sub := range n.sub {
			if m.match(sub, i, then) {
				return true
			}
		}
		return false
	case opRepeat:
		if sub := n.sub[0]; sub.op == opSet {
			return m.run(n, i, then)
		}
		return m.repeat(n, 0, i, then)
	case opGroup:
		return m.group(n, i, then)
	case opBack:
		start, end := m.caps[2*n.group], m.caps[2*n.group+1]
		return start >= 0 && m.same(start, end, i) && then(i+end-start)
	}
	return m.holds(n.op, i) && then(i)
}

func (m *matcher) sequence(parts []*node, i int, then func(int) bool) bool {
	if len(parts) == 0 {
		return then(i)
	}
	return m.match(parts[0], i, func(j int) bool { return m.sequence(parts[1:], j, then) })
}

// run is repeat for a single character, without recursion.
func (m *matcher) run(n *node, i int, then func(int) bool) bool {
	end := i
	for end < len(m.text) && (n.max < 0 || end-i < n.max) && n.sub[0].set[m.text[end]] {
		end++
	}
	for ; end >= i+n.min; end-- {
		if then(end) {
			return true
		}
	}
	return false
}

func (m *matcher) repeat(n *node, count, i int, then func(int) bool) bool {
	if n.max < 0 || count < n.max {
		again := func(j int) bool {
			if j == i && count >= n.min {
				return false
			}
			return m.repeat(n, count+1, j, then)
		}
		if m.match(n.sub[0], i, again) {
			return true
		}
	}
	return count >= n.min && then(i)
}

func (m *matcher) group(n *node, i int, then func(int) bool) bool {
	start, end := &m.caps[2*n.group], &m.caps[2*n.group+1]
	oldStart, oldEnd := *start, *end
	done := m.match(n.sub[0], i, func(j int) bool {
		innerStart, innerEnd := *start, *end
		*start, *end = i, j
		if then(j) {
			return true
		}
		*start, *end = innerStart, innerEnd
		return false
	})
	if !done {
		*start, *end = oldStart, oldEnd
	}
	return done
}

func (m *matcher) holds(o op, i int) bool {
	before := i > 0 && isWord(m.text[i-1])
	after := i < len(m.text) && isWord(m.text[i])
	switch o {
	case opTextStart:
		return i == 0
	case opTextEnd:
		return i == len(m.text)
	case opLineStart:
		return i == 0 || m.r.lines && m.text[i-1] == '\n'
	case opLineEnd:
		return i == len(m.text) || m.r.lines && m.text[i] == '\n'
	case opWordStart:
		return !before && after
	case opWordEnd:
		return before && !after
	case opWordEdge:
		return before != after
	case opNoWordEdge:
		return before == after
	case opNoWordBefore:
		return !before
	case opNoWordAfter:
		return !after
	}
	return true // opEmpty
}

func (m *matcher) same(start, end, i int) bool {
	if i+end-start > len(m.text) {
		return false
	}
	part, again := m.text[start:end], m.text[i:i+end-start]
	if m.r.fold {
		return bytes.Equal(bytes.ToLower(part), bytes.ToLower(again))
	}
	return bytes.Equal(part, again)
}
