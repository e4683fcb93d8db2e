package wasm

// What a guest can have the core runtime allocate while it runs, beside memory:
// tables that grow, and references to functions.

// growing says whether a table of these limits can grow.
func growing(l Limits) bool { return !l.HasMax || l.Max != l.Min }

// addGrow adds what asks before a table grows.
func (in *instrumenter) addGrow() {
	in.grow = in.imported + uint32(len(in.added[secImport]))
	in.add(secImport, in.addedImport(in.Grow, 0))
	in.add(secImport, in.addedImport(in.Grown, 0))
}

// tableGrow appends: asks with the number of elements, which becomes one that
// no table can grow by where it is refused, and tells the result.
func (f *function) tableGrow(at int) {
	r := f.r
	r.pos = at
	f.flush()
	f.out = appendU32(append(f.out, opCall), f.in.grow)
	r.byte()
	r.leb()
	r.leb()
	f.flush()
	f.out = appendU32(append(f.out, opCall), f.in.grow+1)
}

// refFunc appends a reference to a function, out of a global: the core runtime
// makes a new one each time it runs the instruction, and keeps it.
func (f *function) refFunc(at int) {
	r := f.r
	r.pos = at
	f.flush()
	r.byte()
	i := f.in.shift(r)
	f.instead()
	f.out = appendU32(append(f.out, opGlobalGet), f.in.reference(i))
}

// reference returns the global that has a reference to function i.
func (in *instrumenter) reference(i uint32) uint32 {
	g, ok := in.references[i]
	if !ok {
		g = in.globals + uint32(len(in.added[secGlobal]))
		in.references[i] = g
		in.add(secGlobal, append(appendU32([]byte{FuncRef, 0, opRefFunc}, i), opEnd))
	}
	return g
}
