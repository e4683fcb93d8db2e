package component

import (
	"context"

	"github.com/tetratelabs/wazero/api"
)

// Function is an exported function of an instance. Like its instance it takes
// one call at a time.
type Function struct {
	in *Instance
	exportedFunc
}

// ExportedFunction returns an exported function: "run" for one of the world
// itself, "caisson:mcp/client@0.1.0#connect" for one of an interface. A
// semver-compatible version finds it too. It returns nil when there is none.
func (in *Instance) ExportedFunction(name string) *Function {
	f, ok := in.c.funcs[compatibleFunc(name)]
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
// Errors: *TrapError when the guest trapped, a host function failed or the
// context ended in mid-call, after which the instance is dead; *ValueError for
// an argument of the wrong Go type; ErrInstanceDead; ErrReentered; and the
// context's error when it had ended before the call.
func (f *Function) Call(ctx context.Context, args ...any) ([]any, error) {
	var result any
	err := f.in.enter(ctx, f.name, func() {
		if f.ref.Host {
			result = f.in.callHost(f.ref.Index, f.sig, args)
			return
		}
		f.sig.checkArgs(args)
		result = f.in.callLift(f.ref.Index, f.in.c.program.Lifts[f.ref.Index].Enter, args)
	})
	if err != nil || f.sig.result == nil {
		return nil, err
	}
	return []any{result}, nil
}

// liftState is a lifted function of an instance, made when it is first called.
type liftState struct {
	fn    api.Function
	stack []uint64
	busy  bool
}

// callLift calls a lifted function (canon lift): args are lowered into its
// component, the result is lifted out.
func (in *Instance) callLift(i int, enter []int, args []any) any {
	l, sig := &in.c.program.Lifts[i], in.c.lifts[i]
	state := &in.lifts[i]
	if state.busy {
		// A component that its own child calls back: the running call keeps its
		// stack.
		state = &liftState{}
	}
	if state.fn == nil {
		state.fn, state.stack = in.coreFunc(&l.Core), make([]uint64, sig.stack)
	}
	state.busy = true
	in.enterComponents(enter)
	comp := in.comps[l.Component]

	t := transfer{in: in, comp: comp, opt: in.option(l.Options)}
	if sig.borrows {
		t.task = &task{}
	}
	if sig.context {
		t.view()
	}
	sig.lowerParams(&t, state.stack, args)
	if err := state.fn.CallWithStack(&in.callCtx, state.stack); err != nil {
		panic(asTrap(err))
	}
	var result any
	if sig.result != nil {
		if sig.context {
			t.view()
		}
		result = sig.liftResult(&t, state.stack)
	}
	if t.task != nil && t.task.borrows > 0 {
		trapf("borrow handles still remain at the end of the call")
	}
	if t.opt.postReturn != nil {
		comp.mayLeave = false
		if err := t.opt.postReturn.CallWithStack(&in.callCtx, state.stack); err != nil {
			panic(asTrap(err))
		}
		comp.mayLeave = true
	}
	in.leaveComponents(enter)
	state.busy = false
	return result
}
