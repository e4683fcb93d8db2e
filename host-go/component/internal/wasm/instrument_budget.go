package wasm

// A guest can have the core runtime allocate two things besides memory while it runs: tables that grow, and
// references to functions. This file bounds both.

// growing reports whether a table with these limits can grow.
func growing(l Limits) bool { return !l.HasMax || l.Max != l.Min }

// addGrow adds the imports that are called when a table grows.
func (in *instrumenter) addGrow() {
	in.grow = in.imported + uint32(len(in.added[secImport]))
	in.add(secImport, in.addedImport(in.Grow, 0))
	in.add(secImport, in.addedImport(in.Grown, 0))
}

// tableGrow appends table.grow between its calls. It calls Grow with the number of elements. A refusal turns
// that number into one by which no table can grow. It then calls Grown with the result.
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

// refFunc appends a reference to a function, which it takes from a global: the core runtime would make a new
// reference each time it runs the instruction, and keep it.
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
