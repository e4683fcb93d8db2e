package abi

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// Signature says how the values of a function type pass (CanonicalABI.md, "Lifting and Lowering Values").
type Signature struct {
	Type   *types.Func
	Flat   int          // core values of the parameters
	Result *types.Value // nil for none
	// SpillResult reports that the result passes through memory.
	SpillResult bool
	// Borrows reports that a parameter contains a borrow.
	Borrows bool
	// Memory reports that a value may be in memory. Context reports that a value is not only its core values:
	// it is in memory, or it is a handle.
	Memory, Context bool
	// Dynamic passes WIT values: the parameters as a []any, and the result as an any.
	Dynamic Passing

	tuple       *recordCodec // of the parameters
	spillParams bool         // the parameters pass through memory
	result      codec        // nil for none
	// typed are the passings of Go types that were requested, by GoTypes.
	typed sync.Map
}

// Signature returns the signature of a function type.
func (cs *Codecs) Signature(f *types.Func) *Signature {
	s := cs.signatures[f]
	if s == nil {
		s = cs.newSignature(f)
		cs.signatures[f] = s
	}
	return s
}

func (cs *Codecs) newSignature(f *types.Func) *Signature {
	s := &Signature{Type: f, Borrows: f.HasBorrow(), tuple: cs.record(cs.u.ParamsTuple(f))}
	_, s.Flat = types.FlattenFields(f.Params)
	if s.Flat > types.MaxFlatParams {
		s.spillParams, s.Flat, s.Memory = true, 1, true
	}
	for _, p := range f.Params {
		s.Memory = s.Memory || p.Type.Pointers
		s.Context = s.Context || p.Type.HasResource()
	}
	s.Dynamic = Passing{Signature: s, params: argsCodec{s.tuple}}
	if f.Result != nil {
		s.result, s.Result = cs.get(f.Result), f.Result
		s.SpillResult = f.Result.FlatLen > types.MaxFlatResults
		s.Memory = s.Memory || s.SpillResult || f.Result.Pointers
		s.Context = s.Context || f.Result.HasResource()
		s.Dynamic.out = dynamicCodec[any]{s.result}
	}
	s.Context = s.Context || s.Memory
	return s
}

// Stack returns how many words a core call takes.
func (s *Signature) Stack() int { return s.Flat + 1 }

// GoTypes are the Go types of a function's values. Params is the type of the parameter when there is one.
// Otherwise it is a struct of the parameters by their names. With InOrder it is always a struct of the
// parameters in order. Result is struct{} for a function without result.
type GoTypes struct {
	Params, Result reflect.Type
	InOrder        bool
}

// Of returns the passing for Go types. It returns the same passing for the same types. The error says what
// does not fit. It is safe for concurrent use.
func (s *Signature) Of(g GoTypes) (*Passing, error) {
	if p, ok := s.typed.Load(g); ok {
		return p.(*Passing), nil
	}
	p := &Passing{Signature: s}
	var err error
	if p.params, err = s.typedParams(g.Params, g.InOrder); err != nil {
		return nil, err
	}
	switch {
	case s.result != nil:
		if p.out, err = typed(s.result, g.Result); err != nil {
			return nil, fmt.Errorf("result: %w", err)
		}
		p.Sure = s.Result.Kind <= types.F64 && g.Result.Kind() != reflect.Interface
	case g.Result != reflect.TypeFor[struct{}]():
		return nil, fmt.Errorf("result: %s in Go, none in WIT", GoName(g.Result))
	}
	s.typed.Store(g, p)
	return p, nil
}

func (s *Signature) typedParams(t reflect.Type, inOrder bool) (typedCodec, error) {
	names := make([]string, len(s.Type.Params))
	for i, p := range s.Type.Params {
		names[i] = p.Name
	}
	switch {
	case inOrder:
		names = nil
	case len(names) == 1:
		f := s.tuple.fields[0]
		c, err := typed(f.codec, t)
		if err != nil {
			err = fmt.Errorf("parameter %s: %w", names[0], err)
		}
		return c, err
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("parameters: %s in Go where a struct of %d fields is wanted", GoName(t), len(names))
	}
	c, err := typedStruct(s.tuple, names, t)
	if err != nil {
		err = fmt.Errorf("parameters: %w", err)
	}
	return c, err
}

// Passing moves the values of a call between a guest and Go variables. One variable holds all parameters, and
// one the result.
type Passing struct {
	*Signature
	params typedCodec
	out    typedCodec // nil for no result
	// Sure reports that every value of the result's Go type fits.
	Sure bool
}

// LowerParams lowers arguments into the guest's memory and the stack.
func (p *Passing) LowerParams(t *Transfer, stack []uint64, args pointer) {
	if !p.spillParams {
		p.params.lowerFrom(t, stack, args)
		return
	}
	ptr := t.Alloc(p.tuple.typ.Align, p.tuple.typ.Size)
	p.params.storeFrom(t, ptr, args)
	stack[0] = uint64(ptr)
}

// LiftParams lifts the arguments of a call out of the guest.
func (p *Passing) LiftParams(t *Transfer, stack []uint64, args pointer) {
	if !p.spillParams {
		p.params.liftTo(t, stack, args)
		return
	}
	ptr := uint32(stack[0])
	t.check(ptr, uint64(p.tuple.typ.Size), p.tuple.typ.Align)
	p.params.loadTo(t, ptr, args)
}

// LiftResult lifts the result of a call out of the guest.
func (p *Passing) LiftResult(t *Transfer, stack []uint64, result pointer) {
	if !p.SpillResult {
		p.out.liftTo(t, stack, result)
		return
	}
	ptr := uint32(stack[0])
	t.check(ptr, uint64(p.Result.Size), p.Result.Align)
	p.out.loadTo(t, ptr, result)
}

// LowerResult lowers a result into the guest: to ptr, the last parameter of a function whose result passes
// through memory, or otherwise to the stack.
func (p *Passing) LowerResult(t *Transfer, stack []uint64, ptr uint32, result pointer) {
	if !p.SpillResult {
		p.out.lowerFrom(t, stack, result)
		return
	}
	t.check(ptr, uint64(p.Result.Size), p.Result.Align)
	p.out.storeFrom(t, ptr, result)
}
