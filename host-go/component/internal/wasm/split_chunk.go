package wasm

import "slices"

// chunk returns the module of a chunk.
func (s *splitter) chunk(c *chunkRange) []byte {
	inside := s.cold[c.first:c.end]
	// The functions come in this order: those that the chunk imports, and then its own, by their index in the
	// whole module.
	var outside []uint32
	index := map[uint32]uint32{}
	for _, f := range inside {
		for _, ref := range s.bodies[int(f)-s.imports].refs {
			if slot, ok := s.slots[ref.index]; ok && slot >= c.first && slot < c.end {
				continue
			}
			if _, ok := index[ref.index]; !ok {
				index[ref.index] = 0
				outside = append(outside, ref.index)
			}
		}
	}
	slices.Sort(outside)
	for i, f := range slices.Concat(outside, inside) {
		index[f] = uint32(i)
	}

	n, imports := s.chunkImports(outside)
	types := &reader{s.b, s.secs[secType].start, s.secs[secType].end}
	var functions, code []byte
	for _, f := range inside {
		functions = appendU32(functions, s.funcs[f])
		body := s.renumbered(&s.bodies[int(f)-s.imports], index)
		code = append(appendU32(code, uint32(len(body))), body...)
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendSection(out, secType, s.b[types.pos:types.end])
	out = appendVecSection(out, secImport, n, imports)
	out = appendVecSection(out, secFunction, uint32(len(inside)), functions)
	out = appendVecSection(out, secElement, 1, s.chunkElements(c, len(outside)))
	return appendVecSection(out, secCode, uint32(len(inside)), code)
}

// chunkImports returns imports of these functions, and of all tables, memories and globals.
func (s *splitter) chunkImports(functions []uint32) (n uint32, out []byte) {
	add := func(kind ExternKind, index uint32, desc ...byte) {
		out = appendName(appendName(out, PrimaryModule), s.name(kind, index))
		out = append(append(out, byte(kind)), desc...)
		n++
	}
	for _, f := range functions {
		add(KindFunc, f, appendU32(nil, s.funcs[f])...)
	}
	for i, t := range s.tables {
		add(KindTable, uint32(i), t, 0, 0)
	}
	add(KindTable, uint32(len(s.tables)), FuncRef, 0, 0)
	for i := range s.memory {
		add(KindMemory, uint32(i), 0, 0)
	}
	for i, g := range s.globals {
		mutable := byte(0)
		if g.Mutable {
			mutable = 1
		}
		add(KindGlobal, uint32(i), g.Val, mutable)
	}
	return n, out
}

// chunkElements returns the segment that fills the chunk's slots.
func (s *splitter) chunkElements(c *chunkRange, first int) []byte {
	out := appendU32([]byte{2}, uint32(len(s.tables)))
	out = append(appendS32(append(out, opI32Const), int32(c.first)), opEnd)
	out = appendU32(append(out, 0), uint32(c.end-c.first))
	for i := range c.end - c.first {
		out = appendU32(out, uint32(first+i))
	}
	return out
}

// renumbered returns a copy of a body with other indices for the functions that it calls.
func (s *splitter) renumbered(f *body, index map[uint32]uint32) []byte {
	out := make([]byte, 0, f.end-f.start)
	at := f.start
	for _, ref := range f.refs {
		out = appendU32(append(out, s.b[at:ref.start]...), index[ref.index])
		at = ref.end
	}
	return append(out, s.b[at:f.end]...)
}
