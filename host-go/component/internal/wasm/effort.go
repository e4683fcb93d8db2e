package wasm

// The efforts are what the core runtime's compiler spends on a piece of a function: nanoseconds of time or
// bytes of memory, whichever is more. They were measured on the shapes of TestEffort and rounded up.
const (
	functionEffort = 6_000
	instrEffort    = 500
	memoryEffort   = 5_000 // in addition to instrEffort: a check of bounds
	callEffort     = 2_000
	indirectEffort = 20_000
	localEffort    = 20
	valueEffort    = 500 // of a value passed to a block, a function or a caller
	blockEffort    = 5_000
	tableEffort    = 15_000 // of a target of br_table, in addition to its block
	// A block keeps the addresses that were checked before it, and each value that is alive in it.
	addressEffort = 150
	aliveEffort   = 500
	// For an edge into a block, the compiler visits all blocks that dominate the block. The blocks of
	// br_table are far from each other in memory.
	stepEffort      = 6
	tableStepEffort = 24
)

// effort estimates what a function costs to compile, only from its code. It follows the compiler's blocks as
// the code's blocks begin and end. It models the two things that make the cost grow faster than the code: how
// deep a block is in the tree of dominators, and what is alive across blocks.
type effort struct {
	in    *instrumenter
	r     *reader
	shift uint32 // functions added to the imports
	total uint64
	step  int // stepEffort, or that of a table

	blocks    int
	dead      bool // the code cannot be reached, and is not compiled
	place     place
	frames    []effortFrame
	locals    []lifetime
	looped    []uint32 // locals used in the outermost loop around the current place
	loops     int      // loops around the current place
	loopStart int      // the block in which the outermost loop begins
}

// place is a place in the code, with the quantities that grow on the way there.
type place struct {
	depth     int // in the tree of dominators
	addresses int // that were checked before
	height    int // of the stack
}

// effortFrame is a block, a loop, an if, or the function itself.
type effortFrame struct {
	op              byte
	start           place // for an if, the place before it; for a loop, its first block
	end             place // the least deep of the places that lead to its end
	ends            bool  // something leads to the end
	dead            bool  // the frame cannot be reached
	params, results int
}

// lifetime is the range of blocks in which a local has a value.
type lifetime struct {
	first, last int
	used, loop  bool
}

// measure estimates the effort of a function's body, its locals included. shift
// is how many functions were added to the imports of the module.
func (e *effort) measure(r *reader, t *FuncType, shift uint32) uint64 {
	e.r, e.shift, e.total, e.step = r, shift, 0, stepEffort
	e.blocks, e.dead, e.place, e.loops = 0, false, place{}, 0
	e.looped = e.looped[:0]
	e.frames = append(e.frames[:0], effortFrame{op: opBlock, results: len(t.Results)})
	e.locals = append(e.locals[:0], make([]lifetime, len(t.Params))...)
	for range r.u32() {
		n := r.u32()
		if uint64(n)+uint64(len(e.locals)) > maxLocals {
			r.fail("too many locals")
		}
		e.locals = append(e.locals, make([]lifetime, n)...)
		r.valType()
	}
	e.add(1, functionEffort)
	e.add(len(e.locals), localEffort)
	for len(e.frames) > 0 {
		e.instr()
	}
	for i := range e.locals {
		e.add(e.locals[i].last-e.locals[i].first, aliveEffort)
	}
	return e.total
}

func (e *effort) add(n, each int) { e.total += uint64(n) * uint64(each) }

// edge adds an edge from the place to a block that does not begin before it.
func (e *effort) edge() { e.add(e.place.depth+1, e.step) }

// enter begins a compiler's block at a place.
func (e *effort) enter(p place) {
	e.place = p
	e.place.depth++
	e.blocks++
	e.add(1, blockEffort)
	e.add(e.place.depth, stepEffort)
	e.add(p.addresses, addressEffort)
	e.add(p.height, aliveEffort)
}

func (e *effort) instr() {
	op := e.r.byte()
	if !e.dead {
		e.add(1, instrEffort)
	}
	switch op {
	case opBlock, opLoop, opIf, opTry, opTryTable:
		e.begin(op)
	case opElse:
		e.leave()
		f := &e.frames[len(e.frames)-1]
		if f.op = opElse; !f.dead {
			e.dead = false
			e.enter(f.start)
		}
	case opCatch, opCatchAll:
		if op == opCatch {
			e.r.leb()
		}
	case opEnd, opDelegate:
		if op == opDelegate {
			e.r.leb()
		}
		e.end()
	case opBr, opBrIf, opBrTable, opBrOnNull, opBrOnNonNull:
		e.branch(op)
	case 0x00, 0x0f, opThrow, opRethrow, opThrowRef:
		if op == opThrow || op == opRethrow {
			e.r.leb()
		}
		e.dead = true
	case opCall, opReturnCall, opCallIndirect, opReturnCallIndirect, opCallRef, opReturnCallRef:
		e.call(op)
	case opLocalGet, opLocalSet, opLocalTee:
		i := e.r.u32()
		if int64(i) >= int64(len(e.locals)) {
			e.r.fail("unknown local %d", i)
		}
		e.use(i, op)
	default:
		e.plain(op)
	}
}

// use counts an access to a local.
func (e *effort) use(i uint32, op byte) {
	switch op {
	case opLocalGet:
		e.pop(-1)
	case opLocalSet:
		e.pop(1)
	}
	if e.dead {
		return
	}
	l := &e.locals[i]
	if !l.used && op != opLocalGet {
		l.first = e.blocks
	}
	l.used, l.last = true, e.blocks
	if e.loops > 0 && !l.loop {
		l.loop = true
		e.looped = append(e.looped, i)
	}
}

// pop removes n values from the stack.
func (e *effort) pop(n int) { e.place.height = max(e.place.height-n, 0) }

func (e *effort) begin(op byte) {
	params, results := e.blockType()
	f := effortFrame{op: op, dead: e.dead, params: params, results: results}
	catches := 0
	if op == opTryTable {
		start := e.r.pos
		catches = e.r.count()
		e.r.pos = start
		e.r.catches()
	}
	if op == opIf {
		e.pop(1)
	}
	before := e.place
	switch {
	case e.dead:
	case op == opIf:
		e.edge()
		e.edge()
		e.enter(e.place)
	case op == opLoop || op == opTryTable:
		for range catches + 1 {
			e.edge()
		}
		e.add(catches, blockEffort)
		e.add(params, valueEffort)
		e.enter(e.place)
	}
	f.start = before
	if op == opLoop {
		f.start = e.place
	}
	if op == opLoop {
		if e.loops == 0 {
			e.loopStart = e.blocks
		}
		e.loops++
	}
	e.frames = append(e.frames, f)
}

func (e *effort) blockType() (params, results int) {
	start := e.r.pos
	if b := e.r.byte(); b == emptyBlock {
		return 0, 0
	} else if b&0xc0 == 0x40 {
		return 0, 1
	}
	e.r.pos = start
	t := e.in.types[e.in.typeIndex(e.r)]
	return len(t.Params), len(t.Results)
}

// leave ends a block, or the first half of an if.
func (e *effort) leave() {
	f := &e.frames[len(e.frames)-1]
	if !e.dead {
		e.to(f, f.results)
	}
}

// to adds an edge from the place to the end of a frame.
func (e *effort) to(f *effortFrame, values int) {
	e.edge()
	e.add(values, valueEffort)
	if !f.ends || e.place.depth < f.end.depth {
		f.end = e.place
	} else {
		// The compiler searches the dominators from both places, twice.
		e.add(2*(e.place.depth-f.end.depth), e.step)
	}
	f.ends = true
}

func (e *effort) end() {
	e.leave()
	f := e.frames[len(e.frames)-1]
	e.frames = e.frames[:len(e.frames)-1]
	if f.op == opIf && !f.dead && (!f.ends || f.start.depth < f.end.depth) {
		f.end, f.ends = f.start, true
	}
	if f.op == opLoop {
		if e.loops--; e.loops == 0 {
			e.endLoops()
		}
	}
	if e.dead = !f.ends; !e.dead && len(e.frames) > 0 {
		e.enter(f.end)
	}
	e.place.height = max(f.start.height-f.params, 0) + f.results
}

// endLoops ends the outermost loop. What was used in the loop is alive in all of it.
func (e *effort) endLoops() {
	for _, i := range e.looped {
		l := &e.locals[i]
		l.first, l.last, l.loop = min(l.first, e.loopStart), e.blocks, false
	}
	e.looped = e.looped[:0]
}

func (e *effort) branch(op byte) {
	n := 1
	if op == opBrTable {
		n, e.step = e.r.count()+1, tableStepEffort
		defer func() { e.step = stepEffort }()
	}
	if op != opBr {
		e.pop(1)
	}
	if op == opBrTable && !e.dead {
		e.add(n, tableEffort)
	}
	for range n {
		label := e.r.u32()
		if int64(label) >= int64(len(e.frames)) {
			e.r.fail("unknown label %d", label)
		}
		if e.dead {
			continue
		}
		f := &e.frames[len(e.frames)-1-int(label)]
		if op != opBr {
			// The edge gets a separate block: the compiler splits the edge.
			e.edge()
			e.add(1, blockEffort)
			e.add(e.place.height, aliveEffort)
		}
		if f.op == opLoop {
			e.add(f.params, valueEffort)
			e.add(max(e.place.depth-f.start.depth, 0), stepEffort)
		} else {
			e.to(f, f.results)
		}
	}
	switch {
	case op == opBr || op == opBrTable:
		e.dead = true
	case !e.dead:
		e.edge()
		e.enter(e.place)
	}
}

func (e *effort) call(op byte) {
	var t *FuncType
	indirect := true
	switch op {
	case opCall, opReturnCall:
		t, indirect = e.in.funcType(e.r.u32(), e.shift), false
	default:
		t = e.in.types[e.in.typeIndex(e.r)]
		if op == opCallIndirect || op == opReturnCallIndirect {
			e.r.leb()
		}
		e.pop(1)
	}
	if !e.dead {
		e.add(1, callEffort)
		if indirect {
			e.add(1, indirectEffort)
		}
		if t != nil {
			e.add(len(t.Params)+len(t.Results), valueEffort)
			e.pop(len(t.Params) - len(t.Results))
		}
	}
	if op == opReturnCall || op == opReturnCallIndirect || op == opReturnCallRef {
		e.dead = true
	}
}

// funcType returns the type of a function by its index in the new module. It returns nil for an added
// function, which takes and returns one value.
func (in *instrumenter) funcType(index, shift uint32) *FuncType {
	switch {
	case index < in.imported:
	case index < in.imported+shift:
		return nil
	default:
		index -= shift
	}
	if int64(index) >= int64(len(in.funcTypes)) {
		return nil
	}
	return in.types[in.funcTypes[index]]
}

// LargestEffort returns the effort of compiling the costliest function of a module, in the unit of
// Metering.Effort.
func LargestEffort(b []byte) (largest uint64, err error) {
	defer catch(&err)
	in := &instrumenter{b: b}
	in.scan()
	sec, ok := in.secs[secCode]
	if !ok {
		return 0, nil
	}
	e := &effort{in: in}
	r := &reader{b, sec.start, sec.end}
	n := r.count()
	if n != len(in.funcTypes)-int(in.imported) {
		r.fail("function and code section have inconsistent lengths")
	}
	for i := range n {
		size := r.u32()
		start := r.pos
		r.skip(size)
		largest = max(largest, e.measure(&reader{b, start, r.pos}, in.types[in.funcTypes[int(in.imported)+i]], 0))
	}
	return largest, nil
}
