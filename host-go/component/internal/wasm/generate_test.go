package wasm

// A generator writes a module from bytes: a function of two parameters and a result, with loops, blocks and
// branches to every depth. For any bytes the module is valid and ends: every turn of a loop counts down the
// global 0, and traps at 0.
//
// Function 0 is the one to call. It calls function 1.
type generator struct {
	in     []byte
	out    []byte
	labels []bool // of the blocks around the current place, outermost first: whether a branch there takes an i32
	leaf   bool
	size   int
}

const (
	generatedTurns  = 3000
	generatedLocals = 5
)

// generate returns a module that exports "f", "memory", and the globals "turns" and "state".
func generate(in []byte) []byte {
	g := &generator{in: in}
	out := []byte("\x00asm\x01\x00\x00\x00")
	// (type (func (param i32 i32) (result i32)))
	out = appendSection(out, secType, []byte{1, 0x60, 2, I32, I32, 1, I32})
	out = appendSection(out, secFunction, []byte{2, 0, 0})
	out = appendSection(out, secMemory, []byte{1, 1, 1, 1})
	globals := append(appendS32([]byte{2, I32, 1, opI32Const}, generatedTurns), opEnd)
	out = appendSection(out, secGlobal, append(globals, I32, 1, opI32Const, 7, opEnd))
	exports := []byte{4, 1, 'f', 0, 0, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0}
	exports = append(exports, 5, 't', 'u', 'r', 'n', 's', 3, 0, 5, 's', 't', 'a', 't', 'e', 3, 1)
	out = appendSection(out, secExport, exports)
	code := []byte{2}
	for _, leaf := range []bool{false, true} {
		g.leaf, g.size = leaf, 0
		body := g.function()
		code = append(appendU32(code, uint32(len(body))), body...)
	}
	return appendSection(out, secCode, code)
}

func (g *generator) function() []byte {
	g.out = []byte{1, generatedLocals - 2, I32}
	g.labels = append(g.labels[:0], true)
	g.statements()
	g.expression(0)
	return append(g.out, opEnd)
}

// next returns a number below n from the next byte, or 0 when there are no more bytes.
func (g *generator) next(n int) int {
	if len(g.in) == 0 {
		return 0
	}
	b := g.in[0]
	g.in = g.in[1:]
	return int(b) % n
}

func (g *generator) op(b ...byte) { g.out = append(g.out, b...) }

// statements appends some statements that do not change the stack.
func (g *generator) statements() {
	for range g.next(4) {
		if g.size++; g.size > 200 || len(g.labels) > 12 {
			return
		}
		g.statement()
	}
}

func (g *generator) statement() {
	switch g.next(14) {
	case 0, 1:
		g.expression(0)
		g.op(opLocalSet, byte(g.next(generatedLocals)))
	case 2, 3, 4:
		g.loop(false)
	case 5:
		g.loop(true)
		g.op(opLocalSet, byte(g.next(generatedLocals)))
	case 6:
		g.block(opBlock, g.next(2) == 1)
	case 7:
		g.expression(0)
		g.op(opIf, emptyBlock)
		g.inside(false, g.statements)
		if g.next(2) == 1 {
			g.op(opElse)
			g.inside(false, g.statements)
		}
		g.op(opEnd)
	case 8:
		g.branch(opBr)
	case 9, 10:
		g.branch(opBrIf)
	case 11:
		g.table()
	case 12:
		g.effect()
	case 13:
		g.expression(0)
		g.op(0x0f)
	}
}

func (g *generator) inside(typed bool, f func()) {
	g.labels = append(g.labels, typed)
	f()
	g.labels = g.labels[:len(g.labels)-1]
}

func (g *generator) block(op byte, typed bool) {
	if !typed {
		g.op(op, emptyBlock)
		g.inside(false, g.statements)
		g.op(opEnd)
		return
	}
	g.op(op, I32)
	g.inside(true, func() {
		g.statements()
		g.expression(0)
	})
	g.op(opEnd, opLocalSet, byte(g.next(generatedLocals)))
}

// loop appends a loop that ends by falling through, with or without a result.
func (g *generator) loop(typed bool) {
	g.op(opLoop, emptyBlock)
	if typed {
		g.out[len(g.out)-1] = I32
	}
	g.op(opGlobalGet, 0, 0x45, opIf, emptyBlock, 0x00, opEnd) // i32.eqz: unreachable
	g.op(opGlobalGet, 0, opI32Const, 1, opI32Sub, opGlobalSet, 0)
	g.inside(false, func() {
		g.statements()
		if g.next(2) == 1 {
			g.expression(0)
			g.op(opBrIf, 0)
		}
		if typed {
			g.expression(0)
		}
	})
	g.op(opEnd)
}

func (g *generator) label() (depth int, typed bool) {
	depth = g.next(len(g.labels))
	return depth, g.labels[len(g.labels)-1-depth]
}

func (g *generator) branch(op byte) {
	depth, typed := g.label()
	if typed {
		g.expression(0)
	}
	if op == opBrIf {
		g.expression(0)
	}
	g.op(op, byte(depth))
	if typed && op == opBrIf {
		g.op(0x1a) // drop
	}
}

// table appends a branch by a table of labels that take the same values.
func (g *generator) table() {
	depth, typed := g.label()
	labels := []byte{byte(depth)}
	for range g.next(5) {
		if depth, same := g.label(); same == typed {
			labels = append(labels, byte(depth))
		}
	}
	if typed {
		g.expression(0)
	}
	g.expression(0)
	g.op(opBrTable)
	g.out = append(appendU32(g.out, uint32(len(labels)-1)), labels...)
}

// effect appends an effect that is visible outside of the function.
func (g *generator) effect() {
	switch n := g.next(4); {
	case n == 0:
		g.address()
		g.expression(0)
		g.op(0x36, 2, 0) // i32.store
	case n == 1:
		g.expression(0)
		g.op(opGlobalSet, 1)
	case n == 2 && !g.leaf:
		g.expression(0)
		g.expression(0)
		g.op(opCall, 1, opGlobalSet, 1)
	default:
		g.address()
		g.expression(0)
		g.address()
		g.op(opMisc, 11, 0) // memory.fill
	}
}

// address appends an address. It is below 4096, or it may be any address.
func (g *generator) address() {
	g.expression(1)
	if g.next(20) > 0 {
		g.op(opI32Const)
		g.out = appendS32(g.out, 0xffc)
		g.op(0x71) // i32.and
	}
}

func (g *generator) expression(depth int) {
	n := g.next(8)
	if depth > 2 {
		n %= 4
	}
	switch n {
	case 0, 1:
		g.op(opLocalGet, byte(g.next(generatedLocals)))
	case 2:
		g.op(opI32Const)
		g.out = appendS32(g.out, int32(g.next(9)-1))
	case 3:
		g.op(opGlobalGet, byte(g.next(2)))
	case 4:
		g.expression(depth + 1)
		g.op(opLocalTee, byte(g.next(generatedLocals)))
	case 5:
		g.address()
		g.op(opI32Load, 2, 0)
	default:
		g.expression(depth + 1)
		g.expression(depth + 1)
		// add, sub, xor, eq, lt_u, div_u
		g.op([]byte{opI32Add, opI32Sub, 0x73, 0x46, 0x49, 0x6e}[g.next(6)])
	}
}
