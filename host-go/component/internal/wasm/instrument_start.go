package wasm

// scanStart reads the start section, which the core runtime does not see.
func (in *instrumenter) scanStart(r *reader) {
	i := r.u32()
	if uint64(i) >= uint64(len(in.funcTypes)) {
		r.fail("unknown function %d", i)
	}
	if t := in.types[in.funcTypes[i]]; len(t.Params)+len(t.Results) > 0 {
		r.fail("start function %d has parameters or results", i)
	}
	if r.pos != r.end {
		r.fail("section %d has bytes after its contents", secStart)
	}
}

// addStart exports the start function, if there is one: the module's own, or the check of the element
// segments.
func (in *instrumenter) addStart() {
	sec, ok := in.secs[secStart]
	var index uint32
	if ok {
		index = in.shift(&reader{in.b, sec.start, sec.end})
	}
	if len(in.unsure) > 0 {
		index = in.addCheck(index, ok)
	} else if !ok {
		return
	}
	in.names.Start = in.Start
	in.add(secExport, appendU32(append(appendName(nil, in.Start), byte(KindFunc)), index))
}

// addCheck adds a function that traps when an element segment does not fit its table, as the specification
// requires: the core runtime would leave out such a segment and those after it. The function then calls the
// module's own start function. It only reads the tables, so that an instance stays movable (see Parts.Still),
// and has one branch for all segments, which costs the compiler least.
func (in *instrumenter) addCheck(start uint32, starts bool) (index uint32) {
	typ := len(in.types) + len(in.added[secType])
	index = uint32(len(in.funcTypes)) + in.shiftBy + uint32(len(in.added[secFunction]))
	in.add(secType, appendFuncType(nil, &FuncType{}))
	in.add(secFunction, appendU32(nil, uint32(typ)))
	var code []byte
	for i, s := range in.unsure {
		code = appendBeyond(code, s)
		if i > 0 {
			code = append(code, opI32Or)
		}
	}
	// No table has an element of this index: the instruction traps, for the reason that the segment would have.
	code = appendS32(append(code, opIf, emptyBlock, opI32Const), -1)
	code = appendU32(append(code, opTableGet), in.unsure[0].table)
	code = append(code, opDrop, opEnd)
	if starts {
		code = appendU32(append(code, opCall), start)
	}
	code = append(code, opEnd)
	in.priceCheck(index, code)
	in.add(secCode, appendBody(nil, code))
	return index
}

// appendBeyond appends code that leaves 1 when a segment ends beyond its table, and 0 otherwise. It computes
// in 64 bits, since the end of a segment may not fit in 32.
func appendBeyond(code []byte, s segment) []byte {
	code = append(append(code, s.offset...), opI64ExtendI32U)
	code = append(appendS32(append(code, opI32Const), int32(s.length)), opI64ExtendI32U, opI64Add)
	code = append(appendU32(append(code, opMisc, miscTableSize), s.table), opI64ExtendI32U)
	return append(code, opI64GtU)
}

// priceCheck bounds the added function like the module's own functions: the module decides how many segments
// it checks and how long their offsets are.
func (in *instrumenter) priceCheck(index uint32, code []byte) {
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
