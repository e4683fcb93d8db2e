package wasm

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// What safe points may add to the effort of a module's compilation: 3 parts of 10
// of the module's own (ordinary code needs 2), and as much as a few hundred loops
// cost. A function at most doubles, or gets as much.
const (
	addedTenths = 3
	allowance   = 40_000_000
)

// maxBody is how many bytes of code a function may have in any case: the compiler
// uses up to a thousand bytes of memory for each. The largest that was seen in a
// program has 304 KB.
const maxBody = 1 << 20

// maxAllLocals is how many locals a module's functions may have in all: a
// thousand of them are declared in nine bytes. Large programs have a million.
const maxAllLocals = 10_000_000

// maxName is how many bytes of a function's name errors and stack traces have.
const maxName = 100

// ComplexityError is a function that would cost too much to compile.
type ComplexityError struct {
	Function uint32 // its index, imports first
	Name     string // "" where the module does not tell
	Effort   uint64 // estimated, in the unit of Metering.Effort
	Limit    uint64
}

// Error tells the function and by how much it is over the limit.
func (e *ComplexityError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" (%q)", e.Name)
	}
	return fmt.Sprintf("core module: function %d%s is too complex to be compiled: %.1f times the limit", e.Function, name, float64(e.Effort)/float64(e.Limit))
}

// stopped is thrown when Metering.Stop says so.
type stopped struct{ err error }

func (in *instrumenter) stop() {
	if in.Stop == nil {
		return
	}
	if err := in.Stop(); err != nil {
		panic(stopped{err})
	}
}

// pricing chooses the form of the safe points of each function by what it costs
// to compile.
type pricing struct {
	in     *instrumenter
	f      *function
	effort effort
	// own is the effort of the module's functions as they were so far, spent as
	// they are with safe points.
	own, spent uint64
	locals     int // in all
	// over says that the module has used up what safe points may add: from there on
	// it gets the cheap ones.
	over bool
}

// function rewrites the i-th function with code. What it returns is good until
// the next one.
func (p *pricing) function(i int, r *reader) []byte {
	index := p.in.imported + uint32(i)
	t := p.in.types[p.in.funcTypes[index]]
	at := *r
	cheap := p.in.Calls || p.over
	p.f.reset(r, t, cheap)
	body := p.f.rewrite()
	before := at
	own := p.effort.measure(&before, t, 0)
	effort := own
	p.own += own
	if p.locals += len(p.effort.locals); p.locals > maxAllLocals {
		r.fail("too many locals in all functions")
	}
	if p.f.added {
		effort = p.measureNew(body, t)
		costly := effort > 2*own+allowance
		p.over = p.over || !costly && p.spent+effort > p.own+p.own*addedTenths/10+allowance
		if !cheap && (costly || p.over) {
			p.f.reset(&at, t, true)
			body = p.f.rewrite()
			effort = p.measureNew(body, t)
		}
	}
	p.spent += effort
	limit := p.in.Effort
	effort = max(effort, uint64(len(body))*(limit/maxBody))
	if limit > 0 && effort > limit {
		panic(&ComplexityError{Function: index, Name: p.in.functionName(index), Effort: effort, Limit: limit})
	}
	return body
}

func (p *pricing) measureNew(body []byte, t *FuncType) uint64 {
	return p.effort.measure(&reader{body, 0, len(body)}, t, p.in.shiftBy)
}

// functionName finds the name of a function in the custom section for it, "" when
// there is none.
func (in *instrumenter) functionName(index uint32) (name string) {
	var err error
	defer catch(&err)
	for _, sec := range in.customs {
		r := &reader{in.b, sec.start, sec.end}
		if r.name() != "name" {
			continue
		}
		for r.pos < r.end {
			id := r.byte()
			n := r.u32()
			if id != 1 {
				r.skip(n)
				continue
			}
			for range r.count() {
				i, called := r.u32(), r.name()
				if i == index {
					return text.First(called, maxName)
				}
			}
			return ""
		}
	}
	return ""
}
