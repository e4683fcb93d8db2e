package wasm

// The core runtime's interpreter lowers code to operations of 56 bytes, and keeps all of them. They are on
// the Go heap, which rounds sizes up, and which the collector lets grow to twice what is in use.
const (
	loweredOperation = 2 * 64
	loweredTarget    = 2 * 18 // of br_table
	loweredFunction  = 2 * 256
)

// Lowered estimates what the interpreter holds for a module's code, in bytes of memory. It also counts code
// that cannot be reached. It counts the largest function twice, because all functions are lowered in one
// buffer, which grows to the size of that function. The module must come from Instrument. stop is called as
// Metering.Stop is.
func Lowered(b []byte, stop func() error) (total uint64, err error) {
	defer catch(&err)
	in := &instrumenter{Metering: Metering{Stop: stop}, b: b}
	var largest uint64
	for _, sec := range sections(b) {
		if sec.id != secCode {
			continue
		}
		r := &reader{b, sec.start, sec.end}
		for range r.count() {
			in.stop()
			size := r.u32()
			start := r.pos
			r.skip(size)
			n := loweredBody(&reader{b, start, r.pos})
			total, largest = total+n, max(largest, n)
		}
	}
	return total + largest, nil
}

func loweredBody(r *reader) uint64 {
	// Each function ends with a drop of what is left, and the return.
	operations, targets := uint64(2), uint64(0)
	for range r.u32() {
		operations += uint64(r.u32()) // Setting each local to zero is an operation.
		r.valType()
	}
	for r.pos < r.end {
		op := r.byte()
		operations += operationsOf(op)
		if op == opBrTable {
			n := r.count() + 1
			targets += uint64(n)
			for range n {
				r.leb()
			}
			continue
		}
		r.skipInstr(op)
	}
	return loweredFunction + operations*loweredOperation + targets*loweredTarget
}

// operationsOf returns how many operations an instruction becomes, at most. The end of a block is counted at
// its beginning.
func operationsOf(op byte) uint64 {
	switch op {
	case opEnd, 0x01: // nop
		return 0
	case opIf:
		return 7
	case opBlock, opLoop, opReturnCall:
		return 3
	case opBr, opBrIf, opLocalTee, 0x0f: // return
		return 2
	}
	return 1
}

// skipInstr skips the immediates of an instruction.
func (r *reader) skipInstr(op byte) {
	switch op {
	case opEnd:
	case opBlock, opLoop, opIf, opCall, opReturnCall, opLocalGet, opLocalSet, opLocalTee, opGlobalGet, opGlobalSet, opRefFunc:
		r.leb()
	case opCallIndirect, opReturnCallIndirect:
		r.leb()
		r.leb()
	case opMisc:
		r.miscImmediates()
	default:
		r.instr(op)
	}
}
