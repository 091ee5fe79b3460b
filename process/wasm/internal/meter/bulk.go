package meter

// piece is how many bytes of memory are filled or copied at a time: some tens of
// microseconds.
const piece = 256 << 10

// bytesPerUnit is how much of a bulk instruction's work weighs as much as one
// ordinary instruction.
const bytesPerUnit = 16

// helpers are where the functions are that are added to a module.
type helpers struct{ payBytes, payEntries, grow, fill, copy uint32 }

func helpersFrom(first uint32) helpers {
	return helpers{payBytes: first, payEntries: first + 1, grow: first + 2, fill: first + 3, copy: first + 4}
}

// helper is one of them.
type helper struct {
	typ  uint32
	body []byte
}

// all has them in the order of helpersFrom.
func (p *plan) all() []helper {
	return []helper{
		{p.payType, p.payBody(4)}, // log2 of bytesPerUnit
		{p.payType, p.payBody(1)}, // an entry of a table has eight bytes
		{p.payType, p.growBody()},
		{p.bulkType, p.fillBody()},
		{p.bulkType, p.copyBody()},
	}
}

func (p *plan) assembler() *assembler { return &assembler{fuel: p.fuel, refill: p.refill} }

// payBody is (n i32) -> n: it pays for n things, of which 2^log2 are a unit.
func (p *plan) payBody(log2 int32) []byte {
	a := p.assembler()
	a.op(0) // no locals
	a.paySize(0, log2)
	a.get(0)
	a.end()
	return a.b
}

// paySize pays for a local's number of things.
func (a *assembler) paySize(local uint32, log2 int32) {
	a.getFuel()
	a.get(local)
	a.i32(log2)
	a.op(i32ShrU, i64ExtendI32U, i64Sub)
	a.setFuel()
	a.askIfSpent()
}

// growBody is memory.grow, which pays for what it got.
func (p *plan) growBody() []byte {
	const pages, before = 0, 1
	a := p.assembler()
	a.op(1, 1, i32Type) // one local: before
	if p.memory {
		a.get(pages)
		a.op(byte(opMemoryGrow), 0)
		a.set(before)
		a.get(before)
		a.i32(-1)
		a.op(i32Ne, byte(opIf), emptyType)
		a.getFuel()
		a.get(pages)
		a.op(i64ExtendI32U)
		a.i64(16 - 4) // log2 of a page's size, and of bytesPerUnit
		a.op(i64Shl, i64Sub)
		a.setFuel()
		a.askIfSpent()
		a.end()
	}
	a.get(before)
	a.end()
	return a.b
}

// Parameters of memory.fill and memory.copy, which those of the helpers are.
const (
	to   = 0
	from = 1 // or the value to fill with
	size = 2
)

// fillBody is memory.fill in pieces.
func (p *plan) fillBody() []byte {
	a := p.assembler()
	a.op(0)
	if p.memory {
		fill := func() { a.op(0xfc, 0x0b, 0) }
		a.unlessLarge(fill)
		a.unlessInside(fill, to)
		a.pieces(func() {
			a.operands(fill)
			a.advance(to)
		})
		a.whole(fill)
	}
	a.end()
	return a.b
}

// copyBody is memory.copy in pieces, from the end where an earlier piece would
// overwrite what a later one copies.
func (p *plan) copyBody() []byte {
	a := p.assembler()
	a.op(0)
	if p.memory {
		move := func() { a.op(0xfc, 0x0a, 0, 0) }
		a.unlessLarge(move)
		a.unlessInside(move, to, from)
		a.get(to)
		a.get(from)
		a.op(i32LeU, byte(opIf), emptyType)
		a.pieces(func() {
			a.operands(move)
			a.advance(to)
			a.advance(from)
		})
		a.op(byte(0x05))
		a.pieces(func() {
			a.fromEnd(to)
			a.fromEnd(from)
			a.i32(piece)
			move()
		})
		a.end()
		a.whole(move)
	}
	a.end()
	return a.b
}

// unlessLarge does it at once, and returns, where the size is at most a piece.
func (a *assembler) unlessLarge(do func()) {
	a.get(size)
	a.i32(piece)
	a.op(i32LeU, byte(opIf), emptyType)
	a.paySize(size, 4)
	a.whole(do)
	a.op(byte(opReturn))
	a.end()
}

// unlessInside lets the instruction itself trap where one of the ranges is not
// in memory: then it must not have done a part.
func (a *assembler) unlessInside(do func(), starts ...uint32) {
	for k, start := range starts {
		a.get(start)
		a.op(i64ExtendI32U)
		a.get(size)
		a.op(i64ExtendI32U, i64Add, memorySize, 0, i64ExtendI32U)
		a.i64(16) // log2 of a page's size
		a.op(i64Shl, i64GtU)
		if k > 0 {
			a.op(i32Or)
		}
	}
	a.op(byte(opIf), emptyType)
	a.whole(do)
	a.end()
}

func (a *assembler) whole(do func()) {
	a.get(to)
	a.get(from)
	a.get(size)
	do()
}

// pieces does one piece after the other while what is left is larger than one.
func (a *assembler) pieces(one func()) {
	a.op(byte(opBlock), emptyType, byte(opLoop), emptyType)
	a.get(size)
	a.i32(piece)
	a.op(i32LeU)
	a.brIf(1)
	a.charge(piece / bytesPerUnit)
	one()
	a.get(size)
	a.i32(piece)
	a.op(i32Sub)
	a.set(size)
	a.br(0)
	a.end()
	a.end()
}

func (a *assembler) operands(do func()) {
	a.get(to)
	a.get(from)
	a.i32(piece)
	do()
}

func (a *assembler) advance(local uint32) {
	a.get(local)
	a.i32(piece)
	a.op(i32Add)
	a.set(local)
}

// fromEnd is where the last piece of what is left begins.
func (a *assembler) fromEnd(local uint32) {
	a.get(local)
	a.get(size)
	a.op(i32Add)
	a.i32(piece)
	a.op(i32Sub)
}
