// Package linediff finds what lines were taken out of a text and put in.
//
// It is the greedy algorithm of Eugene W. Myers, "An O(ND) Difference Algorithm
// and Its Variations" (Algorithmica 1, 1986), on lines, between what the two
// texts have in common at their beginning and end. Texts that differ too much for
// it are told apart as a whole: right, if not short.
package linediff

// maxEdits bounds the work, to its square in memory.
const maxEdits = 1000

// Edit replaces lines [A0, A1) of the old text by lines [B0, B1) of the new one.
type Edit struct{ A0, A1, B0, B1 int }

// Edits returns what makes b of a, in order, with lines kept between any two.
func Edits(a, b []string) []Edit {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	edits := middle(a[head:len(a)-tail], b[head:len(b)-tail])
	for i := range edits {
		e := &edits[i]
		e.A0, e.A1, e.B0, e.B1 = e.A0+head, e.A1+head, e.B0+head, e.B1+head
	}
	return edits
}

func middle(a, b []string) []Edit {
	if len(a) == 0 && len(b) == 0 {
		return nil
	}
	rounds, found := search(a, b)
	if !found {
		return []Edit{{0, len(a), 0, len(b)}}
	}
	return join(retrace(rounds, len(a), len(b)))
}

// search runs Myers's rounds: after round d, rounds[d] has for each diagonal k,
// at index k+d, the furthest x that d edits reach.
func search(a, b []string) (rounds [][]int, found bool) {
	for d := 0; d <= min(maxEdits, len(a)+len(b)); d++ {
		v := make([]int, 2*d+1)
		rounds = append(rounds, v)
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x, _ = step(rounds[d-1], d, k)
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[k+d] = x
			if x >= len(a) && y >= len(b) {
				return rounds, true
			}
		}
	}
	return nil, false
}

// step is where round d begins on diagonal k, after one edit from a neighbour;
// down says that the edit puts a line in, from diagonal k+1.
func step(last []int, d, k int) (x int, down bool) {
	at := func(k int) int { return last[k+d-1] }
	if k == -d || k != d && at(k-1) < at(k+1) {
		return at(k + 1), true
	}
	return at(k-1) + 1, false
}

// retrace goes back from the end and returns the single edits, first to last.
func retrace(rounds [][]int, x, y int) []Edit {
	edits := make([]Edit, len(rounds)-1)
	for d := len(rounds) - 1; d > 0; d-- {
		k := x - y
		begin, down := step(rounds[d-1], d, k)
		x, y = begin, begin-k
		if down {
			edits[d-1] = Edit{x, x, y - 1, y}
			y--
		} else {
			edits[d-1] = Edit{x - 1, x, y, y}
			x--
		}
	}
	return edits
}

// join makes one edit of those that touch.
func join(single []Edit) []Edit {
	var edits []Edit
	for _, e := range single {
		if n := len(edits); n > 0 && edits[n-1].A1 == e.A0 && edits[n-1].B1 == e.B0 {
			edits[n-1].A1, edits[n-1].B1 = e.A1, e.B1
		} else {
			edits = append(edits, e)
		}
	}
	return edits
}
