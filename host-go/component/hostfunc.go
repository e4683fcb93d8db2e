package component

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
)

// HostFunc is a host function that uses WIT values (see the table in the package documentation). It takes any
// arguments and returns one result or none. It may keep its arguments, except borrowed resources.
type HostFunc func(ctx context.Context, args []any) ([]any, error)

// TypedFunc is a host function with Go types, made by Typed.
type TypedFunc struct {
	typ  reflect.Type
	bind func(s *abi.Signature) (*callee, error)
}

// Typed makes a host function of f. The runtime calls it without reflection, and without allocation when all
// values are scalars. P is the Go type of its parameter: a struct of the parameters by their names when it
// has several, and struct{} when it has none. R is the Go type of its result, and struct{} when it has none.
//
//	linker.Root().Func("add", component.Typed(func(_ context.Context, p struct{ A, B uint32 }) (uint32, error) {
//		return p.A + p.B, nil
//	}))
func Typed[P, R any](f func(ctx context.Context, params P) (R, error)) TypedFunc {
	return TypedFunc{reflect.TypeOf(f), func(s *abi.Signature) (*callee, error) {
		p, err := s.Of(abi.GoTypes{Params: reflect.TypeFor[P](), Result: reflect.TypeFor[R]()})
		if err != nil {
			return nil, err
		}
		v := &variables[P, R]{}
		return &callee{Passing: p, args: unsafe.Pointer(&v.params), result: unsafe.Pointer(&v.result), clear: v.clear, call: func(in *Instance) (err error) {
			v.result, err = f(in.callCtx.Context, v.params)
			return err
		}}, nil
	}}
}

// variables are the values of a typed call on the host's side.
type variables[P, R any] struct {
	params P
	result R
}

func (v *variables[P, R]) clear() { *v = variables[P, R]{} }

// hostDef is a host function as the Linker has it, not yet bound to an import.
type hostDef interface {
	// link returns the function for one instance, or the reason that it does not fit.
	link(s *abi.Signature) (*callee, error)
	// goType is the function's type.
	goType() reflect.Type
}

// defineHost returns the definition of f, the argument of Interface.Func.
func defineHost(f any) hostDef {
	switch f := f.(type) {
	case HostFunc:
		return f
	case func(context.Context, []any) ([]any, error):
		return HostFunc(f)
	case TypedFunc:
		return f
	}
	return plainFunc{reflect.ValueOf(f)}
}

func (f HostFunc) goType() reflect.Type { return reflect.TypeOf(f) }

func (f HostFunc) link(s *abi.Signature) (*callee, error) {
	if f == nil {
		return nil, errors.New("it is nil")
	}
	v := &variables[[]any, any]{}
	want := 0
	if s.Result != nil {
		want = 1
	}
	return &callee{Passing: &s.Dynamic, args: unsafe.Pointer(&v.params), result: unsafe.Pointer(&v.result), clear: v.clear, call: func(in *Instance) error {
		results, err := f(in.callCtx.Context, v.params)
		switch {
		case err != nil:
			return err
		case len(results) != want:
			return fmt.Errorf("%d results returned where %d are wanted", len(results), want)
		case want == 1:
			v.result = results[0]
		}
		return nil
	}}, nil
}

func (f TypedFunc) goType() reflect.Type                   { return f.typ }
func (f TypedFunc) link(s *abi.Signature) (*callee, error) { return f.bind(s) }

// plainFunc is any Go function: func([context], parameters...) ([result], [error]).
type plainFunc struct{ v reflect.Value }

func (f plainFunc) goType() reflect.Type {
	if !f.v.IsValid() {
		return nil
	}
	return f.v.Type()
}

func (f plainFunc) link(s *abi.Signature) (*callee, error) {
	if f.v.Kind() != reflect.Func || f.v.IsNil() {
		return nil, errors.New("it is not a function")
	}
	t := f.v.Type()
	if t.IsVariadic() {
		return nil, errors.New("it is variadic")
	}
	first, results := 0, t.NumOut()
	if t.NumIn() > 0 && t.In(0) == reflect.TypeFor[context.Context]() {
		first = 1
	}
	fails := results > 0 && t.Out(results-1) == reflect.TypeFor[error]()
	if fails {
		results--
	}
	if results > 1 {
		return nil, fmt.Errorf("it has %d results", results)
	}
	fields := make([]reflect.StructField, t.NumIn()-first)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("P%d", i), Type: t.In(first + i)}
	}
	g := abi.GoTypes{Params: reflect.StructOf(fields), Result: reflect.TypeFor[struct{}](), InOrder: true}
	if results == 1 {
		g.Result = t.Out(0)
	}
	p, err := s.Of(g)
	if err != nil {
		return nil, err
	}
	params, result := reflect.New(g.Params).Elem(), reflect.New(g.Result).Elem()
	args := make([]reflect.Value, t.NumIn())
	clear := func() {
		params.SetZero()
		result.SetZero()
	}
	return &callee{Passing: p, args: params.Addr().UnsafePointer(), result: result.Addr().UnsafePointer(), clear: clear, call: func(in *Instance) error {
		if first == 1 {
			args[0] = reflect.ValueOf(in.callCtx.Context)
		}
		for i := range fields {
			args[first+i] = params.Field(i)
		}
		out := f.v.Call(args)
		if fails {
			if err, _ := out[len(out)-1].Interface().(error); err != nil {
				return err
			}
		}
		if results == 1 {
			result.Set(out[0])
		}
		return nil
	}}, nil
}
