package meter

import "dappco.re/go/cloche/process/wasm/internal/binary"

// opcode is an instruction's first byte, or, for the prefixes 0xfc and 0xfd,
// that byte and the number that follows.
type opcode uint16

// The instructions that the rewriting treats in a way of their own (core
// specification 2.0, section 5.4, and the proposals for tail calls and exceptions).
const (
	opUnreachable        opcode = 0x00
	opBlock              opcode = 0x02
	opLoop               opcode = 0x03
	opIf                 opcode = 0x04
	opElse               opcode = 0x05
	opThrow              opcode = 0x08
	opThrowRef           opcode = 0x0a
	opEnd                opcode = 0x0b
	opBr                 opcode = 0x0c
	opBrIf               opcode = 0x0d
	opBrTable            opcode = 0x0e
	opReturn             opcode = 0x0f
	opCall               opcode = 0x10
	opCallIndirect       opcode = 0x11
	opReturnCall         opcode = 0x12
	opReturnCallIndirect opcode = 0x13
	opTryTable           opcode = 0x1f
	opLocalGet           opcode = 0x20
	opGlobalGet          opcode = 0x23
	opGlobalSet          opcode = 0x24
	opMemoryGrow         opcode = 0x40
	opI32Const           opcode = 0x41
	opI64Const           opcode = 0x42
	opF32Const           opcode = 0x43
	opF64Const           opcode = 0x44
	opRefNull            opcode = 0xd0
	opRefFunc            opcode = 0xd2
	opMemoryInit         opcode = 0xfc08
	opMemoryCopy         opcode = 0xfc0a
	opMemoryFill         opcode = 0xfc0b
	opTableInit          opcode = 0xfc0c
	opTableCopy          opcode = 0xfc0e
	opTableGrow          opcode = 0xfc0f
	opTableFill          opcode = 0xfc11
	opV128Const          opcode = 0xfd0c
)

// instruction is one of a function's, by its place in the body.
type instruction struct {
	op         opcode
	start, end uint32
	// arg is the index of a function, the label of a branch, or, for what begins a
	// block, the number of its parameters.
	arg uint32
}

// next reads one instruction and checks the indexes in it.
func (m *module) next(r *binary.Reader) instruction {
	i := instruction{start: uint32(r.Pos)}
	i.op = opcode(r.Byte())
	if i.op == 0xfc || i.op == 0xfd {
		sub := r.U32()
		if sub > 0xff {
			r.Fail()
		}
		i.op = i.op<<8 | opcode(sub&0xff)
	}
	i.arg = m.immediates(i.op, r)
	i.end = uint32(r.Pos)
	return i
}

func (m *module) immediates(op opcode, r *binary.Reader) (arg uint32) {
	switch {
	case op == opBlock || op == opLoop || op == opIf:
		return m.blockType(r)
	case op == opTryTable:
		arg = m.blockType(r)
		eachCatch(r, func(uint32) {})
		return arg
	case op == opBr || op == opBrIf || op == opThrow:
		return r.U32()
	case op == opBrTable:
		eachLabel(r, func(uint32) {})
	case op == opCall || op == opReturnCall || op == opRefFunc:
		return m.functionIndex(r)
	case op == opCallIndirect || op == opReturnCallIndirect:
		m.typeIndex(r)
		r.U32()
	case op == 0x1c: // select with types
		r.Bytes()
	case op >= opLocalGet && op <= 0x22 || op == 0x25 || op == 0x26: // local.*, table.get, table.set
		r.U32()
	case op == opGlobalGet || op == opGlobalSet:
		m.globalIndex(r)
	case op >= 0x28 && op <= 0x3e: // loads and stores
		memarg(r)
	case op == opMemoryGrow:
		onlyMemory(r)
	case op == 0x3f || op == opRefNull:
		r.Byte()
	case op == opI32Const:
		r.SkipSigned(35)
	case op == opI64Const:
		r.SkipSigned(70)
	case op == opF32Const:
		r.Skip(4)
	case op == opF64Const:
		r.Skip(8)
	case op>>8 == 0xfc:
		bulkImmediates(op, r)
	case op>>8 == 0xfd:
		vectorImmediates(op, r)
	case !plain(op):
		r.Fail()
	}
	return 0
}

// plain says whether op is an instruction without immediates.
func plain(op opcode) bool {
	switch op {
	case opUnreachable, 0x01, opElse, opThrowRef, opEnd, opReturn, 0x1a, 0x1b, 0xd1:
		return true
	}
	return op >= 0x45 && op <= 0xc4
}

// blockType returns how many parameters the block has.
func (m *module) blockType(r *binary.Reader) uint32 {
	t := r.S33()
	switch {
	case t < 0:
		return 0
	case t >= int64(len(m.types)):
		r.Fail()
		return 0
	}
	return uint32(m.types[t].params)
}

func eachLabel(r *binary.Reader, do func(label uint32)) {
	for n := uint64(r.U32()) + 1; n > 0 && !r.Failed; n-- {
		do(r.U32())
	}
}

func eachCatch(r *binary.Reader, do func(label uint32)) {
	for n := r.U32(); n > 0 && !r.Failed; n-- {
		if kind := r.Byte(); kind < 2 { // catch, catch_ref: with a tag
			r.U32()
		}
		do(r.U32())
	}
}

func memarg(r *binary.Reader) {
	r.U32()
	r.U32()
}

func bulkImmediates(op opcode, r *binary.Reader) {
	switch sub := op & 0xff; {
	case sub <= 7: // saturating truncations
	case op == opMemoryCopy:
		onlyMemory(r)
		onlyMemory(r)
	case op == opMemoryFill:
		onlyMemory(r)
	case op == opMemoryInit, op == opTableInit, op == opTableCopy:
		r.U32()
		r.U32()
	case sub <= 17:
		r.U32()
	default:
		r.Fail()
	}
}

// onlyMemory refuses any other memory than the first: the helpers know no other.
func onlyMemory(r *binary.Reader) {
	if r.Byte() != 0 {
		r.Fail()
	}
}

func vectorImmediates(op opcode, r *binary.Reader) {
	switch sub := op & 0xff; {
	case sub <= 11 || sub == 92 || sub == 93: // loads and stores
		memarg(r)
	case sub == 12 || sub == 13: // v128.const, shuffle
		r.Skip(16)
	case sub >= 21 && sub <= 34: // lanes
		r.Skip(1)
	case sub >= 84 && sub <= 91: // lanes of memory
		memarg(r)
		r.Skip(1)
	}
}

// weight is about how long the instruction takes, in cycles of a machine of today;
// what the compiler makes nothing of weighs nothing. The work of calls is the
// callee's, that of bulk instructions is paid by size.
func (i instruction) weight() int {
	switch op := i.op; {
	case op == opBlock, op == opLoop, op == opElse, op == opEnd, op == 0x01, op == 0x1a,
		op == opLocalGet, op == opI32Const, op == opI64Const:
		return 0
	case op >= 0x28 && op <= 0x3e:
		return 2
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82: // integer division
		return 10
	case op == 0x91, op == 0x9f, op == 0x95, op == 0xa3: // square roots, division
		return 6
	case op == opCall, op == opReturnCall:
		return 4
	case op == opCallIndirect, op == opReturnCallIndirect:
		return 8
	case op == opMemoryGrow:
		return 1000
	case op >= opMemoryInit && op <= opTableFill:
		return 20
	}
	return 1
}
