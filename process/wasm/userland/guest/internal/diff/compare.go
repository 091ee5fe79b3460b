package diff

// change is a run of lines that differ: a[a0:a1] was replaced by b[b0:b1]. One of the two may be empty.
type change struct{ a0, a1, b0, b1 int }

// compare returns the changes that turn a into b, in order. Equal numbers are equal lines.
//
// It is the linear-space algorithm of Eugene W. Myers, "An O(ND) Difference Algorithm and Its Variations" (Algorithmica 1, 1986):
// search from both ends at once until the paths meet, and divide there. Lines that the other side does not have at all are set aside
// first. Afterwards runs of changes slide: see slide.
func compare(a, b []int) []change {
	prefix := 0
	for prefix < len(a) && prefix < len(b) && a[prefix] == b[prefix] {
		prefix++
	}
	suffix := 0
	for suffix < len(a)-prefix && suffix < len(b)-prefix && a[len(a)-1-suffix] == b[len(b)-1-suffix] {
		suffix++
	}
	c := &comparison{
		a: newSide(a), b: newSide(b),
	}
	c.a.keep(prefix, len(a)-suffix, b[prefix:len(b)-suffix])
	c.b.keep(prefix, len(b)-suffix, a[prefix:len(a)-suffix])
	reach := len(c.a.kept) + len(c.b.kept) + 3
	c.forward, c.backward = make([]int, 2*reach), make([]int, 2*reach)
	c.zero = len(c.b.kept) + 1
	c.divide(0, len(c.a.kept), 0, len(c.b.kept))
	slide(c.a, c.b)
	slide(c.b, c.a)
	return c.changes()
}

// side is one of the two files.
type side struct {
	lines   []int
	changed []bool // one more than lines, as a sentinel
	kept    []int  // the lines to compare
	index   []int  // where they stand in lines
}

func newSide(lines []int) *side {
	return &side{lines: lines, changed: make([]bool, len(lines)+1)}
}

// keep picks the lines to compare among those from lo to hi: all that the other side has too. The rest is changed.
func (s *side) keep(lo, hi int, other []int) {
	known := make(map[int]bool, len(other))
	for _, line := range other {
		known[line] = true
	}
	for i := lo; i < hi; i++ {
		if !known[s.lines[i]] {
			s.changed[i] = true
			continue
		}
		s.kept = append(s.kept, s.lines[i])
		s.index = append(s.index, i)
	}
}

type comparison struct {
	a, b *side
	// How far the paths from the start and from the end have come on each diagonal a-b, which is shifted by zero.
	forward, backward []int
	zero              int
}

// divide marks the changed lines of a[a0:a1] and b[b0:b1].
func (c *comparison) divide(a0, a1, b0, b1 int) {
	a, b := c.a.kept, c.b.kept
	for a0 < a1 && b0 < b1 && a[a0] == b[b0] {
		a0++
		b0++
	}
	for a0 < a1 && b0 < b1 && a[a1-1] == b[b1-1] {
		a1--
		b1--
	}
	switch {
	case a0 == a1:
		for ; b0 < b1; b0++ {
			c.b.changed[c.b.index[b0]] = true
		}
	case b0 == b1:
		for ; a0 < a1; a0++ {
			c.a.changed[c.a.index[a0]] = true
		}
	default:
		x, y := c.middle(a0, a1, b0, b1)
		c.divide(a0, x, b0, y)
		c.divide(x, a1, y, b1)
	}
}

// middle returns a point on a shortest path.
func (c *comparison) middle(a0, a1, b0, b1 int) (x, y int) {
	a, b := c.a.kept, c.b.kept
	f, r := c.forward, c.backward
	lowest, highest := a0-b1, a1-b0 // diagonals within the rectangle
	start, end := a0-b0, a1-b1
	fmin, fmax, rmin, rmax := start, start, end, end
	odd := (start-end)&1 != 0
	at := func(diagonal int) int { return diagonal + c.zero }
	f[at(start)], r[at(end)] = a0, a1
	for {
		fmin, fmax = widen(f, c.zero, fmin, fmax, lowest, highest, -1)
		for d := fmax; d >= fmin; d -= 2 {
			below, above := f[at(d-1)], f[at(d+1)]
			x := above
			if below >= above {
				x = below + 1
			}
			for y := x - d; x < a1 && y < b1 && a[x] == b[y]; y++ {
				x++
			}
			f[at(d)] = x
			if odd && rmin <= d && d <= rmax && r[at(d)] <= x {
				return x, x - d
			}
		}
		const far = int(^uint(0) >> 1)
		rmin, rmax = widen(r, c.zero, rmin, rmax, lowest, highest, far)
		for d := rmax; d >= rmin; d -= 2 {
			below, above := r[at(d-1)], r[at(d+1)]
			x := below
			if below >= above {
				x = above - 1
			}
			for y := x - d; a0 < x && b0 < y && a[x-1] == b[y-1]; y-- {
				x--
			}
			r[at(d)] = x
			if !odd && fmin <= d && d <= fmax && x <= f[at(d)] {
				return x, x - d
			}
		}
	}
}

// widen lets a search take in one more diagonal on either side. Outside of the rectangle it narrows instead, which keeps the parity.
func widen(reach []int, zero, min, max, lowest, highest, never int) (int, int) {
	if min > lowest {
		min--
		reach[min-1+zero] = never
	} else {
		min++
	}
	if max < highest {
		max++
		reach[max+1+zero] = never
	} else {
		max--
	}
	return min, max
}

// slide moves runs of changes in s where that keeps them true. A run can move down when its first line equals the line below it, and
// up likewise; meeting another run it joins it. It ends up beside changes of the other side if it can, and as far down as it can
// otherwise, which is how people expect to see an added block.
func slide(s, other *side) {
	i, j := 0, 0 // the same place on either side
	for {
		for i < len(s.lines) && !s.changed[i] {
			for other.changed[j] {
				j++
			}
			i++
			j++
		}
		if i == len(s.lines) {
			return
		}
		start := i
		for s.changed[i] {
			i++
		}
		for other.changed[j] {
			j++
		}
		var beside int // the end of the run where it last lay beside a change of the other side; -1 never
		for size := -1; size != i-start; {
			size = i - start
			for start > 0 && s.lines[start-1] == s.lines[i-1] {
				start--
				i--
				s.changed[start], s.changed[i] = true, false
				for start > 0 && s.changed[start-1] {
					start--
				}
				for j--; other.changed[j]; {
					j--
				}
			}
			beside = -1
			if j > 0 && other.changed[j-1] {
				beside = i
			}
			for i < len(s.lines) && s.lines[start] == s.lines[i] {
				s.changed[start], s.changed[i] = false, true
				start++
				i++
				for s.changed[i] {
					i++
				}
				for j++; other.changed[j]; j++ {
					beside = i
				}
			}
		}
		for beside >= 0 && beside < i {
			start--
			i--
			s.changed[start], s.changed[i] = true, false
			for j--; other.changed[j]; {
				j--
			}
		}
	}
}

func (c *comparison) changes() []change {
	var list []change
	i, j := 0, 0
	for i < len(c.a.lines) || j < len(c.b.lines) {
		if !c.a.changed[i] && !c.b.changed[j] {
			i++
			j++
			continue
		}
		ch := change{a0: i, b0: j}
		for c.a.changed[i] {
			i++
		}
		for c.b.changed[j] {
			j++
		}
		ch.a1, ch.b1 = i, j
		list = append(list, ch)
	}
	return list
}
