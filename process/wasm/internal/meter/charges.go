package meter

import "dappco.re/go/cloche/process/wasm/internal/binary"

// maxPath is about how long a way may become before it pays. Longer ones would
// make those pay too much that leave them early.
const maxPath = 128

// charges is where one function pays, and how much.
type charges struct {
	entry int
	at    []int // before each instruction; of a loop, at its header
}

// block is an open one during the analysis.
type block struct {
	op   opcode
	at   int // the instruction that began it
	way  int // the longest that leads to its end by a branch
	then int // of an if: the way to it
}

// analysis follows all ways through a function at once, keeping the longest.
type analysis struct {
	charges
	module *module
	code   []byte
	blocks []block
	way    int // unpaid
	dead   bool
}

func (m *module) analyse(b *body, instructions []instruction, at []int) charges {
	a := analysis{module: m, code: b.code, blocks: make([]block, 1, 16)}
	a.at = append(at[:0], make([]int, len(instructions))...)
	for k, i := range instructions {
		a.pay(k, i)
		a.follow(k, i)
	}
	a.entry = max(a.way, 1) // the end of the function took in the ways that return
	if !b.pays {
		a.entry = 0
	} else if k := firstLoop(instructions); k >= 0 {
		a.at[k] += min(a.entry, maxPath)
		a.entry = 0
	}
	return a.charges
}

// pay adds the instruction to the way, and pays for that if it is long.
func (a *analysis) pay(k int, i instruction) {
	if a.dead {
		return
	}
	a.way += a.module.cost(i)
	if a.way > maxPath && i.op != opEnd && i.op != opElse && i.op != opLoop {
		a.at[k], a.way = a.way, 0
	}
}

func (a *analysis) follow(k int, i instruction) {
	switch i.op {
	case opBlock:
		a.open(block{op: i.op, at: k})
	case opTryTable:
		a.open(block{op: i.op, at: k})
		// From which way it will be caught is not known.
		way := a.way
		a.way = maxPath
		eachCatch(labels(a.code, i), func(label uint32) { a.branch(label + 1) })
		a.way = way
	case opIf:
		a.open(block{op: i.op, at: k, then: a.way})
	case opLoop:
		a.at[k] = max(a.way, 1)
		a.way = 0
		a.open(block{op: i.op, at: k})
	case opElse:
		a.otherwise()
	case opEnd:
		a.close()
	case opBr:
		a.branch(i.arg)
		a.dead = true
	case opBrIf:
		a.branch(i.arg)
	case opBrTable:
		eachLabel(labels(a.code, i), a.branch)
		a.dead = true
	case opReturn, opReturnCall, opReturnCallIndirect:
		a.branch(uint32(len(a.blocks) - 1))
		a.dead = true
	case opUnreachable, opThrow, opThrowRef:
		a.dead = true
	}
}

// labels reads an instruction again, at its labels.
func labels(code []byte, i instruction) *binary.Reader {
	r := &binary.Reader{B: code[:i.end], Pos: int(i.start) + 1}
	if i.op == opTryTable {
		r.S33()
	}
	return r
}

func (a *analysis) open(b block) { a.blocks = append(a.blocks, b) }

// branch takes the way to a label. What is out of range the engine refuses.
func (a *analysis) branch(label uint32) {
	if a.dead || uint64(label) >= uint64(len(a.blocks)) {
		return
	}
	b := &a.blocks[len(a.blocks)-1-int(label)]
	if b.op == opLoop {
		a.at[b.at] = max(a.at[b.at], a.way)
		return
	}
	b.way = max(b.way, a.way)
}

func (a *analysis) otherwise() {
	b := &a.blocks[len(a.blocks)-1]
	if !a.dead {
		b.way = max(b.way, a.way)
	}
	a.way, a.dead = b.then, false
	b.op = opElse
}

func (a *analysis) close() {
	b := a.blocks[len(a.blocks)-1]
	a.blocks = a.blocks[:len(a.blocks)-1]
	if a.dead {
		a.way = 0
	}
	a.way, a.dead = max(a.way, b.way), false
	if b.op == opIf {
		a.way = max(a.way, b.then)
	}
}

// firstLoop is the loop that is reached from the entry whatever happens, and
// before anything else could be called or left by, or -1.
func firstLoop(instructions []instruction) int {
	for k, i := range instructions {
		switch {
		case i.op == opLoop:
			return k
		case i.op == opBlock, i.op == 0x01, i.op >= opLocalGet && i.op <= opGlobalSet,
			i.op >= 0x28 && i.op <= 0x3e, i.op >= opI32Const && i.op <= 0x8a:
		default:
			return -1
		}
	}
	return -1
}
