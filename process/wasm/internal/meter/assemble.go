package meter

import "dappco.re/go/cloche/process/wasm/internal/binary"

// assembler writes instructions.
type assembler struct {
	b      []byte
	fuel   uint32 // the index of the global
	refill uint32 // the index of the function
}

func (a *assembler) op(ops ...byte)    { a.b = append(a.b, ops...) }
func (a *assembler) raw(b []byte)      { a.b = append(a.b, b...) }
func (a *assembler) u32(v uint32)      { a.b = binary.AppendU32(a.b, v) }
func (a *assembler) i32(v int32)       { a.b = binary.AppendS64(append(a.b, byte(opI32Const)), int64(v)) }
func (a *assembler) i64(v int64)       { a.b = binary.AppendS64(append(a.b, byte(opI64Const)), v) }
func (a *assembler) get(local uint32)  { a.op(byte(opLocalGet)); a.u32(local) }
func (a *assembler) set(local uint32)  { a.op(0x21); a.u32(local) }
func (a *assembler) call(f uint32)     { a.op(byte(opCall)); a.u32(f) }
func (a *assembler) br(label uint32)   { a.op(byte(opBr)); a.u32(label) }
func (a *assembler) brIf(label uint32) { a.op(byte(opBrIf)); a.u32(label) }
func (a *assembler) end()              { a.op(byte(opEnd)) }

const (
	i32Add, i32Sub, i32LeU, i32Ne       = 0x6a, 0x6b, 0x4d, 0x47
	i32ShrU, i32Or                      = 0x76, 0x72
	i64Sub, i64Add, i64Shl              = 0x7d, 0x7c, 0x86
	i64LtS, i64GtU, i64ExtendI32U       = 0x53, 0x56, 0xad
	memorySize, emptyType, i64Type      = 0x3f, 0x40, 0x7e
	i32Type, funcType, mutable     byte = 0x7f, 0x60, 1
)

// take takes weight from the fuel.
func (a *assembler) take(weight int) {
	a.getFuel()
	a.i64(int64(weight))
	a.op(i64Sub)
	a.setFuel()
}

// spent is whether the fuel is.
func (a *assembler) spent() {
	a.getFuel()
	a.i64(0)
	a.op(i64LtS)
}

// ask gets more of it, or ends the guest.
func (a *assembler) ask() {
	a.getFuel()
	a.call(a.refill)
	a.setFuel()
}

// charge takes weight, and asks when the fuel is spent.
func (a *assembler) charge(weight int) {
	a.take(weight)
	a.askIfSpent()
}

func (a *assembler) askIfSpent() {
	a.spent()
	a.op(byte(opIf), emptyType)
	a.ask()
	a.end()
}

func (a *assembler) getFuel() { a.op(byte(opGlobalGet)); a.u32(a.fuel) }
func (a *assembler) setFuel() { a.op(byte(opGlobalSet)); a.u32(a.fuel) }
