package component

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// builtin makes the core function of a canonical definition.
func (c *Compiled) builtin(i int) api.GoModuleFunc {
	b := &c.program.Builtins[i]
	switch b.Kind {
	case binary.CanonResourceNew:
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			in := instanceOf(ctx)
			stack[0] = uint64(in.comps[b.Component].newResource(b.Resource, uint32(stack[0])))
		}
	case binary.CanonResourceRep:
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			in := instanceOf(ctx)
			stack[0] = uint64(in.comps[b.Component].resourceRep(b.Resource, uint32(stack[0])))
		}
	case binary.CanonResourceDrop:
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			in := instanceOf(ctx)
			in.dropResource(in.comps[b.Component], b.Resource, uint32(stack[0]), b.Enter)
		}
	}
	return func(ctx context.Context, _ api.Module, stack []uint64) {
		instanceOf(ctx).lower(i, stack)
	}
}

// lower is a call of a lowered function (canon lower): the arguments are lifted
// out of the calling component, the result is lowered into it.
func (in *Instance) lower(i int, stack []uint64) {
	b := &in.c.program.Builtins[i]
	comp := in.comps[b.Component]
	comp.checkLeave()
	var f *callee
	if b.Func.Host {
		f = in.hosts[b.Func.Index]
	} else {
		f = in.guest(i)
	}
	if !f.context {
		f.serve(in, nil, stack)
		return
	}
	f.serve(in, in.begin(comp, in.option(b.Options)), stack)
	in.end()
}

// callee is what a lowered function calls: a host function, or the function of
// another component. Its arguments are lifted to where args points, its result
// is lowered from where result points.
type callee struct {
	*passing
	args, result pointer
	call         func(in *Instance) error
	clear        func()
	host         *link.HostFunc // nil for a function of another component
}

// guest makes the callee of builtin i, a function of another component. The
// values go through WIT values.
func (in *Instance) guest(i int) *callee {
	b := &in.c.program.Builtins[i]
	v := &variables[[]any, any]{}
	args, result := pointer(&v.params), pointer(&v.result)
	return &callee{passing: &in.c.lowers[i].dynamic, args: args, result: result, clear: v.clear, call: func(in *Instance) error {
		in.deeper()
		in.callLift(in.lift(b.Func.Index), in.components(b.Enter), &in.c.lifts[b.Func.Index].dynamic, args, result)
		in.depth--
		return nil
	}}
}

// serve lifts the arguments out of the caller, calls, and lowers the result. The
// transfer is nil for values that need none.
func (f *callee) serve(in *Instance, t *transfer, stack []uint64) {
	if f.memory {
		t.view()
	}
	var ptr uint32
	if f.spillResult {
		ptr = uint32(stack[f.flat])
	}
	f.liftParams(t, stack, f.args)
	if f.host != nil {
		in.fuel.checkTime()
	}
	if err := f.call(in); err != nil {
		throw(fmt.Errorf("host function %s: %w", text.Short(f.host.String()), err))
	}
	if f.context {
		t.endLends()
	}
	if f.out != nil {
		if f.memory {
			t.view()
		}
		if f.sure {
			f.lowerResult(t, stack, ptr, f.result)
		} else {
			f.giveResult(t, stack, ptr)
		}
	}
	if f.memory {
		f.clear()
	}
}

// giveResult lowers the result. One of a host function that does not fit its
// type is a trap that names the function.
func (f *callee) giveResult(t *transfer, stack []uint64, ptr uint32) {
	defer func() {
		if x := recover(); x != nil {
			if e, ok := x.(*ValueError); ok && f.host != nil {
				throw(fmt.Errorf("host function %s: result: %w", text.Short(f.host.String()), e))
			}
			panic(x)
		}
	}()
	f.lowerResult(t, stack, ptr, f.result)
}
