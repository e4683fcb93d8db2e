package component

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// builtin returns the core function of canonical definition i.
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
			stack[0] = uint64(in.comps[b.Component].handles.Rep(b.Resource, uint32(stack[0])))
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

// lower calls a lowered function (canon lower): it lifts the arguments out of the calling component and
// lowers the result into it.
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
	if !f.Context {
		f.serve(in, nil, stack)
		return
	}
	f.serve(in, in.begin(comp, in.option(b.Options)), stack)
	in.end()
}

// callee is what a lowered function calls: a host function, or the function of another component. It reads
// its arguments where args points, and writes its result where result points.
type callee struct {
	*abi.Passing
	args, result unsafe.Pointer
	call         func(in *Instance) error
	clear        func()
	host         *link.HostFunc // nil for a function of another component
}

// guest returns the callee of builtin i, a function of another component. Its arguments and its result pass
// as WIT values.
func (in *Instance) guest(i int) *callee {
	b := &in.c.program.Builtins[i]
	v := &variables[[]any, any]{}
	args, result := unsafe.Pointer(&v.params), unsafe.Pointer(&v.result)
	return &callee{Passing: &in.c.lowers[i].Dynamic, args: args, result: result, clear: v.clear, call: func(in *Instance) error {
		in.deeper()
		in.callLift(in.lift(b.Func.Index), in.components(b.Enter), &in.c.lifts[b.Func.Index].Dynamic, args, result)
		in.depth--
		return nil
	}}
}

// serve lifts the arguments out of the caller, calls f, and lowers the result. t is nil when no value needs a
// transfer.
func (f *callee) serve(in *Instance, t *abi.Transfer, stack []uint64) {
	if f.Memory {
		t.View()
	}
	var ptr uint32
	if f.SpillResult {
		ptr = uint32(stack[f.Flat])
	}
	f.LiftParams(t, stack, f.args)
	if f.Context {
		in.fuel.lifted(t.Lifted())
	}
	if f.host != nil {
		in.fuel.CheckTime()
	}
	if err := f.call(in); err != nil {
		trap.Throw(fmt.Errorf("host function %s: %w", text.Short(f.host.String()), err))
	}
	if f.Context {
		t.EndLends()
	}
	if f.Result != nil {
		if f.Memory {
			t.View()
		}
		if f.Sure {
			f.LowerResult(t, stack, ptr, f.result)
		} else {
			f.giveResult(t, stack, ptr)
		}
	}
	if f.Memory {
		f.clear()
	}
}

// giveResult lowers the result. When the result of a host function does not fit its type, giveResult traps
// with the function's name.
func (f *callee) giveResult(t *abi.Transfer, stack []uint64, ptr uint32) {
	defer func() {
		if x := recover(); x != nil {
			if e, ok := x.(*abi.ValueError); ok && f.host != nil {
				trap.Throw(fmt.Errorf("host function %s: result: %w", text.Short(f.host.String()), valueError(e)))
			}
			panic(x)
		}
	}()
	f.LowerResult(t, stack, ptr, f.result)
}
