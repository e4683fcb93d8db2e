package component

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// Function is an exported function of an instance. The instance runs one call at a time.
type Function struct {
	in *Instance
	exportedFunc
}

// ExportedFunction returns an exported function: "run" for a function of the world itself,
// "caisson:mcp/client@0.1.0#connect" for a function of an interface. A semver-compatible version finds the
// function too. It returns nil when there is no such function.
func (in *Instance) ExportedFunction(name string) *Function {
	f, ok := in.c.exports.find(name)
	if !ok {
		return nil
	}
	return &Function{in, f}
}

// Name returns the full name of the function, as the component spells it.
func (f *Function) Name() string { return f.name }

// Call calls the function with WIT values (see the table in the package
// documentation) and returns its result, if it has one.
//
// Errors: a *TrapError when the guest trapped, a host function failed or the context ended during the call,
// after which the instance is dead; a *ValueError for an argument of the wrong Go type; ErrInstanceDead;
// ErrReentered; and the context's error when it had ended before the call.
func (f *Function) Call(ctx context.Context, args ...any) ([]any, error) {
	v := &variables[[]any, any]{params: args}
	err := f.in.enter(ctx, f.name, func() {
		if len(args) != len(f.sig.Type.Params) {
			panic(&abi.ValueError{Type: f.sig.Type.String(), Value: args, Msg: "wrong number of arguments"})
		}
		f.call(&f.sig.Dynamic, unsafe.Pointer(&v.params), unsafe.Pointer(&v.result))
	})
	if err != nil || f.sig.Result == nil {
		return nil, err
	}
	return []any{v.result}, nil
}

// Bind returns f as a Go function. The Go function calls f without reflection, and without allocation when
// all values are scalars. P is the Go type of f's parameter: a struct of the parameters by their names when f
// has several, and struct{} when it has none. R is the Go type of f's result, and struct{} when it has none.
// The table in the package documentation says which Go types fit.
//
//	greet, err := component.Bind[string, string](instance.ExportedFunction("greet"))
//	out, err := greet(ctx, "gopher")
//
// Bind returns a *ValueError when the types do not fit. The Go function returns the errors of Function.Call.
func Bind[P, R any](f *Function) (func(ctx context.Context, params P) (R, error), error) {
	if f == nil {
		return nil, errors.New("component: Bind: there is no function: nil")
	}
	p, err := f.sig.Of(abi.GoTypes{Params: reflect.TypeFor[P](), Result: reflect.TypeFor[R]()})
	if err != nil {
		var wanted func(context.Context, P) (R, error)
		return nil, valueError(&abi.ValueError{Type: f.sig.Type.String(), Value: wanted, Msg: fmt.Sprintf("bound to %s: %v", abi.GoName(reflect.TypeOf(wanted)), err)})
	}
	v := &variables[P, R]{}
	in := f.in
	return func(ctx context.Context, params P) (result R, err error) {
		if err := in.open(ctx); err != nil {
			return result, err
		}
		done := false
		defer in.leave(f.name, &done, &err)
		v.params = params
		f.call(p, unsafe.Pointer(&v.params), unsafe.Pointer(&v.result))
		result = v.result
		v.clear()
		done = true
		return result, nil
	}, nil
}

// call calls the function. args and result point to the arguments and the result.
func (f *Function) call(p *abi.Passing, args, result unsafe.Pointer) {
	if f.ref.Host {
		f.in.callImport(f.ref.Index, p, args, result)
		return
	}
	f.in.callLift(f.in.lift(f.ref.Index), nil, p, args, result)
}

// liftState is the state of a lifted function of an instance. The function's first call makes it.
type liftState struct {
	core  *link.CoreRef
	fn    *function
	stack []uint64
	comp  *componentState
	opt   *instanceOptions
	// enter are the component instances that a call of the host enters.
	enter []*componentState
	busy  bool
}

func (in *Instance) lift(i int) *liftState {
	// A component that its own child calls back may be busy. Then this call needs another state: the running
	// call keeps its stack.
	if l := in.lifts[i]; l != nil && !l.busy {
		return l
	}
	return in.newLift(i)
}

func (in *Instance) newLift(i int) *liftState {
	p := &in.c.program.Lifts[i]
	l := &liftState{
		core: &p.Core, fn: in.coreFunc(&p.Core), stack: make([]uint64, in.c.lifts[i].Stack()),
		comp: in.comps[p.Component], opt: in.option(p.Options), enter: in.components(p.Enter),
	}
	if in.lifts[i] == nil && in.keep(l.fn) {
		in.lifts[i] = l
	}
	return l
}

// callLift calls a lifted function (canon lift). The call enters the component instances of enter, or those
// of a call of the host when enter is nil. callLift lowers the arguments at args into the component, and
// lifts the result out to result.
func (in *Instance) callLift(l *liftState, enter []*componentState, p *abi.Passing, args, result unsafe.Pointer) {
	if enter == nil {
		enter = l.enter
	}
	l.busy = true
	enterComponents(enter)
	var t *abi.Transfer
	if p.Context {
		t = in.begin(l.comp, l.opt)
		t.View()
		if p.Borrows {
			t.BeginTask()
		}
	}
	if p.Flat > 0 {
		p.LowerParams(t, l.stack, args)
	}
	in.call(l.fn, l.stack)
	l.fn = in.lighten(l.fn, l.core)
	if p.Result != nil {
		if p.Memory {
			t.View()
		}
		p.LiftResult(t, l.stack, result)
		if p.Context {
			in.fuel.lifted(t.Lifted())
		}
	}
	if p.Borrows {
		t.EndTask()
	}
	if l.opt.postReturn != nil {
		l.comp.mayLeave = false
		in.call(l.opt.postReturn, l.stack)
		l.opt.postReturn = in.lighten(l.opt.postReturn, l.opt.refs.PostReturn)
		l.comp.mayLeave = true
	}
	if p.Context {
		in.end()
	}
	leaveComponents(enter)
	l.busy = false
}
