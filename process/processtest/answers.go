package processtest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Answer is what a fake program does for a call with Args.
type Answer struct {
	Args           []string // nil stands for any, empty for none
	Stdout, Stderr string
	Code           int
}

// Answers is a Program that answers by its arguments and reads no input. Of the
// answers for the same arguments each is given once, in order, and the last one
// from then on. A call that none is for fails t, and exits with 127.
func Answers(t testing.TB, answers ...Answer) Program {
	s := &script{answers: answers, given: make([]bool, len(answers))}
	return func(p *Process) int {
		a, ok := s.next(p.Args)
		if !ok {
			t.Errorf("the fake %s has no answer for %s; there are some for\n%s", p.Command, quoteAll(p.Args), s.known())
			a = Answer{Stderr: p.Command + ": no answer for " + quoteAll(p.Args) + "\n", Code: 127}
		}
		_, _ = io.WriteString(p.Stdout, a.Stdout)
		_, _ = io.WriteString(p.Stderr, a.Stderr)
		return a.Code
	}
}

type script struct {
	answers []Answer

	mu    sync.Mutex
	given []bool
}

func (s *script) next(args []string) (a Answer, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.answers {
		if want := s.answers[i].Args; want != nil && !slices.Equal(want, args) {
			continue
		}
		if a, ok = s.answers[i], true; !s.given[i] {
			s.given[i] = true
			break
		}
	}
	return a, ok
}

func (s *script) known() string {
	var b strings.Builder
	for _, a := range s.answers {
		b.WriteString("\t" + quoteAll(a.Args) + "\n")
	}
	return b.String()
}

func quoteAll(args []string) string { return fmt.Sprintf("%q", args) }
