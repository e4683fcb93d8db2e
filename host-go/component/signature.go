package component

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// signature is how the values of a function type pass (CanonicalABI.md,
// "Lifting and Lowering Values").
type signature struct {
	typ         *types.Func
	tuple       *recordCodec // of the parameters
	flat        int          // core values of the parameters
	spillParams bool         // they pass through memory
	result      codec        // nil for none
	resultT     *types.Value
	spillResult bool

	// borrows says that a parameter contains a borrow.
	borrows bool
	// memory says that a value may be in memory, context that one is more than its
	// core values: it is in memory, or a handle.
	memory, context bool

	// dynamic passes WIT values: a []any, and an any.
	dynamic passing
	// typed are the passings of Go types that were asked for, by goTypes.
	typed sync.Map
}

func (cs *codecs) signature(f *types.Func) *signature {
	s := cs.signatures[f]
	if s == nil {
		s = cs.newSignature(f)
		cs.signatures[f] = s
	}
	return s
}

func (cs *codecs) newSignature(f *types.Func) *signature {
	s := &signature{typ: f, borrows: f.HasBorrow(), tuple: cs.record(cs.u.ParamsTuple(f))}
	_, s.flat = types.FlattenFields(f.Params)
	if s.flat > types.MaxFlatParams {
		s.spillParams, s.flat, s.memory = true, 1, true
	}
	for _, p := range f.Params {
		s.memory = s.memory || p.Type.Pointers
		s.context = s.context || p.Type.HasResource()
	}
	s.dynamic = passing{signature: s, params: argsCodec{s.tuple}}
	if f.Result != nil {
		s.result, s.resultT = cs.get(f.Result), f.Result
		s.spillResult = f.Result.FlatLen > types.MaxFlatResults
		s.memory = s.memory || s.spillResult || f.Result.Pointers
		s.context = s.context || f.Result.HasResource()
		s.dynamic.out = dynamicCodec[any]{s.result}
	}
	s.context = s.context || s.memory
	return s
}

// stack is how many words a core call takes.
func (s *signature) stack() int { return s.flat + 1 }

// goTypes are the Go types of a function's values. With one parameter its type
// is that of params, else params is a struct of them all, by their names; or
// always a struct of them in order. A function without result has struct{}.
type goTypes struct {
	params, result reflect.Type
	inOrder        bool
}

// of returns the passing for Go types, the same for the same types.
func (s *signature) of(g goTypes) (*passing, error) {
	if p, ok := s.typed.Load(g); ok {
		return p.(*passing), nil
	}
	p := &passing{signature: s}
	var err error
	if p.params, err = s.typedParams(g.params, g.inOrder); err != nil {
		return nil, err
	}
	switch {
	case s.result != nil:
		if p.out, err = typed(s.result, g.result); err != nil {
			return nil, fmt.Errorf("result: %w", err)
		}
		p.sure = s.resultT.Kind <= types.F64 && g.result.Kind() != reflect.Interface
	case g.result != reflect.TypeFor[struct{}]():
		return nil, fmt.Errorf("result: %v in Go, none in WIT", g.result)
	}
	s.typed.Store(g, p)
	return p, nil
}

func (s *signature) typedParams(t reflect.Type, inOrder bool) (typedCodec, error) {
	names := make([]string, len(s.typ.Params))
	for i, p := range s.typ.Params {
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
		return nil, fmt.Errorf("parameters: %v in Go where a struct of %d fields is wanted", t, len(names))
	}
	c, err := typedStruct(s.tuple, names, t)
	if err != nil {
		err = fmt.Errorf("parameters: %w", err)
	}
	return c, err
}

// passing moves the values of a call between a guest and Go variables: one for
// all parameters, one for the result.
type passing struct {
	*signature
	params typedCodec
	out    typedCodec // nil for no result
	sure   bool       // every value of the result's Go type fits
}

// lowerParams lowers arguments into the guest's memory and the stack.
func (p *passing) lowerParams(t *transfer, stack []uint64, args pointer) {
	if !p.spillParams {
		p.params.lowerFrom(t, stack, args)
		return
	}
	ptr := t.alloc(p.tuple.typ.Align, p.tuple.typ.Size)
	p.params.storeFrom(t, ptr, args)
	stack[0] = uint64(ptr)
}

// liftParams lifts the arguments of a call out of the guest.
func (p *passing) liftParams(t *transfer, stack []uint64, args pointer) {
	if !p.spillParams {
		p.params.liftTo(t, stack, args)
		return
	}
	ptr := uint32(stack[0])
	t.check(ptr, uint64(p.tuple.typ.Size), p.tuple.typ.Align)
	p.params.loadTo(t, ptr, args)
}

// liftResult lifts the result of a call out of the guest.
func (p *passing) liftResult(t *transfer, stack []uint64, result pointer) {
	if !p.spillResult {
		p.out.liftTo(t, stack, result)
		return
	}
	ptr := uint32(stack[0])
	t.check(ptr, uint64(p.resultT.Size), p.resultT.Align)
	p.out.loadTo(t, ptr, result)
}

// lowerResult lowers a result into the guest: to ptr, where its last parameter
// pointed, or to the stack.
func (p *passing) lowerResult(t *transfer, stack []uint64, ptr uint32, result pointer) {
	if !p.spillResult {
		p.out.lowerFrom(t, stack, result)
		return
	}
	t.check(ptr, uint64(p.resultT.Size), p.resultT.Align)
	p.out.storeFrom(t, ptr, result)
}
