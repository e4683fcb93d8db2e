package wasm

// unlessPositive begins the code that runs when the top operand is <= 0. The code is in an else: the core
// runtime's compiler continues with the registers as the first of two branches leaves them, and a call keeps
// no registers.
var unlessPositive = []byte{opI32Const, 0, opI32GtS, opIf, emptyBlock, opElse}

// entryCheck appends: counter -= weight; if counter <= 0, counter = check(counter).
func (f *function) entryCheck(out []byte, weight int) []byte {
	if f.cheap {
		return f.spend(appendS32(append(out, opI32Const), int32(portion-weight)))
	}
	spare := f.locals + 1
	out = appendU32(append(out, opGlobalGet), f.in.globals)
	out = appendS32(append(out, opI32Const), int32(weight))
	out = appendU32(append(out, opI32Sub, opLocalTee), spare)
	return f.in.settle(out, spare)
}

// settle appends: counter = local; if local <= 0, counter = check(local). The local was just set.
func (in *instrumenter) settle(out []byte, local uint32) []byte {
	out = appendU32(append(out, opGlobalSet), in.globals)
	out = appendU32(append(out, opLocalGet), local)
	out = append(out, unlessPositive...)
	out = appendU32(append(out, opLocalGet), local)
	out = appendU32(append(out, opCall), in.imported)
	out = appendU32(append(out, opGlobalSet), in.globals)
	return append(out, opEnd)
}

// portion is how much a function's loops buy from the counter at a time. A loop does not pay from the
// counter, which is in memory and would slow down every turn of a short loop. It pays from a local that the
// function's loops share. The local buys a portion in advance.
const portion = 512

// loopCheck appends: local -= weight; if local <= 0, local = buy(local). The end of the loop fills in the
// weight.
func (f *function) loopCheck() {
	if f.cheap {
		f.out = append(f.out, opI32Const)
		f.regions = append(f.regions, region{patch: len(f.out), from: portion, way: way{open: true}})
		f.out = f.spend(append(f.out, 0x80, 0x80, 0x80, 0x80, 0x00))
		return
	}
	f.out = appendU32(append(f.out, opLocalGet), f.locals)
	f.out = append(f.out, opI32Const)
	f.regions = append(f.regions, region{patch: len(f.out), way: way{open: true}})
	f.out = append(f.out, 0x80, 0x80, 0x80, 0x80, 0x00)
	f.pay()
}

// shortCheck appends the same with a known weight.
func (f *function) shortCheck(weight int) {
	f.out = appendU32(append(f.out, opLocalGet), f.locals)
	f.out = appendS32(append(f.out, opI32Const), int32(weight))
	f.pay()
}

// bulkCheck appends the same with the shifted top operand as the weight.
func (f *function) bulkCheck(shift byte) {
	f.checks = true
	f.out = appendU32(append(f.out, opLocalTee), f.locals+1)
	if f.cheap {
		f.out = appendS32(append(f.out, opI32Const), portion)
		f.out = appendU32(append(f.out, opLocalGet), f.locals+1)
		f.out = f.spend(append(f.out, opI32Const, shift, opI32ShrU, opI32Sub))
		return
	}
	f.out = appendU32(append(f.out, opLocalGet), f.locals)
	f.out = appendU32(append(f.out, opLocalGet), f.locals+1)
	f.out = append(f.out, opI32Const, shift, opI32ShrU)
	f.pay()
}

func (f *function) pay() {
	f.checks = true
	f.out = appendU32(append(f.out, opI32Sub, opLocalTee), f.locals)
	f.out = append(f.out, unlessPositive...)
	f.out = appendU32(append(f.out, opLocalGet), f.locals)
	f.out = appendU32(append(f.out, opCall), f.in.buyer())
	f.out = appendU32(append(f.out, opLocalSet), f.locals)
	f.out = append(f.out, opEnd)
}

// spend appends code that lowers the counter by a weight, without a branch. A portion less the weight is on
// the stack, and the code buys a whole portion.
func (f *function) spend(out []byte) []byte {
	return append(appendU32(append(out, opCall), f.in.buyer()), 0x1a)
}

// buyer returns the index of the function that buys.
func (in *instrumenter) buyer() uint32 { return uint32(len(in.funcTypes)) + in.shiftBy }

// buy returns the code of the function [i32] -> [i32] that is added to the module. The function takes from
// the counter a portion, and the amount by which the local is below zero. It returns the local's new value.
func (in *instrumenter) buy() []byte {
	out := appendU32([]byte{opGlobalGet}, in.globals)
	out = append(out, opLocalGet, 0, opI32Add)
	out = appendS32(append(out, opI32Const), portion)
	out = in.settle(append(out, opI32Sub, opLocalTee, 0), 0)
	return append(appendS32(append(out, opI32Const), portion), opEnd)
}

// putWeight writes a signed LEB128 of five bytes.
func putWeight(b []byte, w int) {
	for i := range 4 {
		b[i] = byte(w>>(7*i))&0x7f | 0x80
	}
	b[4] = byte(w>>28) & 0x7f
}
