package meter

// rewriter writes one function's body anew.
type rewriter struct {
	assembler
	module *module
	plan   *plan
	code   []byte
	labels []label // of the open blocks, the function's first
	depth  int     // how many blocks are open in what was written
}

// label is where a block of the original is in what is written.
type label struct {
	depth  int
	cold   bool // a loop whose cold way is still to be written behind it
	weight int  // of that loop
}

func (m *module) rewrite(p *plan, b *body, instructions []instruction, c charges) []byte {
	w := rewriter{
		assembler: assembler{b: make([]byte, 0, len(b.code)*5/4+32), fuel: p.fuel, refill: p.refill},
		module:    m, plan: p, code: b.code, labels: make([]label, 1, 16),
	}
	w.raw(b.code[:b.first])
	if c.entry > 0 {
		w.charge(c.entry)
	}
	for k, i := range instructions {
		w.instruction(i, c.at[k])
	}
	return w.b
}

func (w *rewriter) instruction(i instruction, charge int) {
	if i.op == opLoop {
		w.loop(i, charge)
		return
	}
	if charge > 0 {
		w.charge(charge)
	}
	switch i.op {
	case opBlock, opIf:
		w.raw(w.code[i.start:i.end])
		w.push(label{depth: 1})
	case opTryTable:
		w.tryTable(i)
	case opEnd:
		w.close()
	case opBr, opBrIf:
		w.op(byte(i.op))
		w.u32(w.relative(i.arg))
	case opBrTable:
		w.brTable(i)
	case opCall, opReturnCall, opRefFunc:
		w.op(byte(i.op))
		w.u32(w.plan.function(i.arg))
	case opMemoryFill, opMemoryCopy, opMemoryGrow:
		w.bulk(i)
	case opMemoryInit:
		w.call(w.plan.payBytes) // by the operand on top, which is the size
		w.raw(w.code[i.start:i.end])
	case opTableInit, opTableCopy, opTableFill, opTableGrow:
		w.call(w.plan.payEntries)
		w.raw(w.code[i.start:i.end])
	default:
		w.raw(w.code[i.start:i.end])
	}
}

// bulk calls the helper that does the same, and pays for it. Without a memory there is
// none, and the instruction is left for the engine to refuse.
func (w *rewriter) bulk(i instruction) {
	switch {
	case !w.module.memory:
		w.raw(w.code[i.start:i.end])
	case i.op == opMemoryGrow:
		w.call(w.plan.grow)
	case i.op == opMemoryFill:
		w.call(w.plan.fill)
	default:
		w.call(w.plan.copy)
	}
}

// loop writes
//
//	block $done
//	  loop $again
//	    block $cold
//	      loop                 the guest's own
//	        take; spent; br_if $cold
//	        ...
//	      end
//	      br $done
//	    end
//	    give back; ask
//	    br $again
//	  end
//	  unreachable
//	end
//
// A loop with parameters cannot be entered again like that, and has its cold way
// inside.
func (w *rewriter) loop(i instruction, weight int) {
	blockType := w.code[i.start+1 : i.end]
	if i.arg > 0 {
		w.raw(w.code[i.start:i.end])
		w.push(label{depth: 1})
		w.charge(weight)
		return
	}
	w.op(byte(opBlock))
	w.raw(blockType)
	w.op(byte(opLoop), emptyType, byte(opBlock), emptyType, byte(opLoop))
	w.raw(blockType)
	w.push(label{depth: 4, cold: true, weight: weight})
	w.take(weight)
	w.spent()
	w.brIf(1)
}

// close ends a block, and what stands around it.
func (w *rewriter) close() {
	l := w.labels[len(w.labels)-1]
	w.labels = w.labels[:len(w.labels)-1]
	w.end()
	w.depth--
	if !l.cold {
		return
	}
	w.br(2)
	w.end()
	w.take(-l.weight) // entering again takes it again
	w.ask()
	w.br(0)
	w.end()
	w.op(byte(opUnreachable), byte(opEnd))
	w.depth -= 3
}

// push opens l, which so far tells only how many blocks deep it is.
func (w *rewriter) push(l label) {
	w.depth += l.depth
	l.depth = w.depth
	w.labels = append(w.labels, l)
}

// relative counts from the inside, as branches do. What names no block names none
// afterwards either.
func (w *rewriter) relative(original uint32) uint32 {
	if uint64(original) >= uint64(len(w.labels)) {
		return 1<<32 - 1
	}
	return uint32(w.depth - w.labels[len(w.labels)-1-int(original)].depth)
}

func (w *rewriter) brTable(i instruction) {
	r := labels(w.code, i)
	w.op(byte(opBrTable))
	w.u32(r.U32())
	for r.More() {
		w.u32(w.relative(r.U32()))
	}
}

func (w *rewriter) tryTable(i instruction) {
	r := labels(w.code, i)
	w.raw(w.code[i.start:r.Pos])
	n := r.U32()
	w.u32(n)
	for range n {
		kind := r.Byte()
		w.op(kind)
		if kind < 2 {
			w.u32(r.U32())
		}
		w.u32(w.relative(r.U32()))
	}
	w.push(label{depth: 1})
}
