package regex

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// Both engines have to agree on where a match lies, on every pattern that both can run. Groups may differ: POSIX leaves package
// regexp some freedom that it uses otherwise.
func TestTheTwoEnginesAgree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "b", ".", "[ab]", "[^a]", "\xe9", "a*", "b+", "(ab)", "(a|ab)", "(b|)", "a{1,2}", "^", "$", `\b`, `\w`, "|", "(a*)*"}
	letters := "ab \xe9\nc"
	compared := 0
	for range 5000 {
		var pattern, text strings.Builder
		for range 1 + random.IntN(4) {
			pattern.WriteString(parts[random.IntN(len(parts))])
		}
		for range random.IntN(9) {
			text.WriteByte(letters[random.IntN(len(letters))])
		}
		re, err := Compile(pattern.String(), Options{Extended: true})
		if err != nil || re.program == nil {
			continue
		}
		tree, groups, err := parse([]string{pattern.String()}, Options{Extended: true})
		if err != nil {
			t.Fatal(err)
		}
		slow := &Regexp{tree: tree, groups: groups}
		subject := []byte(text.String())
		got, want := whole(re.FindAll(subject, -1)), whole(slow.FindAll(subject, -1))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q in %q: %v by package regexp, %v by backtracking", pattern.String(), subject, got, want)
		}
		compared++
	}
	if compared < 1000 {
		t.Fatalf("only %d patterns ran on both engines", compared)
	}
}

func whole(matches [][]int) [][2]int {
	var pairs [][2]int
	for _, m := range matches {
		pairs = append(pairs, [2]int{m[0], m[1]})
	}
	return pairs
}

func TestPatternsThatPackageRegexpCannotExpress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		opts          Options
		want          []int
	}{
		{`\(a*\)b\1`, "xaabaa", Options{}, []int{1, 6, 1, 3}},
		{`(.)\1`, "abccd", Options{Extended: true}, []int{2, 4, 2, 3}},
		{`\(a\)\1`, "xaA", Options{FoldCase: true}, []int{1, 3, 1, 2}},
		{`\<.`, "  ab", Options{}, []int{2, 3}},
		{`a{1001}`, strings.Repeat("a", 1001), Options{Extended: true}, []int{0, 1001}},
		{`(^|x)\1b`, "xxb", Options{Extended: true}, []int{0, 3, 0, 1}},
	} {
		re, err := Compile(c.pattern, c.opts)
		if err != nil {
			t.Fatalf("%s: %v", c.pattern, err)
		}
		if re.program != nil {
			t.Errorf("%s: meant for the backtracking matcher", c.pattern)
		}
		if got := re.Find([]byte(c.text)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s in %q: %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

func TestBytesAboveASCIIAreOneCharacterEach(t *testing.T) {
	t.Parallel()
	re, err := Compile("^..$", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"é": true, "\xff\xfe": true, "\xff": false, "ab": true, "aé": false} {
		if got := re.Match([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
