package wasm

// A feature that the core runtime does not support, or does not run safely, is refused by name: a module that
// uses it may be valid.

const (
	gcTypes         = "garbage-collected and typed references are not supported"
	exceptions      = "exception handling is not supported"
	threads         = "threads are not supported"
	stackSwitching  = "stack switching is not supported"
	manyMemories    = "more than one memory in a module is not supported"
	memory64        = "64-bit memories and tables are not supported"
	relaxedSIMD     = "relaxed SIMD is not supported"
	customPageSizes = "custom page sizes are not supported"
	wideArithmetic  = "wide arithmetic is not supported"
)

func (r *reader) unsupported(what string) { panic(&Error{r.pos, what, true}) }

// UnsupportedType names the feature that a type beginning with b needs. It returns "" for an unknown type.
func UnsupportedType(b byte) string {
	switch b {
	case ExnRef, 0x74:
		return exceptions
	case 0x5d, 0x68, 0x75:
		return stackSwitching
	case 0x00, 0x4e, 0x4f, 0x50, 0x5e, 0x5f, 0x63, 0x64, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73, 0x77, 0x78:
		return gcTypes
	}
	return ""
}

// supported fails on an opcode of an unsupported feature. Exceptions are unsupported: the core runtime keeps
// references to them where the garbage collector does not see them, and a copy of the stack for each block
// that catches.
func (r *reader) supported(op byte) {
	switch {
	case op < 0x06 || op > 0x1f && op < opRefNull:
	case op <= opThrowRef || op == opDelegate || op == opCatchAll || op == opTryTable:
		r.unsupported(exceptions)
	case op == opCallRef, op == opReturnCallRef, op >= 0xd3 && op <= opBrOnNonNull, op == 0xfb:
		r.unsupported(gcTypes)
	case op >= 0xe0 && op <= 0xe6:
		r.unsupported(stackSwitching)
	case op == opAtomic:
		r.unsupported(threads)
	}
}
