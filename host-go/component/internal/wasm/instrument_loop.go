package wasm

// A short loop without other loops and calls is written several times in a row. It pays for all turns of the
// row at the beginning: paying for each turn would cost half as much as the turn itself.
const (
	shortLoop = 64 // bytes
	turns     = 4
)

// turn is the body of a short loop.
type turn struct {
	typ        []byte // the block type
	start, end int
	length     int // in instructions
	// outward are the labels of branches that leave the loop.
	outward []label
}

// label is a place in the code that has the label of a branch.
type label struct {
	start, end int
	index      uint32
}

// loop rewrites a loop. The opcode of the loop instruction was read.
func (f *function) loop(at int) {
	r := f.r
	params := f.in.blockType(r)
	if f.in.Off {
		f.begin(opBlock)
		return
	}
	if !params && !f.cheap {
		if t := f.short(at); t != nil {
			r.pos = at
			f.flush()
			f.unroll(t)
			r.pos = t.end + 1
			f.instead()
			return
		}
	}
	f.blocks = append(f.blocks, codeBlock{loop: true, region: len(f.regions) - 1})
	f.flush()
	f.loopCheck()
}

// short looks ahead over a loop whose block type was read. It returns nil when the loop is not short, or is
// not valid.
func (f *function) short(at int) *turn {
	r := &reader{f.r.b, f.r.pos, f.r.end}
	t := &turn{typ: r.b[at+1 : r.pos], start: r.pos}
	for depth := uint32(0); r.pos-t.start <= shortLoop; {
		t.length++
		t.end = r.pos
		switch op := r.byte(); op {
		case opBlock, opIf:
			f.in.blockType(r)
			depth++
		case opEnd:
			if depth == 0 {
				return t
			}
			depth--
		case opBr, opBrIf:
			t.branch(r, depth)
		case opBrTable:
			for range r.count() + 1 {
				t.branch(r, depth)
			}
		case opLocalGet, opLocalSet, opLocalTee:
			if r.u32() >= f.locals {
				return nil
			}
		case opGlobalGet, opGlobalSet:
			if r.u32() >= f.in.globals {
				return nil
			}
		case opMisc:
			if r.u32() > 7 {
				return nil // an opcode after the conversions of numbers
			}
		case opLoop, opCall, opReturnCall, opCallIndirect, opReturnCallIndirect, opCallRef, opReturnCallRef,
			opTry, opCatch, opCatchAll, opDelegate, opTryTable, opThrow, opRethrow, opThrowRef,
			opRefFunc, opBrOnNull, opBrOnNonNull, opMemoryGrow:
			return nil
		default:
			r.instr(op)
		}
	}
	return nil
}

// branch reads the label of a branch. depth is how many blocks of the turn are around the branch.
func (t *turn) branch(r *reader, depth uint32) {
	start := r.pos
	if i := r.u32(); i > depth {
		t.outward = append(t.outward, label{start, r.pos, i})
	}
}

// unroll appends a short loop. Every turn except the last is in a block, so that a branch to the loop's
// header continues with the next turn. At the end of such a turn a branch leaves the loop.
func (f *function) unroll(t *turn) {
	f.out = append(append(f.out, opBlock), t.typ...)
	f.out = append(append(f.out, opLoop), t.typ...)
	f.shortCheck(t.length * turns)
	for range turns - 1 {
		f.out = append(f.out, opBlock, emptyBlock)
		f.turn(t, 2)
		f.out = append(f.out, opBr, 2, opEnd)
	}
	f.turn(t, 1)
	f.out = append(f.out, opEnd, opEnd)
}

// turn appends a turn. deeper is how many more blocks are around it than in the input.
func (f *function) turn(t *turn, deeper uint32) {
	at := t.start
	for _, l := range t.outward {
		f.out = appendU32(append(f.out, f.r.b[at:l.start]...), l.index+deeper)
		at = l.end
	}
	f.out = append(f.out, f.r.b[at:t.end]...)
}
