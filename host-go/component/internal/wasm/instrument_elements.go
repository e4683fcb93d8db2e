package wasm

// segment is an active element segment.
type segment struct {
	table  uint32
	offset []byte // the expression, without its end
	length uint32
}

// fits says whether a segment is sure to fit its table.
func (in *instrumenter) fits(s segment) bool {
	if uint64(s.table) >= uint64(len(in.tables)) {
		return true // The core runtime says what is wrong with it.
	}
	r := &reader{s.offset, 0, len(s.offset)}
	if r.byte() != opI32Const {
		return false
	}
	at := uint64(r.s32())
	return r.pos == r.end && at+uint64(s.length) <= in.tables[s.table]
}

// addStart adds a start function that traps when an element segment does not fit
// its table, as the specification has it: the core runtime leaves such a segment
// out, and those after it. The module's own start function comes after that.
func (in *instrumenter) addStart() {
	typ, index := len(in.types)+len(in.added[secType]), len(in.funcTypes)+int(in.shiftBy)+len(in.added[secFunction])
	in.add(secType, appendFuncType(nil, &FuncType{}))
	in.add(secFunction, appendU32(nil, uint32(typ)))
	in.add(secStart, appendU32(nil, uint32(index)))
	var code []byte
	for _, s := range in.unsure {
		// A copy of the elements onto themselves looks at the bounds and changes
		// nothing.
		code = append(append(code, s.offset...), s.offset...)
		code = appendS32(append(code, opI32Const), int32(s.length))
		code = appendU32(append(code, opMisc, 14), s.table)
		code = appendU32(code, s.table)
	}
	if sec, ok := in.secs[secStart]; ok {
		code = appendU32(append(code, opCall), in.shift(&reader{in.b, sec.start, sec.end}))
	}
	code = append(code, opEnd)
	in.priceStart(uint32(index), code)
	in.add(secCode, appendBody(nil, code))
}

// priceStart bounds the added start function as one of the module's own: how many
// segments it looks at, and how long their offsets are, is the module's to say.
func (in *instrumenter) priceStart(index uint32, code []byte) {
	if in.Effort == 0 {
		return
	}
	e := &effort{in: in}
	body := append([]byte{0}, code...)
	n := e.measure(&reader{body, 0, len(body)}, &FuncType{}, in.shiftBy)
	if n = max(n, uint64(len(body))*(in.Effort/maxBody)); n > in.Effort {
		panic(&ComplexityError{Function: index, Name: "the check of the element segments", Effort: n, Limit: in.Effort})
	}
}

// startSection names the added function, or else the module's own.
func (in *instrumenter) startSection(r *reader, ok bool, added [][]byte) []byte {
	var out []byte
	if ok {
		out = appendU32(nil, in.shift(r))
	}
	if len(added) > 0 {
		return added[0]
	}
	return out
}
