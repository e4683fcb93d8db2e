package wasm

import (
	"errors"
	"slices"
	"testing"
)

// repeat appends code n times.
func repeat(n int, code ...byte) []byte { return slices.Repeat(code, n) }

// moduleOf returns a module of functions without parameters and results. Each function has locals of type
// i32.
func moduleOf(locals int, bodies ...[]byte) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendSection(out, secType, []byte{1, 0x60, 0, 0})
	out = appendVecSection(out, secFunction, uint32(len(bodies)), make([]byte, len(bodies)))
	out = appendSection(out, secTable, []byte{1, FuncRef, 0, 1})
	out = appendSection(out, secMemory, []byte{1, 0, 1})
	out = appendSection(out, secGlobal, []byte{1, I32, 1, opI32Const, 0, opEnd})
	var code []byte
	for _, b := range bodies {
		f := append(appendU32([]byte{1}, uint32(locals)), I32)
		f = append(append(f, b...), opEnd)
		code = append(appendU32(code, uint32(len(f))), f...)
	}
	return appendVecSection(out, secCode, uint32(len(bodies)), code)
}

// shapes are functions whose compilation grows faster than their code. Each consists of n copies of a piece.
var shapes = map[string]func(n int) []byte{
	"loops": func(n int) []byte {
		return moduleOf(1, repeat(n, opLoop, emptyBlock, opLocalGet, 0, opBrIf, 0, opEnd))
	},
	"loops with loads": func(n int) []byte {
		return moduleOf(3, repeat(n, opLoop, emptyBlock, opLocalGet, 1, opI32Load, 2, 0, opLocalSet, 2, opLocalGet, 0, opBrIf, 0, opEnd))
	},
	"nested loops": func(n int) []byte {
		return moduleOf(1, slices.Concat(repeat(n, opLoop, emptyBlock), repeat(n, opLocalGet, 0, opBrIf, 0, opEnd)))
	},
	"blocks": func(n int) []byte {
		return moduleOf(1, repeat(n, opBlock, emptyBlock, opLocalGet, 0, opBrIf, 0, opEnd))
	},
	"nested blocks": func(n int) []byte {
		return moduleOf(1, slices.Concat(repeat(n, opBlock, emptyBlock), repeat(n, opLocalGet, 0, opBrIf, 0, opEnd)))
	},
	"nested ifs": func(n int) []byte {
		return moduleOf(1, slices.Concat(repeat(n, opLocalGet, 0, opIf, emptyBlock), repeat(n, opEnd)))
	},
	"branch tables": func(n int) []byte {
		code := repeat(30, opBlock, emptyBlock)
		for range n {
			code = append(code, opBlock, emptyBlock, opLocalGet, 0, opBrTable, 30)
			for i := range 31 {
				code = append(code, byte(i))
			}
			code = append(code, opEnd)
		}
		return moduleOf(1, append(code, repeat(30, opEnd)...))
	},
	"a wide branch table": func(n int) []byte {
		code := appendU32([]byte{opBlock, emptyBlock, opLocalGet, 0, opBrTable}, uint32(100*n))
		return moduleOf(1, append(append(code, make([]byte, 100*n+1)...), opEnd))
	},
	"locals across blocks": func(n int) []byte {
		locals := max(2, n/10)
		var code []byte
		for i := range n {
			code = append(code, opLocalGet, 0, opIf, emptyBlock, opI32Const, 5, opLocalSet)
			code = append(appendU32(code, uint32(i%locals)), opEnd)
		}
		for i := range locals {
			code = append(appendU32(append(code, opLocalGet), uint32(i)), opGlobalSet, 0)
		}
		return moduleOf(locals, code)
	},
	"values across blocks": func(n int) []byte {
		return moduleOf(1, slices.Concat(
			repeat(n, opI32Const, 0, opI32Load, 2, 0),
			repeat(n, opLocalGet, 0, opIf, emptyBlock, opEnd),
			repeat(n, opGlobalSet, 0)))
	},
}

// instrumented returns the effort of a module before and after safe points are added under a limit.
func instrumented(t *testing.T, module []byte, limit uint64) (before, after uint64, err error) {
	t.Helper()
	form := metering
	form.Effort = limit
	out, _, err := Instrument(module, form)
	if err != nil {
		return 0, 0, err
	}
	return moduleEffort(module), moduleEffort(out), nil
}

func moduleEffort(b []byte) (sum uint64) {
	in := &instrumenter{Metering: metering, b: b}
	in.scan()
	e := &effort{in: in}
	r := &reader{b, in.secs[secCode].start, in.secs[secCode].end}
	for i := range r.count() {
		size := r.u32()
		start := r.pos
		r.skip(size)
		sum += e.measure(&reader{b, start, r.pos}, in.types[in.funcTypes[int(in.imported)+i]], 0)
	}
	return sum
}

// Safe points add little to the effort of a function of these shapes, however large the function is, until
// the function is refused for its effort.
func TestEffort(t *testing.T) {
	const limit = 4_000_000_000
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			last := uint64(0)
			for n := 100; ; n *= 2 {
				if n > 1<<20 {
					t.Fatal("never refused")
				}
				before, after, err := instrumented(t, shape(n), limit)
				if complex := (*ComplexityError)(nil); errors.As(err, &complex) {
					if complex.Function != 0 || complex.Effort <= limit || complex.Limit != limit {
						t.Errorf("%+v", complex)
					}
					if n < 1000 {
						t.Errorf("%d are refused", n)
					}
					return
				} else if err != nil {
					t.Fatal(err)
				}
				if after > before+before*addedTenths/10+allowance {
					t.Errorf("%d cost %d, with safe points %d", n, before, after)
				}
				if before <= last {
					t.Errorf("%d cost %d, half as many %d", n, before, last)
				}
				last = before
			}
		})
	}
}

// Safe points do not add much to the effort of many small functions either.
func TestEffortOfManyFunctions(t *testing.T) {
	for name, body := range map[string][]byte{
		"a loop":         repeat(1, opLoop, emptyBlock, opLocalGet, 0, opBrIf, 0, opEnd),
		"fifty loops":    repeat(50, opLoop, emptyBlock, opLocalGet, 0, opBrIf, 0, opEnd),
		"a call":         {opCall, 0},
		"bulk operation": {opI32Const, 0, opI32Const, 0, opI32Const, 1, opMisc, 11, 0},
	} {
		t.Run(name, func(t *testing.T) {
			before, after, err := instrumented(t, moduleOf(1, slices.Repeat([][]byte{body}, 10_000)...), 0)
			if err != nil {
				t.Fatal(err)
			}
			if after > before+before/2+allowance {
				t.Errorf("they cost %d, with safe points %d", before, after)
			}
		})
	}
}

// The functions of programs keep safe points with branches, which run faster, and none is refused.
func TestEffortOfPrograms(t *testing.T) {
	for i, module := range coreModules(t) {
		in := &instrumenter{Metering: metering, b: module, shiftBy: 1, added: map[byte][][]byte{}, references: map[uint32]uint32{}}
		in.scan()
		in.Effort = 4_000_000_000
		p := &pricing{in: in, f: &function{in: in}, effort: effort{in: in}}
		sec, ok := in.secs[secCode]
		if !ok {
			continue
		}
		r := &reader{in.b, sec.start, sec.end}
		for k := range r.count() {
			size := r.u32()
			start := r.pos
			r.skip(size)
			if p.function(k, &reader{in.b, start, r.pos}); p.f.cheap {
				t.Errorf("module %d: function %d has safe points of calls", i, k)
			}
		}
	}
}

// The error has the function's name when the module has it.
func TestComplexityError(t *testing.T) {
	module := shapes["loops"](20_000)
	names := appendSection(appendName(nil, "name"), 1, appendName([]byte{1, 0}, "slow one"))
	module = appendSection(module, secCustom, names)
	_, _, err := instrumented(t, module, 1_000_000_000)
	if complex := (*ComplexityError)(nil); !errors.As(err, &complex) || complex.Name != "slow one" {
		t.Fatal(err)
	}
}

// An error of Stop ends the work between two functions.
func TestStop(t *testing.T) {
	enough := errors.New("enough")
	form := metering
	asked := 0
	form.Stop = func() error {
		if asked++; asked == 3 {
			return enough
		}
		return nil
	}
	_, _, err := Instrument(moduleOf(0, slices.Repeat([][]byte{{}}, 10)...), form)
	if !errors.Is(err, enough) || asked != 3 {
		t.Fatal(err, asked)
	}
}
