package wasm

import "slices"

// add adds an element to a section.
func (in *instrumenter) add(id byte, element []byte) {
	in.added[id] = append(in.added[id], element)
}

// addMeter adds the definitions that metering needs.
func (in *instrumenter) addMeter() {
	in.add(secType, appendFuncType(nil, &FuncType{Params: []byte{I32}, Results: []byte{I32}}))
	in.add(secImport, in.addedImport(in.Name, 0))
	if in.grows = in.grows && in.Grow != ""; in.grows {
		in.addGrow()
	}
	if in.Load != "" {
		in.add(secType, appendFuncType(nil, &FuncType{Params: []byte{I32}}))
		in.add(secImport, in.addedImport(in.Load, 1))
	}
	in.add(secFunction, appendU32(nil, uint32(len(in.types))))
	in.add(secGlobal, append(appendS32([]byte{I32, 1, opI32Const}, in.Quantum), opEnd))
	in.names.Counter = in.Counter
	in.add(secExport, appendU32(append(appendName(nil, in.Counter), byte(KindGlobal)), in.globals))
	in.add(secCode, appendBody(nil, in.buy()))
}

// addedImport returns an imported function of the i-th added type.
func (in *instrumenter) addedImport(name string, i uint32) []byte {
	imp := appendName(appendName(nil, in.Module), name)
	return appendU32(append(imp, byte(KindFunc)), uint32(len(in.types))+i)
}

// contents writes the new contents of a section.
func (in *instrumenter) contents(r *reader, id byte, ok bool, added [][]byte) []byte {
	switch id {
	case secType:
		return in.extend(r, ok, added, in.typeSection)
	case secImport:
		return in.extend(r, ok, added, in.importSection)
	case secGlobal:
		return in.extend(r, ok, added, in.globalSection)
	case secExport:
		return in.extend(r, ok, added, in.exportSection)
	case secFunction:
		return in.extend(r, ok, added, in.functionSection)
	case secTable:
		return in.tableSection(r)
	case secMemory:
		return in.extend(r, ok, added, in.memorySection)
	case secTag:
		r.unsupported(exceptions)
	case secElement:
		return in.elementSection(r)
	case secCount:
		n := r.u32()
		if uint64(n) > uint64(len(in.b)) {
			r.fail("a data count of %d", n)
		}
		return appendU32(nil, n)
	case secCode:
		return in.codeSection(r, ok, added)
	}
	return in.extend(r, ok, added, in.dataSection)
}

// extend writes a vector section with the added elements, if there are any.
func (in *instrumenter) extend(r *reader, ok bool, added [][]byte, elem func(out []byte, r *reader) []byte) []byte {
	n := 0
	if ok {
		n = r.count()
	}
	out := appendU32(make([]byte, 0, r.end-r.pos+64), uint32(n+len(added)))
	for range n {
		out = elem(out, r)
	}
	return append(out, slices.Concat(added...)...)
}

// copied appends what r has read since start.
func (in *instrumenter) copied(out []byte, r *reader, start int) []byte {
	return append(out, in.b[start:r.pos]...)
}

func (in *instrumenter) typeSection(out []byte, r *reader) []byte {
	start := r.pos
	r.funcType()
	return in.copied(out, r, start)
}

func (in *instrumenter) functionSection(out []byte, r *reader) []byte {
	return appendU32(out, in.typeIndex(r))
}

func (in *instrumenter) memorySection(out []byte, r *reader) []byte {
	start := r.pos
	r.limits()
	return in.copied(out, r, start)
}

func (in *instrumenter) dataSection(out []byte, r *reader) []byte {
	flags := r.u32()
	if flags > 2 {
		r.fail("malformed data segment flags %d", flags)
	}
	out = appendU32(out, flags)
	if flags == 2 {
		out = appendU32(out, r.u32())
	}
	if flags != 1 {
		out = in.constExpr(out, r)
	}
	n := r.u32()
	start := r.pos
	r.skip(n)
	return in.copied(appendU32(out, n), r, start)
}

func (in *instrumenter) importSection(out []byte, r *reader) []byte {
	out = appendName(out, ImportName(r.name()))
	start := r.pos
	r.name()
	r.importDesc()
	return in.copied(out, r, start)
}

func (in *instrumenter) globalSection(out []byte, r *reader) []byte {
	start := r.pos
	r.global()
	return in.constExpr(in.copied(out, r, start), r)
}

func (in *instrumenter) exportSection(out []byte, r *reader) []byte {
	out = appendName(out, r.name())
	kind := r.byte()
	out = append(out, kind)
	if ExternKind(kind) == KindFunc {
		return appendU32(out, in.shift(r))
	}
	return appendU32(out, r.u32())
}

// tableSection bounds the maximum of each table.
func (in *instrumenter) tableSection(r *reader) []byte {
	n := r.count()
	out := appendU32(nil, uint32(n))
	for range n {
		init := r.pos < r.end && in.b[r.pos] == 0x40
		if init {
			r.skip(2)
			out = append(out, 0x40, 0)
		}
		out = append(out, r.valType())
		l := r.limits()
		in.tables = append(in.tables, l.Min)
		if l.Min > uint64(in.TableElements) {
			r.fail("table of %d elements is larger than the limit of %d", l.Min, in.TableElements)
		}
		if !l.HasMax || l.Max > uint64(in.TableElements) {
			l.HasMax, l.Max = true, uint64(in.TableElements)
		}
		out = append(out, 1)
		out = appendU64(appendU64(out, l.Min), l.Max)
		if init {
			out = in.constExpr(out, r)
		}
	}
	return out
}

// elementSection shifts the function indices in element segments.
func (in *instrumenter) elementSection(r *reader) []byte {
	n := r.count()
	out := appendU32(nil, uint32(n))
	for range n {
		flags := r.u32()
		if flags > 7 {
			r.fail("malformed element segment flags %d", flags)
		}
		out = appendU32(out, flags)
		passive, explicit, exprs := flags&1 != 0, flags&2 != 0, flags&4 != 0
		var s segment
		if !passive {
			if explicit {
				s.table = r.u32()
				out = appendU32(out, s.table)
			}
			start := len(out)
			out = in.constExpr(out, r)
			s.offset = out[start : len(out)-1 : len(out)-1]
		}
		if passive || explicit {
			out = append(out, r.byte())
		}
		k := r.count()
		if s.length = uint32(k); !passive && !in.fits(s) {
			in.unsure = append(in.unsure, s)
		}
		out = appendU32(out, uint32(k))
		for range k {
			if exprs {
				out = in.constExpr(out, r)
			} else {
				out = appendU32(out, in.shift(r))
			}
		}
	}
	return out
}

// constExpr copies a constant expression and shifts its function indices.
func (in *instrumenter) constExpr(out []byte, r *reader) []byte {
	for {
		start := r.pos
		switch op := r.byte(); op {
		case opRefFunc:
			out = appendU32(append(out, op), in.shift(r))
			continue
		case opGlobalGet:
			in.global(r)
		case opEnd:
			return append(out, op)
		default:
			r.pos = start
			r.constInstr()
		}
		out = append(out, in.b[start:r.pos]...)
	}
}

// global reads the index of a global. It fails when the index is not one of the module's own globals.
func (in *instrumenter) global(r *reader) {
	if i := r.u32(); i >= in.globals {
		r.fail("unknown global %d", i)
	}
}
