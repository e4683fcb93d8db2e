package wasm

// parsed is a module that was read far enough to be split. Its index spaces begin with the imports, as in the
// format.
type parsed struct {
	b       []byte
	secs    map[byte]section
	custom  []section
	types   []*FuncType
	funcs   []uint32 // type indices
	tables  []byte   // element types
	globals []ExternType
	memory  int
	// importedGlobals is how many of the globals are imported.
	importedGlobals int
	imports         int // of functions
	bodies          []body
	// needed are the functions that are named outside of code.
	needed map[uint32]bool
	names  map[string]bool // of exports
}

// body is the code of a function.
type body struct {
	start, end int // including declarations of locals
	refs       []funcRef
	bound      bool
	tables     bool
}

// parse reads a module that the core runtime accepts.
func parse(b []byte) *parsed {
	p := &parsed{b: b, secs: map[byte]section{}, needed: map[uint32]bool{}, names: map[string]bool{}}
	for _, sec := range sections(b) {
		if sec.id == secCustom {
			p.custom = append(p.custom, sec)
			continue
		}
		p.secs[sec.id] = sec
		p.section(&reader{b, sec.start, sec.end}, sec.id)
	}
	return p
}

func (p *parsed) section(r *reader, id byte) {
	switch id {
	case secType:
		for range r.count() {
			p.types = append(p.types, r.funcType())
		}
	case secImport:
		for range r.count() {
			r.name()
			r.name()
			p.importDesc(r)
		}
	case secFunction:
		for range r.count() {
			p.funcs = append(p.funcs, r.u32())
		}
	case secTable:
		for range r.count() {
			if r.pos < r.end && r.b[r.pos] == 0x40 {
				r.fail("a table with an initial element")
			}
			p.tables = append(p.tables, r.valType())
			r.limits()
		}
	case secMemory:
		p.memory += r.count()
	case secGlobal:
		for range r.count() {
			p.globals = append(p.globals, r.global())
			p.constExpr(r)
		}
	case secExport:
		for range r.count() {
			p.names[r.name()] = true
			kind, index := r.byte(), r.u32()
			if ExternKind(kind) == KindFunc {
				p.needed[index] = true
			}
		}
	case secElement:
		p.elements(r)
	case secCode:
		p.code(r)
	}
}

func (p *parsed) importDesc(r *reader) {
	switch kind := r.byte(); ExternKind(kind) {
	case KindFunc:
		p.funcs = append(p.funcs, r.u32())
		p.imports++
	case KindTable:
		p.tables = append(p.tables, r.valType())
		r.limits()
	case KindMemory:
		p.memory++
		r.limits()
	case KindGlobal:
		p.globals = append(p.globals, r.global())
		p.importedGlobals++
	default:
		r.pos--
		r.importDesc()
	}
}

func (p *parsed) constExpr(r *reader) {
	for {
		start := r.pos
		if op := r.byte(); op == opRefFunc {
			p.needed[r.u32()] = true
			continue
		}
		r.pos = start
		if !r.constInstr() {
			return
		}
	}
}

func (p *parsed) elements(r *reader) {
	for range r.count() {
		flags := r.u32()
		passive, explicit, exprs := flags&1 != 0, flags&2 != 0, flags&4 != 0
		if !passive {
			if explicit {
				r.leb()
			}
			p.constExpr(r)
		}
		if passive || explicit {
			r.byte()
		}
		for range r.count() {
			if exprs {
				p.constExpr(r)
			} else {
				p.needed[r.u32()] = true
			}
		}
	}
}

func (p *parsed) code(r *reader) {
	var refs []funcRef
	p.bodies = make([]body, r.count())
	for i := range p.bodies {
		size := r.u32()
		f := &p.bodies[i]
		f.start = r.pos
		r.skip(size)
		f.end = r.pos
		code := &reader{r.b, f.start, f.end}
		for range code.count() {
			code.leb()
			code.valType()
		}
		first := len(refs)
		refs, f.bound, f.tables = code.calls(refs)
		f.refs = refs[first:len(refs):len(refs)]
	}
	if len(p.bodies) != len(p.funcs)-p.imports {
		r.fail("function and code section have inconsistent lengths")
	}
}
