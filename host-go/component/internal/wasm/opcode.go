package wasm

// These are the opcodes that rewriting must know, and the prefixes of long opcodes.
const (
	opUnreachable        = 0x00
	opBlock              = 0x02
	opLoop               = 0x03
	opIf                 = 0x04
	opElse               = 0x05
	opTry                = 0x06 // legacy exceptions
	opCatch              = 0x07
	opThrow              = 0x08
	opRethrow            = 0x09
	opThrowRef           = 0x0a
	opEnd                = 0x0b
	opBr                 = 0x0c
	opBrIf               = 0x0d
	opBrTable            = 0x0e
	opCall               = 0x10
	opCallIndirect       = 0x11
	opReturnCall         = 0x12
	opReturnCallIndirect = 0x13
	opCallRef            = 0x14
	opReturnCallRef      = 0x15
	opDelegate           = 0x18
	opCatchAll           = 0x19
	opDrop               = 0x1a
	opSelectTyped        = 0x1c
	opTryTable           = 0x1f
	opLocalGet           = 0x20
	opLocalSet           = 0x21
	opLocalTee           = 0x22
	opGlobalGet          = 0x23
	opGlobalSet          = 0x24
	opTableGet           = 0x25
	opTableSet           = 0x26
	opI32Load            = 0x28
	opI64Store32         = 0x3e
	opMemorySize         = 0x3f
	opMemoryGrow         = 0x40
	opI32Const           = 0x41
	opI64Const           = 0x42
	opF32Const           = 0x43
	opF64Const           = 0x44
	opI32GtS             = 0x4a
	opI64GtU             = 0x56
	opI32Add             = 0x6a
	opI32Sub             = 0x6b
	opI32Or              = 0x72
	opI32ShrU            = 0x76
	opI64Add             = 0x7c
	opI64ExtendI32U      = 0xad
	opI64Extend32S       = 0xc4
	opRefNull            = 0xd0
	opRefIsNull          = 0xd1
	opRefFunc            = 0xd2
	opRefAsNonNull       = 0xd4
	opBrOnNull           = 0xd5
	opBrOnNonNull        = 0xd6
	opMisc               = 0xfc
	opVec                = 0xfd
	opAtomic             = 0xfe
)

const emptyBlock = 0x40

// miscTableSize is table.size in the opMisc space.
const miscTableSize = 16

// instr skips the immediates of an instruction that needs no rewriting. The opcode was read. It fails on an
// unknown opcode, so that nothing is passed on unread.
func (r *reader) instr(op byte) {
	switch {
	case op >= opI32Load && op <= opI64Store32:
		r.memarg()
	case op >= 0x45 && op <= opI64Extend32S:
	default:
		r.rareInstr(op)
	}
}

func (r *reader) rareInstr(op byte) {
	switch op {
	case 0x00, 0x01, opElse, opThrowRef, 0x0f, opDrop, 0x1b, opCatchAll, opRefIsNull, opRefAsNonNull:
	case opCatch, opThrow, opRethrow, opBr, opBrIf, opDelegate, opTableGet, opTableSet, opMemorySize,
		opMemoryGrow, opI32Const, opI64Const, opRefNull, opBrOnNull, opBrOnNonNull:
		r.leb()
	case opBrTable:
		for range r.count() {
			r.leb()
		}
		r.leb()
	case opSelectTyped:
		for range r.count() {
			r.valType()
		}
	case opF32Const:
		r.skip(4)
	case opF64Const:
		r.skip(8)
	case opVec:
		r.vecInstr()
	case opAtomic:
		if r.u32() == 3 { // atomic.fence
			r.byte()
		} else {
			r.memarg()
		}
	default:
		r.fail("unknown opcode %#x", op)
	}
}

// memarg skips an alignment, which may announce a memory index, and an offset.
func (r *reader) memarg() {
	if r.u32() >= 1<<6 {
		r.leb()
	}
	r.leb()
}

func (r *reader) vecInstr() {
	switch sub := r.u32(); {
	case sub <= 11, sub == 92, sub == 93:
		r.memarg()
	case sub == 12, sub == 13: // v128.const, i8x16.shuffle
		r.skip(16)
	case sub >= 21 && sub <= 34: // lanes
		r.byte()
	case sub >= 84 && sub <= 91: // load and store of a lane
		r.memarg()
		r.byte()
	case sub <= 255:
	case sub <= 0x113:
		r.unsupported(relaxedSIMD)
	default:
		r.fail("unknown vector instruction %d", sub)
	}
}

// catches skips the catch clauses of a try_table.
func (r *reader) catches() {
	for range r.count() {
		switch kind := r.byte(); kind {
		case 0, 1:
			r.leb()
			r.leb()
		case 2, 3:
			r.leb()
		default:
			r.fail("malformed catch clause %d", kind)
		}
	}
}
