package diff

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestChangesTurnOneSideIntoTheOtherAndAreFew(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		a, b := lines(random), lines(random)
		changes := compare(a, b)
		var built []int
		at, changed := 0, 0
		for _, c := range changes {
			built = append(append(built, a[at:c.a0]...), b[c.b0:c.b1]...)
			at = c.a1
			changed += c.a1 - c.a0 + c.b1 - c.b0
		}
		built = append(built, a[at:]...)
		if !slices.Equal(built, b) {
			t.Fatalf("%v to %v by %v gives %v", a, b, changes, built)
		}
		if fewest := len(a) + len(b) - 2*common(a, b); changed != fewest {
			t.Fatalf("%v to %v: %d lines changed, %d would do", a, b, changed, fewest)
		}
	}
}

func lines(random *rand.Rand) []int {
	s := make([]int, random.IntN(14))
	for i := range s {
		s[i] = random.IntN(5)
	}
	return s
}

// common is the length of the longest common subsequence.
func common(a, b []int) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
			if a[i] == b[j] {
				table[i+1][j+1] = table[i][j] + 1
			}
		}
	}
	return table[len(a)][len(b)]
}
