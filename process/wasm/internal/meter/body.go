package meter

import "dappco.re/go/cloche/process/wasm/internal/binary"

// body is one function's locals and code.
type body struct {
	code  []byte
	first int // where the instructions begin

	loops    bool
	unknown  bool // calls what is not known before it runs
	calls    []uint32
	weight   int  // of all its instructions
	cost     int  // with that of the callees who do not pay; meaningless when it pays itself
	pays     bool // at its entry
	visiting visit
}

type visit byte

const (
	unvisited visit = iota
	underWay
	visited
)

// decode calls do with each instruction of b.
func (m *module) decode(b *body, do func(instruction)) error {
	r := &binary.Reader{B: b.code}
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		r.U32()
		r.Byte()
	}
	b.first = r.Pos
	depth := 1
	for depth > 0 && !r.Failed {
		i := m.next(r)
		switch i.op {
		case opBlock, opLoop, opIf, opTryTable:
			depth++
		case opEnd:
			depth--
		}
		if !r.Failed {
			do(i)
		}
	}
	switch {
	case r.Failed:
		return ErrUnsupported
	case r.More():
		return malformed("code")
	}
	return nil
}

// survey finds out about b, of a function with so many parameters, what its callers
// have to know, and whether it is too large.
func (m *module) survey(b *body, params int) error {
	if err := within("bytes of code in one function", len(b.code), maxBody); err != nil {
		return err
	}
	s := extent{locals: params + countLocals(b.code)}
	depth := 1
	err := m.decode(b, func(i instruction) {
		b.weight += i.weight()
		switch i.op {
		case opBlock, opLoop, opIf, opTryTable:
			depth++
		case opEnd:
			depth--
		}
		s.count(b.code, i, depth)
		switch i.op {
		case opLoop, opTryTable:
			b.loops = true
		case opCall, opReturnCall:
			b.calls = append(b.calls, i.arg)
		case opCallIndirect, opReturnCallIndirect:
			b.unknown = true
		}
	})
	if err != nil {
		return err
	}
	return s.check()
}

// freeRide is the most that a function may cost that does not pay at its entry.
const freeRide = 256

// settle decides who pays. It visits callees first, by a stack of its own: chains
// of calls can be as long as the module has functions.
func (m *module) settle() {
	type frame struct{ function, call int }
	for f := range m.bodies {
		if m.bodies[f].visiting != unvisited {
			continue
		}
		m.bodies[f].visiting = underWay
		for stack := []frame{{function: f}}; len(stack) > 0; {
			top := &stack[len(stack)-1]
			b := &m.bodies[top.function]
			if top.call < len(b.calls) {
				callee := int(b.calls[top.call]) - m.imports
				top.call++
				if callee >= 0 && m.bodies[callee].visiting == unvisited {
					m.bodies[callee].visiting = underWay
					stack = append(stack, frame{function: callee})
				}
				continue
			}
			m.decide(b)
			stack = stack[:len(stack)-1]
		}
	}
}

// decide is called when all callees of b are decided, but for those that b is
// part of a recursion with. It pays then, so that every recursion has one who does.
func (m *module) decide(b *body) {
	b.pays = b.loops || b.unknown
	b.cost = b.weight
	for _, call := range b.calls {
		callee := int(call) - m.imports
		switch {
		case callee < 0:
		case m.bodies[callee].visiting == underWay:
			b.pays = true
		default:
			b.cost += m.freeCost(call)
		}
	}
	b.pays = b.pays || b.cost > freeRide
	b.visiting = visited
}

// freeCost is what a caller pays for a callee that does not.
func (m *module) freeCost(function uint32) int {
	callee := int(function) - m.imports
	if callee < 0 || m.bodies[callee].pays {
		return 0
	}
	return m.bodies[callee].cost
}

// cost is what an instruction adds to its way.
func (m *module) cost(i instruction) int {
	switch i.op {
	case opCall, opReturnCall:
		return i.weight() + m.freeCost(i.arg)
	case opCallIndirect, opReturnCallIndirect:
		return i.weight() + freeRide/4 // whom it calls is not known; most of them pay
	}
	return i.weight()
}
