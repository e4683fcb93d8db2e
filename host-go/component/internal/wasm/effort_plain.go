package wasm

// plain counts an instruction that is no block, no branch, no call and no access to a local.
func (e *effort) plain(op byte) {
	switch {
	case op == opMisc:
		e.misc()
		return
	case op == opVec:
		start := e.r.pos
		sub := e.r.u32()
		e.r.pos = start
		e.r.vecInstr()
		e.pop(vecPops(sub))
		if sub <= 11 || sub >= 84 && sub <= 93 {
			e.address()
		}
		return
	case op == opGlobalGet || op == opGlobalSet || op == opRefFunc:
		e.r.leb()
	default:
		e.r.instr(op)
	}
	if op >= opI32Load && op <= opI64Store32 || op == opAtomic || op == opTableGet || op == opTableSet {
		e.address()
	}
	e.pop(pops(op))
}

// address counts an access to a memory or table.
func (e *effort) address() {
	if !e.dead {
		e.add(1, memoryEffort)
		e.place.addresses++
	}
}

// misc counts an instruction of the 0xfc space. The compiler turns some of them into loops.
func (e *effort) misc() {
	start := e.r.pos
	sub := e.r.u32()
	e.r.pos = start
	e.r.miscImmediates()
	switch {
	case sub == 16:
		e.pop(-1)
	case sub == 15:
		e.pop(1)
	case sub == 8 || sub >= 10 && sub != 13:
		e.pop(3)
	}
	if sub >= 8 && !e.dead {
		e.add(1, indirectEffort)
		for range 2 {
			e.edge()
			e.edge()
			e.enter(e.place)
		}
	}
}

// pops returns by how many values an instruction shrinks the stack.
func pops(op byte) int {
	switch {
	case op == opGlobalGet, op == opMemorySize, op >= opI32Const && op <= opF64Const, op == opRefNull, op == opRefFunc:
		return -1
	case op == 0x1b, op == opSelectTyped, op == opTableSet, op >= 0x36 && op <= opI64Store32:
		return 2
	case op == 0x1a, op == opGlobalSet,
		op >= 0x46 && op <= 0x66 && op != 0x50,
		op >= opI32Add && op <= 0x78, op >= 0x7c && op <= 0x8a,
		op >= 0x92 && op <= 0x98, op >= 0xa0 && op <= 0xa6:
		return 1
	}
	return 0
}

// vecPops returns the same for vector instructions, or a lower number.
func vecPops(sub uint32) int {
	switch {
	case sub == 12:
		return -1
	case sub == 11, sub == 82, sub >= 88 && sub <= 91:
		return 2
	case sub == 13, sub == 14, sub >= 35 && sub <= 76, sub >= 78 && sub <= 81, sub >= 84 && sub <= 87:
		return 1
	}
	return 0
}
