package meter

import (
	"fmt"

	"dappco.re/go/cloche/process/wasm/internal/binary"
)

// What one function, segment or element may be. The engine's compiler takes time
// and memory by the square of some of these, and by the product of others, and makes
// room for locals before it looks at them. Each is well above what any program has
// that was measured: CPython, Ruby, PHP, SQLite, DuckDB, LLVM, the Go compiler and
// tools in Go among them. Most comes from actionlint, of generated Go: 1.6 MB of code,
// 16,413 blocks and 80,498 branches in one function; and from Ruby: 1,260,774 branches
// times locals.
const (
	maxBody        = 4 << 20   // bytes of code
	maxLocals      = 5_000     // parameters included
	maxDepth       = 50_000    // blocks in one another
	maxLoops       = 2_000     // in one function
	maxLoopLocals  = 200_000   // loops, times locals
	maxEdges       = 100_000   // blocks and branches
	maxEdgeLocals  = 2_000_000 // these, times locals
	maxSegment     = 64 << 20  // bytes of one that is copied in one piece, and not cut
	maxElements    = MaxTableEntries
	extraVariables = 8 // what the compiler keeps besides locals
)

// TooLargeError says that a module is beyond what the engine can be shown.
type TooLargeError struct {
	What      string // as in "locals in one function"
	Have, Max int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("it has %d %s, and %d are allowed", e.Have, e.What, e.Max)
}

func within(what string, have, max int) error {
	if have > max {
		return &TooLargeError{what, have, max}
	}
	return nil
}

// extent is what of a function the compiler's work depends on.
type extent struct{ locals, depth, loops, edges int }

// count takes an instruction in.
func (s *extent) count(code []byte, i instruction, depth int) {
	switch i.op {
	case opLoop:
		s.loops++
		s.edges++
	case opBlock, opIf, opTryTable, opBr, opBrIf, opReturn:
		s.edges++
	case opBrTable:
		s.edges += int(labels(code, i).U32()) + 1
	}
	s.depth = max(s.depth, depth)
}

// countLocals reads what a body begins with.
func countLocals(code []byte) int {
	r := &binary.Reader{B: code}
	locals := 0
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		locals += int(r.U32())
		r.Byte()
	}
	return locals
}

// check says what is too large about a function.
func (s *extent) check() error {
	variables := s.locals + extraVariables
	for _, l := range []struct {
		what      string
		have, max int
	}{
		{"locals in one function", s.locals, maxLocals},
		{"blocks in one another", s.depth, maxDepth},
		{"loops in one function", s.loops, maxLoops},
		{"loops times locals in one function", s.loops * variables, maxLoopLocals},
		{"branches in one function", s.edges, maxEdges},
		{"branches times locals in one function", s.edges * variables, maxEdgeLocals},
	} {
		if err := within(l.what, l.have, l.max); err != nil {
			return err
		}
	}
	return nil
}
