package linediff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// apply makes the new text from the old one and the edits.
func apply(a, b []string, edits []Edit) []string {
	var out []string
	at := 0
	for _, e := range edits {
		out = append(out, a[at:e.A0]...)
		out = append(out, b[e.B0:e.B1]...)
		at = e.A1
	}
	return append(out, a[at:]...)
}

func TestEditsMakeTheNewTextOfTheOldOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[abc]`), 0, 30)
		a, b := lines.Draw(t, "a"), lines.Draw(t, "b")
		edits := Edits(a, b)
		if got := apply(a, b, edits); fmt.Sprint(got) != fmt.Sprint(b) {
			t.Fatalf("%v makes %v", edits, got)
		}
		for i := 1; i < len(edits); i++ {
			if edits[i].A0 == edits[i-1].A1 {
				t.Fatalf("no line between %v", edits)
			}
		}
	})
}

func TestEditsAreAsFewAsTheLongestCommonSubsequenceAllows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[abc]`), 0, 12)
		a, b := lines.Draw(t, "a"), lines.Draw(t, "b")
		n := 0
		for _, e := range Edits(a, b) {
			n += e.A1 - e.A0 + e.B1 - e.B0
		}
		if want := len(a) + len(b) - 2*common(a, b); n != want {
			t.Fatalf("%d edits, %d are enough", n, want)
		}
	})
}

// common is the length of the longest common subsequence, by its definition.
func common(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if a[0] == b[0] {
		return 1 + common(a[1:], b[1:])
	}
	return max(common(a[1:], b), common(a, b[1:]))
}

func TestTextsThatDifferTooMuchAreReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	var a, b []string
	for i := range 2 * maxEdits {
		a, b = append(a, fmt.Sprint("old", i)), append(b, fmt.Sprint("new", i))
	}
	edits := Edits(a, b)
	assert.Equal(t, []Edit{{0, len(a), 0, len(b)}}, edits)
	assert.Equal(t, strings.Join(b, "\n"), strings.Join(apply(a, b, edits), "\n"))
}
