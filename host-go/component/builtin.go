package component

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
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
	b, sig := &in.c.program.Builtins[i], in.c.lowers[i]
	comp := in.comps[b.Component]
	comp.checkLeave()
	t := transfer{in: in, comp: comp, opt: in.option(b.Options)}
	if sig.context {
		t.view()
	}
	var out uint32
	if sig.spillResult {
		out = uint32(stack[sig.flat])
	}
	args := sig.liftParams(&t, stack)
	var result any
	if b.Func.Host {
		result = in.callHost(b.Func.Index, sig, args)
	} else {
		result = in.callLift(b.Func.Index, b.Enter, args)
	}
	t.endLends()
	if sig.result == nil {
		return
	}
	if sig.context {
		t.view()
	}
	defer hostValue(b.Func.Host, in, b.Func.Index)
	sig.lowerResult(&t, stack, out, result)
}

// callHost calls a function of the host.
func (in *Instance) callHost(i int, sig *signature, args []any) any {
	in.fuel.checkTime()
	results, err := in.hosts[i](in.ctx, args)
	if err != nil {
		throw(fmt.Errorf("host function %s: %w", in.hostName(i), err))
	}
	want := 0
	if sig.result != nil {
		want = 1
	}
	if len(results) != want {
		trapf("host function %s: %d results returned where %d are wanted", in.hostName(i), len(results), want)
	}
	if want == 0 {
		return nil
	}
	return results[0]
}

// hostValue turns a result of the wrong Go type into a trap that names the
// function.
func hostValue(host bool, in *Instance, i int) {
	x := recover()
	if x == nil {
		return
	}
	if e, ok := x.(*ValueError); ok && host {
		throw(fmt.Errorf("host function %s: result: %w", in.hostName(i), e))
	}
	panic(x)
}

func (in *Instance) hostName(i int) string {
	f := &in.c.program.Imports[i]
	return importName(f.Interface, f.Name)
}
