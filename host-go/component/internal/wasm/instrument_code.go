package wasm

import "slices"

// These are the weights of instructions that do not weigh 1, and the length from which a function without
// calls gets a check at its entry.
const (
	callWeight = 8
	longLeaf   = 64
	// A call sets locals to zero, and they take room in a frame of the interpreter.
	localsWeight = 4 // locals for one unit
	// A bulk operation weighs 1 for each 32 bytes or 4 elements.
	bytesShift    = 5
	elementsShift = 2
)

// A region is paid for at its beginning, by its longest way: in an interpreter's loop the longest case
// counts. Most turns take a shorter way, so the length counts in full only up to fullWeight, and less after
// that. It still counts: otherwise a guest could hide work in it, as a load may take as long as a hundred
// other instructions.
const (
	fullWeight = 128
	restWeight = 16 // instructions for one unit
)

// maxLength keeps the counter far from overflow. maxLocals is the core runtime's bound.
const (
	maxLength = 1 << 28
	maxLocals = 50_000
)

func (in *instrumenter) codeSection(r *reader, ok bool, added [][]byte) []byte {
	n := 0
	if ok {
		n = r.count()
	}
	if n != len(in.funcTypes)-int(in.imported) {
		r.fail("function and code section have inconsistent lengths")
	}
	out := make([]byte, 0, (r.end-r.pos)+(r.end-r.pos)/8)
	out = appendU32(out, uint32(n+len(added)))
	p := &pricing{in: in, f: &function{in: in}, effort: effort{in: in}}
	for i := range n {
		in.stop()
		size := r.u32()
		start := r.pos
		r.skip(size)
		body := p.function(i, &reader{in.b, start, r.pos})
		out = appendU32(out, uint32(len(body)))
		out = append(out, body...)
	}
	return append(out, slices.Concat(added...)...)
}

// function rewrites the body of one function.
type function struct {
	in     *instrumenter
	r      *reader
	out    []byte // the code, without locals and entry
	done   int    // out has the input up to here
	locals uint32
	calls  bool
	checks bool
	// cheap makes all safe points calls. added reports that there are safe points.
	cheap bool
	added bool
	// regions are the function and the loops around the current place. blocks are the blocks around it.
	regions []region
	blocks  []codeBlock
	body    []byte // of the last function
}

// region is a stretch of code that one check pays for.
type region struct {
	length int // as written
	way    way
	most   int // the longest way so far
	patch  int // where in out the weight goes; -1 for the function's entry
	from   int // the weight is subtracted from this; 0 for no subtraction
}

func (r *region) weight() int {
	if r.most <= fullWeight {
		return r.most
	}
	return fullWeight + (r.most-fullWeight)/restWeight
}

// add counts instructions of the region.
func (r *region) add(n int) {
	r.length += n
	r.way.length += n
	if r.way.open {
		r.most = max(r.most, r.way.length)
	}
}

// way is the longest way from the beginning of a region to a place in it. A way that is not open leads
// nowhere.
type way struct {
	length int
	open   bool
}

// longer returns the longer of two ways.
func (w way) longer(v way) way {
	if !w.open || v.open && v.length > w.length {
		return v
	}
	return w
}

// codeBlock is a block around the current place.
type codeBlock struct {
	loop   bool
	region int // the region around the block
	first  way // the way to an if, before its branch
	end    way // the way to the end of the block
}

func (f *function) reset(r *reader, t *FuncType, cheap bool) {
	f.r, f.out, f.locals = r, f.out[:0], uint32(len(t.Params))
	f.calls, f.checks, f.cheap = false, false, cheap
	f.regions = append(f.regions[:0], region{patch: -1, way: way{open: true}})
	f.blocks = append(f.blocks[:0], codeBlock{})
}

// rewrite returns the new body, which is valid until the next call.
func (f *function) rewrite() []byte {
	r := f.r
	groups := r.u32()
	start := r.pos
	var total uint64 = uint64(f.locals)
	for range groups {
		total += uint64(r.u32())
		if total > maxLocals {
			r.fail("too many locals")
		}
		r.valType()
	}
	f.locals = uint32(total)
	decls := r.b[start:r.pos]
	f.done = r.pos
	for len(f.blocks) > 0 {
		f.instr()
	}
	if r.pos != r.end {
		r.fail("function body has bytes after its end")
	}
	f.flush()

	entry := &f.regions[0]
	zeroed := int(f.locals) / localsWeight
	entryCheck := !f.in.Off && (f.calls || entry.length+zeroed > longLeaf)
	f.added = entryCheck || f.checks
	if f.added && (!f.cheap || f.checks) {
		f.body = appendU32(f.body[:0], groups+1)
		f.body = append(f.body, decls...)
		f.body = append(f.body, 2, I32)
	} else {
		f.body = append(appendU32(f.body[:0], groups), decls...)
	}
	if entryCheck {
		f.body = f.entryCheck(f.body, entry.weight()+zeroed)
	}
	return append(f.body, f.out...)
}

// flush copies the input that was read and not changed.
func (f *function) flush() {
	f.out = append(f.out, f.r.b[f.done:f.r.pos]...)
	f.done = f.r.pos
}

// instead drops the input that was read since the last flush.
func (f *function) instead() { f.done = f.r.pos }

func (f *function) instr() {
	r := f.r
	at := r.pos
	top := &f.regions[len(f.regions)-1]
	top.add(1)
	op := r.byte()
	r.supported(op)
	switch op {
	case opBlock, opIf:
		f.in.blockType(r)
		f.begin(op)
	case opElse:
		f.otherwise()
	case opBr, opBrIf, opBrTable:
		f.branch(op)
	case 0x00, 0x0f: // unreachable, return
		top.way.open = false
	case opLoop:
		f.loop(at)
	case opEnd:
		f.end()
	case opCall, opReturnCall:
		r.pos = at
		f.flush()
		r.byte()
		f.out = appendU32(append(f.out, op), f.in.shift(r))
		f.instead()
		f.call(op, top)
	case opCallIndirect, opReturnCallIndirect:
		f.in.typeIndex(r)
		r.leb()
		f.call(op, top)
	case opRefFunc:
		if f.in.Off {
			f.in.shift(r)
			break
		}
		f.refFunc(at)
	case opLocalGet, opLocalSet, opLocalTee:
		if i := r.u32(); i >= f.locals {
			r.fail("unknown local %d", i)
		}
	case opGlobalGet, opGlobalSet:
		f.in.global(r)
	case opMisc:
		f.misc(at)
	default:
		r.instr(op)
	}
	if top.length > maxLength {
		r.fail("function too long")
	}
}

func (f *function) call(op byte, top *region) {
	f.calls = true
	top.add(callWeight)
	if op == opReturnCall || op == opReturnCallIndirect {
		top.way.open = false
	}
}

// begin begins a block, or an if.
func (f *function) begin(op byte) {
	b := codeBlock{region: len(f.regions) - 1}
	if op == opIf {
		b.first = f.regions[b.region].way
	}
	f.blocks = append(f.blocks, b)
}

// otherwise begins the second half of an if.
func (f *function) otherwise() {
	b := &f.blocks[len(f.blocks)-1]
	way := &f.regions[len(f.regions)-1].way
	b.end = b.end.longer(*way)
	*way, b.first.open = b.first, false
}

// branch reads the labels of a branch.
func (f *function) branch(op byte) {
	n := 1
	if op == opBrTable {
		n = f.r.count() + 1
	}
	top := &f.regions[len(f.regions)-1]
	for range n {
		label := f.r.u32()
		if int64(label) >= int64(len(f.blocks)) {
			f.r.fail("unknown label %d", label)
		}
		// The loop's own way has paid for what follows a branch out of the loop.
		if b := &f.blocks[len(f.blocks)-1-int(label)]; !b.loop && top.way.open {
			b.end = b.end.longer(f.regions[b.region].way)
		}
	}
	if op != opBrIf {
		top.way.open = false
	}
}

// blockType reads a block type. It reports whether the block takes operands.
func (in *instrumenter) blockType(r *reader) (params bool) {
	start := r.pos
	if b := r.byte(); b == emptyBlock || b&0xc0 == 0x40 {
		return false // one byte, negative: a value type or none
	}
	r.pos = start
	return len(in.types[in.typeIndex(r)].Params) > 0
}

func (f *function) end() {
	last := len(f.blocks) - 1
	b := &f.blocks[last]
	if b.loop {
		loop := f.regions[len(f.regions)-1]
		f.regions = f.regions[:len(f.regions)-1]
		// When the end of the loop cannot be reached, the code after it cannot either.
		way := &f.regions[b.region].way
		way.open = way.open && loop.way.open
		weight := loop.weight()
		if loop.from > 0 {
			weight = loop.from - weight
		}
		putWeight(f.out[loop.patch:], weight)
	} else {
		way := &f.regions[b.region].way
		*way = way.longer(b.end).longer(b.first)
	}
	f.blocks = f.blocks[:last]
}

// misc rewrites an instruction of the 0xfc space. A bulk operation is paid for by its length, which is the
// top operand.
func (f *function) misc(at int) {
	r := f.r
	sub := r.u32()
	indices, shift := 0, byte(0)
	switch sub {
	case 0, 1, 2, 3, 4, 5, 6, 7:
	case 9, 13, 15, 16:
		indices = 1
	case 8, 10:
		indices, shift = 2, bytesShift
	case 11:
		indices, shift = 1, bytesShift
	case 12, 14:
		indices, shift = 2, elementsShift
	case 17:
		indices, shift = 1, elementsShift
	case 19, 20, 21, 22:
		r.unsupported(wideArithmetic)
	default:
		r.fail("unknown instruction 0xfc %d", sub)
	}
	if sub == 15 && f.in.grows && !f.in.Off {
		f.tableGrow(at)
		return
	}
	if shift != 0 && !f.in.Off {
		r.pos = at
		f.flush()
		f.bulkCheck(shift)
		r.byte()
		r.leb()
	}
	for range indices {
		r.leb()
	}
}
