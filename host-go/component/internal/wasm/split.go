package wasm

import (
	"slices"
	"strconv"
)

// Parts is a module in parts. The primary part stands for the module. A chunk is instantiated when one of its
// functions is first called.
type Parts struct {
	Primary []byte
	Chunks  []Chunk
	// Still says that an instance, once it is instantiated, changes only in its memory and in Globals: no
	// code changes a table or drops a segment, and instantiating writes no data.
	Still bool
	// Globals are the primary's exports of its own mutable globals.
	Globals []string
}

// Chunk is a module with some of the functions. It imports what it needs of the primary from PrimaryModule,
// and puts its functions into the primary's table of slots.
type Chunk struct {
	// First is the slot of its first function. The chunk has all slots up to those of the next chunk.
	First int
	Code  []byte
}

// PrimaryModule is the module from which chunks import.
const PrimaryModule = "primary"

// Split splits a module. Instrument must have added the function load, which loads a chunk. A function stays
// in the primary module when hot returns true for its index among the functions with code, or when its body
// has up to small bytes. Chunks get about size bytes of code each; a function that costs the compiler more than
// others of its length counts as longer, so that nobody waits for it who calls another. A module that cannot be
// split becomes the primary unchanged.
//
// The primary module has a thunk for each type of function in chunks. A call of such a function goes through
// the thunk of its type. The thunk looks into the slot, and has the host load the chunk when the slot is
// empty. The names of the primary's exports for chunks begin with a prefix that no other export has.
func Split(b []byte, load string, hot func(i int) bool, small, size int) (parts *Parts, err error) {
	defer catch(&err)
	s := &splitter{parsed: parse(b)}
	if _, ok := s.secs[secCode]; !ok {
		return &Parts{Primary: b, Still: s.still() && !slices.ContainsFunc(s.globals, func(g ExternType) bool { return g.Mutable })}, nil
	}
	if !s.findLoader(load) {
		return &Parts{Primary: b}, nil
	}
	s.choose(hot, small, size)
	s.prefix = "$"
	for s.taken() {
		s.prefix += "$"
	}
	s.collect()
	parts = &Parts{Primary: s.primary(), Still: s.still()}
	for i, g := range s.globals {
		if i >= s.importedGlobals && g.Mutable {
			parts.Globals = append(parts.Globals, s.name(KindGlobal, uint32(i)))
		}
	}
	for k := range s.chunks {
		parts.Chunks = append(parts.Chunks, Chunk{s.chunks[k].first, s.chunk(&s.chunks[k])})
	}
	return parts, nil
}

// still computes Parts.Still.
func (s *splitter) still() bool {
	if _, data := s.secs[secData]; data {
		return false
	}
	for i := range s.bodies {
		if s.bodies[i].bound || s.bodies[i].tables {
			return false
		}
	}
	for _, g := range s.globals {
		if g.Mutable && g.Val != I32 && g.Val != I64 && g.Val != F32 && g.Val != F64 {
			return false
		}
	}
	return true
}

type splitter struct {
	*parsed
	loader uint32
	prefix string
	// cold are the functions in chunks, by slot. slots are the slots, by function.
	cold   []uint32
	slots  map[uint32]int
	chunks []chunkRange
	// shared are the functions that chunks import. stubs are the functions in chunks that are called from
	// elsewhere. thunks are the types of those.
	shared map[uint32]bool
	stubs  map[uint32]bool
	thunks []uint32
}

type chunkRange struct{ first, end int } // slots

// findLoader finds the import that loads chunks.
func (s *splitter) findLoader(name string) bool {
	r := &reader{s.b, s.secs[secImport].start, s.secs[secImport].end}
	if r.pos == r.end {
		return false
	}
	var index uint32
	for range r.count() {
		r.name()
		field := r.name()
		if ExternKind(r.b[min(r.pos, r.end-1)]) == KindFunc {
			s.loader = index
			index++
			if field == name && index == uint32(s.imports) {
				return true // The loader is the last import, so an import of the guest cannot be confused with it.
			}
		}
		r.importDesc()
	}
	return false
}

// effortOfByte is more than the effort of a byte of ordinary code: about 1,750 for CPython.
const effortOfByte = 2_000

func (s *splitter) choose(hot func(i int) bool, small, size int) {
	s.slots = map[uint32]int{}
	in := &instrumenter{b: s.b}
	in.scan()
	cost := &effort{in: in}
	var bytes int
	for i, f := range s.bodies {
		n := f.end - f.start
		if f.bound || n <= small || hot(i) {
			continue
		}
		t := s.types[s.funcs[s.imports+i]]
		n = max(n, int(cost.measure(&reader{s.b, f.start, f.end}, t, 0)/effortOfByte))
		if len(s.chunks) == 0 || bytes+n > size {
			s.chunks = append(s.chunks, chunkRange{first: len(s.cold)})
			bytes = 0
		}
		bytes += n
		index := uint32(s.imports + i)
		s.slots[index] = len(s.cold)
		s.cold = append(s.cold, index)
		s.chunks[len(s.chunks)-1].end = len(s.cold)
	}
}

// taken reports whether an export of the module begins with the prefix.
func (s *splitter) taken() bool {
	for name := range s.names {
		if len(name) >= len(s.prefix) && name[:len(s.prefix)] == s.prefix {
			return true
		}
	}
	return false
}

// collect finds which functions are called from where.
func (s *splitter) collect() {
	s.shared, s.stubs = map[uint32]bool{}, map[uint32]bool{}
	for f := range s.needed {
		if _, ok := s.slots[f]; ok {
			s.stubs[f] = true
		}
	}
	for i, f := range s.bodies {
		from, inChunk := s.slots[uint32(s.imports+i)]
		for _, ref := range f.refs {
			to, cold := s.slots[ref.index]
			if cold && !(inChunk && s.chunkOf(from) == s.chunkOf(to)) {
				s.stubs[ref.index] = true
			}
			if inChunk && !(cold && s.chunkOf(from) == s.chunkOf(to)) {
				s.shared[ref.index] = true
			}
		}
	}
	for f := range s.stubs {
		if t := s.funcs[f]; !slices.Contains(s.thunks, t) {
			s.thunks = append(s.thunks, t)
		}
	}
	slices.Sort(s.thunks)
}

func (s *splitter) chunkOf(slot int) int {
	k, ok := slices.BinarySearchFunc(s.chunks, slot, func(c chunkRange, slot int) int { return c.first - slot })
	if !ok {
		k--
	}
	return k
}

// name returns the name under which the primary exports a definition.
func (s *splitter) name(kind ExternKind, index uint32) string {
	return s.prefix + kind.String() + strconv.Itoa(int(index))
}

// primary returns the primary module.
func (s *splitter) primary() []byte {
	out := append(make([]byte, 0, len(s.b)/2), s.b[:8]...)
	for _, id := range sectionOrder {
		sec, ok := s.secs[id]
		r := &reader{s.b, sec.start, sec.end}
		n := 0
		if ok && id != secCount {
			n = r.count()
		}
		contents := s.b[r.pos:r.end]
		more, added := s.added(id)
		switch {
		case !ok && more == 0:
			continue
		case id == secCount:
			out = appendSection(out, id, contents)
			continue
		case id == secCode:
			contents = s.primaryCode()
		}
		out = appendVecSection(out, id, uint32(n+more), slices.Concat(contents, added))
	}
	for _, sec := range s.custom {
		out = append(out, s.b[sec.header:sec.end]...)
	}
	return out
}

// added returns the elements that the primary adds to a section.
func (s *splitter) added(id byte) (n int, out []byte) {
	switch id {
	case secType:
		for _, t := range s.thunks {
			params := append(slices.Clone(s.types[t].Params), I32)
			out = appendFuncType(out, &FuncType{Params: params, Results: s.types[t].Results})
		}
		return len(s.thunks), out
	case secFunction:
		for i := range s.thunks {
			out = appendU32(out, uint32(len(s.types)+i))
		}
		return len(s.thunks), out
	case secTable:
		if len(s.cold) == 0 {
			return 0, nil
		}
		out = append(out, FuncRef, 1)
		out = appendU32(appendU32(out, uint32(len(s.cold))), uint32(len(s.cold)))
		return 1, out
	case secCode:
		for _, t := range s.thunks {
			out = appendBody(out, s.thunk(t))
		}
		return len(s.thunks), out
	case secExport:
		return s.exports()
	}
	return 0, nil
}

// exports returns the exports that chunks import, and every global, through which the state of an instance
// can be read.
func (s *splitter) exports() (n int, out []byte) {
	add := func(kind ExternKind, index int) {
		out = appendName(out, s.name(kind, uint32(index)))
		out = appendU32(append(out, byte(kind)), uint32(index))
		n++
	}
	for f := range s.funcs {
		if s.shared[uint32(f)] {
			add(KindFunc, f)
		}
	}
	for i := range s.tables {
		add(KindTable, i)
	}
	if len(s.cold) > 0 {
		add(KindTable, len(s.tables))
	}
	for i := range s.memory {
		add(KindMemory, i)
	}
	for i := range s.globals {
		add(KindGlobal, i)
	}
	return n, out
}

// appendBody appends code without locals, after its size.
func appendBody(out, code []byte) []byte {
	out = appendU32(out, uint32(len(code)+1))
	return append(append(out, 0), code...)
}

func (s *splitter) primaryCode() []byte {
	out := make([]byte, 0, s.secs[secCode].end-s.secs[secCode].start)
	for i := range s.bodies {
		index := uint32(s.imports + i)
		slot, cold := s.slots[index]
		switch {
		case !cold:
			f := s.b[s.bodies[i].start:s.bodies[i].end]
			out = append(appendU32(out, uint32(len(f))), f...)
		case s.stubs[index]:
			out = appendBody(out, s.stub(index, slot))
		default:
			out = appendBody(out, []byte{0x00, opEnd}) // unreachable
		}
	}
	return out
}

// stub returns a function that calls the function in a slot through the thunk of its type.
func (s *splitter) stub(index uint32, slot int) []byte {
	t := s.funcs[index]
	k, _ := slices.BinarySearch(s.thunks, t)
	out := appendGets(nil, len(s.types[t].Params))
	out = appendS32(append(out, opI32Const), int32(slot))
	out = appendU32(append(out, opCall), uint32(len(s.funcs)+k))
	return append(out, opEnd)
}

// thunk returns a function that calls the function in the slot that the last parameter names. When the slot
// is empty, the thunk first loads the chunk.
func (s *splitter) thunk(t uint32) []byte {
	n := uint32(len(s.types[t].Params))
	slots := uint32(len(s.tables))
	out := appendU32([]byte{opLocalGet}, n)
	out = appendU32(append(out, opTableGet), slots)
	out = appendU32(append(out, opRefIsNull, opIf, emptyBlock, opLocalGet), n)
	out = appendU32(append(out, opCall), s.loader)
	out = append(out, opEnd)
	out = appendGets(out, int(n)+1)
	out = appendU32(append(out, opCallIndirect), t)
	return append(appendU32(out, slots), opEnd)
}

func appendGets(out []byte, n int) []byte {
	for i := range n {
		out = appendU32(append(out, opLocalGet), uint32(i))
	}
	return out
}
