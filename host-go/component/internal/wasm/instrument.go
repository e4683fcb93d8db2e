package wasm

import (
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// Metering says what Instrument adds to a module.
type Metering struct {
	// Module and Name are the import of the check function, [i32] -> [i32]. Code calls it with the counter
	// when the counter is used up, and it returns the new counter. The import is added with these names,
	// which are not changed by ImportName.
	Module, Name string
	// Quantum is the counter's first value. It is more than a portion.
	Quantum int32
	// Counter is the name of the export of the counter. It gets longer when the module has an export of that
	// name.
	Counter string
	// Start is the name of the export of the start function. It gets longer in the same way.
	Start string
	// TableElements bounds the maximum of each table that the module defines.
	TableElements uint32
	// Grow and Grown are the names of two imports from Module, [i32] -> [i32]. A module gets them when it has
	// a table that can grow. Code calls Grow with the number of elements before a table grows. Grow returns
	// that number, or -1 to refuse. Then code calls Grown with the result of table.grow, and Grown returns
	// the result. "" adds neither.
	Grow, Grown string
	// Load is the name of another import from Module, [i32] -> [], which Split uses. "" adds none.
	Load string
	// Off adds nothing of metering: the module is checked and written anew with its code as it is.
	Off bool
	// Effort bounds what a function may cost to compile, in units of about a nanosecond of time or a byte of
	// memory. A function that costs more is a *ComplexityError. 0 is no bound.
	Effort uint64
	// Calls makes all safe points calls without a branch, whatever the effort of others would be.
	Calls bool
	// Stop is called before each function. Its error ends the work. Stop may be nil.
	Stop func() error
}

// Instrument returns the module with safe points in its code. An added global is a counter, which goes down
// by about the number of instructions that run. When it is used up, code calls the check function. The
// counter goes down at the entry of every function that calls another or is long. At loop headers and before
// bulk operations, a balance that the function has bought from the counter goes down, for a bulk operation by
// its length. So no code runs for long without a check: no loop, no recursion, no tree of calls. Short loops
// are unrolled and pay for several turns at once. When safe points would make the compilation of a module
// much longer, they are calls without a branch.
//
// The start section is left out, and the start function is exported instead. The host calls it after it has
// instantiated the module, like any other function. A module with element segments that may not fit their
// tables gets an added start function, which checks the segments and then calls the module's own.
//
// The names of import modules change to those of ImportName. Custom sections are left out, except the names
// of functions. Every count in the module is checked against the module's size, because the core runtime
// allocates by the counts.
func Instrument(b []byte, m Metering) (out []byte, names Names, err error) {
	defer catch(&err)
	in := &instrumenter{Metering: m, b: b}
	in.scan()
	if _, ok := in.secs[secCode]; !ok {
		in.Off = true
	}
	in.added, in.references = map[byte][][]byte{}, map[uint32]uint32{}
	if !in.Off {
		in.addMeter()
	}
	in.shiftBy = uint32(len(in.added[secImport]))
	out = in.write()
	return out, in.names, nil
}

// Names are the names of the exports that Instrument adds.
type Names struct {
	Counter string // "" for a module without code, or with Metering.Off
	Start   string // "" for a module without a start function
}

// ImportName returns the name that the import module name has after Instrument. The prefix is needed because
// the core runtime refuses to import from a module named "". Different names stay different.
func ImportName(name string) string { return "$" + name }

// instrumenter rewrites one module.
type instrumenter struct {
	Metering
	b       []byte
	names   Names
	secs    map[byte]section
	customs []section

	types      []*FuncType
	funcTypes  []uint32 // type indices, imports first
	imported   uint32   // number of imported functions
	globals    uint32
	tables     []uint64          // how many elements each has at least; imports first
	unsure     []segment         // active element segments that may not fit their tables
	grows      bool              // a table can grow
	grow       uint32            // the function Grow; Grown is the next
	references map[uint32]uint32 // globals, by the function that they refer to
	added      map[byte][][]byte // by section
	shiftBy    uint32            // functions added to the imports
}

// sectionOrder is the order of the sections in a module. Custom sections may be anywhere.
var sectionOrder = []byte{
	secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal,
	secExport, secStart, secElement, secCount, secCode, secData,
}

// scan finds the sections, and what rewriting must know of them.
func (in *instrumenter) scan() {
	in.secs = map[byte]section{}
	last := -1
	for _, sec := range sections(in.b) {
		if sec.id == secCustom {
			in.customs = append(in.customs, sec)
			continue
		}
		r := &reader{in.b, sec.start, sec.end}
		at := slices.Index(sectionOrder, sec.id)
		if at <= last {
			r.fail("unknown section, or out of order: %d", sec.id)
		}
		last = at
		in.secs[sec.id] = sec
		in.scanSection(r, sec.id)
	}
}

func (in *instrumenter) scanSection(r *reader, id byte) {
	switch id {
	case secType:
		for range r.count() {
			in.types = append(in.types, r.funcType())
		}
	case secImport:
		for range r.count() {
			r.name()
			r.name()
			switch ExternKind(r.b[min(r.pos, r.end-1)]) {
			case KindFunc:
				in.imported++
				r.byte()
				in.funcTypes = append(in.funcTypes, in.typeIndex(r))
				continue
			case KindGlobal:
				in.globals++
			case KindTable:
				r.byte()
				r.valType()
				limits := r.limits()
				in.tables = append(in.tables, limits.Min)
				in.grows = in.grows || growing(limits)
				continue
			}
			r.importDesc()
		}
	case secFunction:
		for range r.count() {
			in.funcTypes = append(in.funcTypes, in.typeIndex(r))
		}
	case secTable:
		for range r.count() {
			in.grows = in.grows || growing((&scanner{}).table(r).Limits)
		}
	case secGlobal:
		in.globals += uint32(r.count())
	case secExport:
		in.freeNames(r)
	case secStart:
		in.scanStart(r)
	}
}

// freeNames makes the names of the added exports differ from the module's own.
func (in *instrumenter) freeNames(r *reader) {
	names := [...]*string{&in.Counter, &in.Start}
	var longest [len(names)]int // the longest of the module's names that could be equal to each
	for range r.count() {
		name := r.name()
		for i, own := range names {
			if rest, ok := strings.CutPrefix(name, *own); ok && strings.Trim(rest, "'") == "" {
				longest[i] = max(longest[i], len(name))
			}
		}
		r.byte()
		r.leb()
	}
	for i, own := range names {
		if longest[i] > 0 {
			*own += strings.Repeat("'", longest[i]-len(*own)+1)
		}
	}
}

func (in *instrumenter) typeIndex(r *reader) uint32 {
	i := r.u32()
	if uint64(i) >= uint64(len(in.types)) {
		r.fail("unknown type %d", i)
	}
	return i
}

// write puts the module together again.
func (in *instrumenter) write() []byte {
	out := make([]byte, 0, len(in.b)+len(in.b)/8)
	out = append(out, in.b[:8]...)
	// These sections decide what the other sections get.
	tables, elements := in.section(secTable), in.section(secElement)
	in.addStart()
	code := in.section(secCode)
	for _, id := range sectionOrder {
		switch id {
		case secTable:
			out = append(out, tables...)
		case secElement:
			out = append(out, elements...)
		case secCode:
			out = append(out, code...)
		case secStart:
		default:
			out = append(out, in.section(id)...)
		}
	}
	for _, sec := range in.customs {
		out = in.custom(out, sec)
	}
	return out
}

// section writes a section. It writes nothing when there is none.
func (in *instrumenter) section(id byte) []byte {
	sec, ok := in.secs[id]
	r := &reader{in.b, sec.start, sec.end}
	added := in.added[id]
	if !ok && len(added) == 0 {
		return nil
	}
	out := appendSection(nil, id, in.contents(r, id, ok, added))
	if r.pos != r.end {
		r.fail("section %d has bytes after its contents", id)
	}
	return out
}

// shift reads a function index and returns the index after the added imports.
func (in *instrumenter) shift(r *reader) uint32 {
	i := r.u32()
	if uint64(i) >= uint64(len(in.funcTypes)) {
		r.fail("unknown function %d", i)
	}
	if i >= in.imported {
		i += in.shiftBy
	}
	return i
}

// custom keeps only the names of functions, for stack traces.
func (in *instrumenter) custom(out []byte, sec section) []byte {
	if named, err := in.nameSection(sec); err == nil && named != nil {
		return appendSection(out, secCustom, named)
	}
	return out
}

func (in *instrumenter) nameSection(sec section) (out []byte, err error) {
	defer catch(&err)
	r := &reader{in.b, sec.start, sec.end}
	if r.name() != "name" {
		return nil, nil
	}
	out = appendName(nil, "name")
	for r.pos < r.end {
		id := r.byte()
		n := r.u32()
		start := r.pos
		r.skip(n)
		switch id {
		case 0:
			sub := &reader{in.b, start, r.pos}
			out = appendSection(out, id, appendName(nil, text.First(sub.name(), maxName)))
		case 1:
			sub := &reader{in.b, start, r.pos}
			k := sub.count()
			body := appendU32(nil, uint32(k))
			for range k {
				body = appendU32(body, in.shift(sub))
				body = appendName(body, text.First(sub.name(), maxName))
			}
			out = appendSection(out, id, body)
		}
	}
	return out, nil
}
