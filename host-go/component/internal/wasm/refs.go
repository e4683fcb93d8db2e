package wasm

// A funcRef is a place in code that has a function's index.
type funcRef struct {
	start, end int // of the index
	index      uint32
}

// calls lists the places, up to the reader's end, where instructions call a function by its index. bound
// reports instructions with indices that have no meaning in another module: those of segments, tags and
// function references. tables reports instructions that change a table.
func (r *reader) calls(out []funcRef) (refs []funcRef, bound, tables bool) {
	for r.pos < r.end {
		switch op := r.byte(); op {
		case opEnd:
		case opBlock, opLoop, opIf, opLocalGet, opLocalGet + 1, opLocalTee, opGlobalGet, opGlobalSet,
			opCallRef, opReturnCallRef:
			r.leb()
		case opCallIndirect, opReturnCallIndirect:
			r.leb()
			r.leb()
		case opCall, opReturnCall:
			start := r.pos
			index := r.u32()
			out = append(out, funcRef{start, r.pos, index})
		case opTry, opCatch, opThrow, opRethrow, opDelegate, opRefFunc:
			bound = true
			r.leb()
		case opTryTable:
			bound = true
			r.leb()
			r.catches()
		case opTableSet:
			tables = true
			r.leb()
		case opMisc:
			segment, table := r.miscImmediates()
			bound, tables = bound || segment, tables || table
		default:
			r.instr(op)
		}
	}
	return out, bound, tables
}

// miscImmediates skips the rest of an instruction of the 0xfc space. It reports whether the instruction names
// a segment, and whether it changes a table.
func (r *reader) miscImmediates() (segment, table bool) {
	indices := 0
	switch sub := r.u32(); sub {
	case 0, 1, 2, 3, 4, 5, 6, 7:
	case 11, 16:
		indices = 1
	case 15, 17:
		indices, table = 1, true
	case 10:
		indices = 2
	case 14:
		indices, table = 2, true
	case 9, 13:
		indices, segment = 1, true
	case 8, 12:
		indices, segment = 2, true
	default:
		r.fail("unknown instruction 0xfc %d", sub)
	}
	for range indices {
		r.leb()
	}
	return segment, table
}
