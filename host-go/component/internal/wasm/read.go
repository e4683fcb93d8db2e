package wasm

import (
	"iter"
	"slices"
)

// These are the ids of the sections of a core module.
const (
	secCustom   = 0
	secType     = 1
	secImport   = 2
	secFunction = 3
	secTable    = 4
	secMemory   = 5
	secGlobal   = 6
	secExport   = 7
	secStart    = 8
	secElement  = 9
	secCode     = 10
	secData     = 11
	secCount    = 12
	secTag      = 13
)

// section is one section of a module: its id and the place of its contents. header is where the section
// begins.
type section struct {
	id                 byte
	header, start, end int
}

func sections(b []byte) (secs []section) {
	r := &reader{b, 0, len(b)}
	if len(b) < 8 || string(b[:8]) != "\x00asm\x01\x00\x00\x00" {
		r.fail("not a core module of version 1")
	}
	r.pos = 8
	for r.pos < r.end {
		header := r.pos
		id := r.byte()
		n := r.u32()
		start := r.pos
		r.skip(n)
		secs = append(secs, section{id, header, start, r.pos})
	}
	return secs
}

// Read reads the types, imports and exports of a core module. It calls stop now and then, and ends with
// stop's error. stop may be nil. Any other error is an *Error.
func Read(b []byte, stop func() error) (m *Module, err error) {
	defer catch(&err)
	s := &scanner{stop: stop}
	last := -1
	for _, sec := range sections(b) {
		r := &reader{b, sec.start, sec.end}
		if sec.id != secCustom {
			at := slices.Index(sectionOrder, sec.id)
			if at <= last {
				r.fail("unknown section, or section out of order: %d", sec.id)
			}
			last = at
		} else {
			r.name()
		}
		s.section(r, sec.id)
		if sec.id != secCustom && sec.id != secCode && sec.id != secData && sec.id != secElement && r.pos != r.end && s.whole {
			r.fail("section %d has bytes after its contents", sec.id)
		}
	}
	if s.m.Memories = len(s.mems); s.m.Memories > 1 {
		r := &reader{b, len(b), len(b)}
		r.unsupported(manyMemories)
	}
	return &s.m, nil
}

// scanner collects the index spaces that exports refer to.
type scanner struct {
	m       Module
	types   []*FuncType
	funcs   []*FuncType
	tables  []ExternType
	mems    []ExternType
	globals []ExternType
	tags    []*FuncType
	whole   bool
	stop    func() error
	read    int // items
}

// askEvery is how many items are read between two calls of stop.
const askEvery = 1024

// items counts n items as they are read.
func (s *scanner) items(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if s.read++; s.read%askEvery == 0 && s.stop != nil {
				if err := s.stop(); err != nil {
					panic(stopped{err})
				}
			}
			if !yield(i) {
				return
			}
		}
	}
}

func (s *scanner) section(r *reader, id byte) {
	s.whole = true
	switch id {
	case secType:
		for range s.items(r.count()) {
			s.types = append(s.types, r.funcType())
		}
	case secImport:
		for range s.items(r.count()) {
			imp := Import{Module: r.name(), Name: r.name(), Type: s.externType(r)}
			s.add(imp.Type)
			s.m.Imports = append(s.m.Imports, imp)
		}
	case secFunction:
		for range s.items(r.count()) {
			s.funcs = append(s.funcs, s.typeAt(r))
			s.m.Functions++
		}
	case secTable:
		for range s.items(r.count()) {
			t := s.table(r)
			s.tables = append(s.tables, t)
			s.m.Tables = append(s.m.Tables, t.Limits)
		}
	case secMemory:
		for range s.items(r.count()) {
			s.mems = append(s.mems, ExternType{Kind: KindMemory, Limits: r.limits()})
		}
	case secTag:
		r.unsupported(exceptions)
	case secGlobal:
		for range s.items(r.count()) {
			g := r.global()
			r.constExpr()
			s.globals = append(s.globals, g)
			s.m.Globals++
		}
	case secExport:
		for range s.items(r.count()) {
			name := r.name()
			kind := r.byte()
			s.m.Exports = append(s.m.Exports, Export{name, s.at(r, kind, r.u32())})
		}
	case secElement:
		s.elements(r)
		s.whole = false
	case secData:
		s.m.Segments += r.count()
		s.whole = false
	default:
		s.whole = false
	}
}

// elements counts element segments and their items.
func (s *scanner) elements(r *reader) {
	n := r.count()
	s.m.Segments += n
	for range s.items(n) {
		flags := r.u32()
		if flags > 7 {
			r.fail("malformed element segment flags %d", flags)
		}
		passive, explicit, exprs := flags&1 != 0, flags&2 != 0, flags&4 != 0
		if !passive {
			if explicit {
				r.leb()
			}
			r.constExpr()
		}
		if passive || explicit {
			r.byte()
		}
		k := r.count()
		s.m.References += k
		for range s.items(k) {
			if exprs {
				r.constExpr()
			} else {
				r.leb()
			}
		}
	}
}

func (s *scanner) add(t ExternType) {
	switch t.Kind {
	case KindFunc:
		s.funcs = append(s.funcs, t.Func)
	case KindTable:
		s.tables = append(s.tables, t)
	case KindMemory:
		s.mems = append(s.mems, t)
	case KindGlobal:
		s.globals = append(s.globals, t)
	case KindTag:
		s.tags = append(s.tags, t.Func)
	}
}

func at[T any](r *reader, space []T, i uint32, what ExternKind) T {
	if uint64(i) >= uint64(len(space)) {
		r.fail("unknown %s %d", what, i)
	}
	return space[i]
}

func (s *scanner) at(r *reader, kind byte, i uint32) ExternType {
	switch k := ExternKind(kind); k {
	case KindFunc:
		return ExternType{Kind: k, Func: at(r, s.funcs, i, k)}
	case KindTable:
		return at(r, s.tables, i, k)
	case KindMemory:
		return at(r, s.mems, i, k)
	case KindGlobal:
		return at(r, s.globals, i, k)
	case KindTag:
		return ExternType{Kind: k, Func: at(r, s.tags, i, k)}
	}
	r.fail("malformed export kind %#x", kind)
	return ExternType{}
}

func (s *scanner) typeAt(r *reader) *FuncType {
	i := r.u32()
	if uint64(i) >= uint64(len(s.types)) {
		r.fail("unknown type %d", i)
	}
	return s.types[i]
}

func (s *scanner) externType(r *reader) ExternType {
	switch kind := r.byte(); ExternKind(kind) {
	case KindFunc:
		return ExternType{Kind: KindFunc, Func: s.typeAt(r)}
	case KindTable:
		return ExternType{Kind: KindTable, Val: r.valType(), Limits: r.limits()}
	case KindMemory:
		return ExternType{Kind: KindMemory, Limits: r.limits()}
	case KindGlobal:
		return r.global()
	case KindTag:
		r.unsupported(exceptions)
		return ExternType{}
	default:
		r.fail("malformed import kind %#x", kind)
		return ExternType{}
	}
}

func (s *scanner) table(r *reader) ExternType {
	if r.pos < r.end && r.b[r.pos] == 0x40 {
		// This is a table with an initial element: 0x40 0x00 type expression.
		r.skip(2)
		t := ExternType{Kind: KindTable, Val: r.valType(), Limits: r.limits()}
		r.constExpr()
		return t
	}
	return ExternType{Kind: KindTable, Val: r.valType(), Limits: r.limits()}
}
