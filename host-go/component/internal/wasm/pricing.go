package wasm

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// These bound what safe points may add to the effort of compiling a module: 3 tenths of the module's own
// effort (ordinary code needs 2), and the effort of a few hundred loops. The effort of one function may
// double, or grow by the same allowance.
const (
	addedTenths = 3
	allowance   = 40_000_000
)

// maxBody is how many bytes of code any function may have: the compiler uses up to a thousand bytes of memory
// for each. The largest function seen in a program has 304 KB.
const maxBody = 1 << 20

// maxAllLocals is how many locals all functions of a module may have together: nine bytes can declare a
// thousand locals. Large programs have a million.
const maxAllLocals = 10_000_000

// maxName is how many bytes of a function's name appear in errors and stack traces.
const maxName = 100

// ComplexityError is a function that would cost too much to compile.
type ComplexityError struct {
	Function uint32 // its index; imports come first
	Name     string // "" when the module does not name it
	Effort   uint64 // estimated, in the unit of Metering.Effort
	Limit    uint64
}

// Error names the function and says how far it is over the limit.
func (e *ComplexityError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" (%q)", e.Name)
	}
	return fmt.Sprintf("core module: function %d%s is too complex to be compiled: %.1f times the limit", e.Function, name, float64(e.Effort)/float64(e.Limit))
}

// stopped is thrown when Metering.Stop returns an error.
type stopped struct{ err error }

func (in *instrumenter) stop() {
	if in.Stop == nil {
		return
	}
	if err := in.Stop(); err != nil {
		panic(stopped{err})
	}
}

// pricing chooses the form of the safe points of each function by their compilation effort.
type pricing struct {
	in     *instrumenter
	f      *function
	effort effort
	// own is the effort of the functions so far without safe points. spent is their effort with safe points.
	own, spent uint64
	locals     int // of all functions so far
	// over says that safe points have added all that they may. From then on functions get the cheap ones.
	over bool
}

// function rewrites the i-th function with code. The result is valid until the next call.
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

// functionName finds the name of a function in the custom section for names. It returns "" when there is
// none.
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
