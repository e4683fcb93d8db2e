package wasm

import (
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// Metering is what Instrument adds to a module.
type Metering struct {
	// Module and Name are the import of the check function, [i32] -> [i32]. It
	// is called when the counter is used up, with the counter, and returns the
	// new one. The import is added as it stands, past the renaming of others.
	Module, Name string
	// Quantum is the counter's first value, more than a portion.
	Quantum int32
	// Counter is the name under which the counter is exported, made longer
	// where the module has such an export.
	Counter string
	// Start is the name under which the start function is exported, made longer in
	// the same way.
	Start string
	// TableElements bounds the maximum of each table the module defines.
	TableElements uint32
	// Grow and Grown are the names of imports from Module, [i32] -> [i32], which
	// modules get that have a table that can grow. Before a table grows, Grow is
	// called with the number of elements, and returns it, or -1 to refuse. After
	// that Grown is called with what table.grow gave, and returns it. "" adds none.
	Grow, Grown string
	// Load is the name of a second import from Module, [i32] -> [], which Split
	// makes use of. "" adds none.
	Load string
	// Off leaves the code as it is: the module is checked and written anew, and
	// nothing of metering is added.
	Off bool
	// Effort bounds what a function may cost to compile, in units of about a
	// nanosecond of time or a byte of memory. One that costs more is a
	// *ComplexityError. 0 is no bound.
	Effort uint64
	// Calls has safe points made of calls alone, whatever others would cost.
	Calls bool
	// Stop is asked before each function whether to end with an error. nil never
	// does.
	Stop func() error
}

// Instrument returns the module with safe points in its code: a counter in an
// added global goes down by about the number of instructions that are run, and
// when it is used up the check function is called. The counter goes down at the
// entry of every function that calls another or is long; at loop headers and
// before bulk operations, by their length, what a function has bought from it
// goes down. So no code runs for long without a check: no loop, no recursion, no
// tree of calls. Short loops are unrolled, and pay for several turns at once.
// Where that would make a module's compilation much longer, safe points are calls
// without a branch.
//
// The start section is left out: the host calls the start function once the module
// is instantiated, by the name that it is exported under, and as it calls any
// other. A module with element segments that may not fit their tables gets a start
// function that looks at that, and then calls its own.
//
// Import modules get the names of ImportName. Custom sections are left out but
// for the names of functions. Every count in the module is checked against its
// size: the core runtime allocates by them.
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

// ImportName is the name that imports from module name have after Instrument:
// the core runtime refuses to import from a module named "". A prefix keeps
// names apart that differed before.
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
	imported   uint32   // functions imported
	globals    uint32
	tables     []uint64          // how many elements each has at least; imports first
	unsure     []segment         // element segments that may not fit their table
	grows      bool              // a table can grow
	grow       uint32            // the function Grow; Grown is the next
	references map[uint32]uint32 // globals, by the function that they refer to
	added      map[byte][][]byte // by section
	shiftBy    uint32            // functions added to the imports
}

// sectionOrder is the order of sections in a module; custom ones go anywhere.
var sectionOrder = []byte{
	secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal,
	secExport, secStart, secElement, secCount, secCode, secData,
}

// scan finds the sections and what the rewriting has to know of them.
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
	var longest [len(names)]int // of the module's names that each could be
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
	// What is in these decides what others get.
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

// section writes a section, nothing when there is none.
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

// shift reads a function index and returns what it is with the added functions
// among the imports.
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

// custom keeps the names of functions, for stack traces, and nothing else.
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
