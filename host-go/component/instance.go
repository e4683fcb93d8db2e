package component

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Instance is an instance of a component, with its own memory. It runs one call at a time: a second call,
// from another goroutine or from a host function, gets ErrReentered. After a trap the instance is dead.
type Instance struct {
	c       *Compiled
	limits  Limits
	hosts   []*callee                               // by import
	drops   []func(ctx context.Context, rep uint32) // by resource; nil for a guest's resource
	modules []api.Module                            // by core instance
	memory  []api.Memory                            // each memory once
	chunks  []api.Module                            // the chunks that were loaded
	owners  []int                                   // the core instance of each memory, in the allocator's order

	comps   []*componentState
	options []*instanceOptions
	lifts   []*liftState

	// state is idle, running or dead.
	state atomic.Int32
	// callCtx is the context for core code. Builtins find the instance in it. It wraps the context of the
	// call that runs.
	callCtx  callContext
	realloc4 [4]uint64
	// transfers are the contexts of calls. The first begun of them are in use.
	transfers []*transfer
	begun     int
	fuel      meter
	depth     int
	budget    budget
	allowance abi.Allowance
	allocator memory.Allocator
	// running is the core function that runs. The budget is charged for the stacks of the functions that wait
	// for it.
	running *function
	stacks  uint64
	kept    uint64 // bytes of functions that are kept to be called again
	// first are the values that the globals of ownGlobals began with, by core instance. reused says that the core
	// instances are those of an instance that has ended, and moved that Move has made others.
	first         [][]uint64
	reused, moved bool
}

const (
	idle int32 = iota
	running
	dead
)

// componentState is the state of one component instance of the tree
// (CanonicalABI.md, ComponentInstance).
type componentState struct {
	mayEnter bool
	mayLeave bool
	handles  abi.Table
}

func (c *componentState) checkLeave() {
	if !c.mayLeave {
		trap.Throwf("cannot leave component instance")
	}
}

// Instantiate makes an instance with the limits of the Runtime's Config. It takes the imports from the
// linker, which may be nil when there are no imports. It runs the start functions of core modules. The error
// is a *LinkError when an import is missing or has another type, and a *TrapError when a start function
// trapped or a limit was reached.
func (c *Compiled) Instantiate(ctx context.Context, l *Linker) (*Instance, error) {
	return c.InstantiateWith(ctx, l, Limits{})
}

// InstantiateWith is Instantiate with these limits in place of the Config's.
func (c *Compiled) InstantiateWith(ctx context.Context, l *Linker, limits Limits) (*Instance, error) {
	return c.newInstance(ctx, l, limits, "instantiate", func(in *Instance) {
		for i := range c.program.Instances {
			in.instantiate(i)
			in.start(i)
		}
	})
}

// newInstance makes an instance whose core instances build makes, in a call of this name.
func (c *Compiled) newInstance(ctx context.Context, l *Linker, limits Limits, name string, build func(in *Instance)) (*Instance, error) {
	if l == nil {
		l = NewLinker()
	}
	in := &Instance{
		c: c, limits: limits.or(c.r.cfg.Limits), lifts: make([]*liftState, len(c.lifts)),
		modules: make([]api.Module, len(c.program.Instances)),
	}
	in.callCtx.in = in
	in.fuel.ctx, in.fuel.now = &in.callCtx, time.Now
	in.budget = budget{limit: in.limits.Memory, left: in.limits.Memory}
	in.allowance.Left = &in.budget.left
	in.allocator = memory.Allocator{Budget: &in.budget, Clock: &in.fuel, OnHeap: c.r.cfg.HeapMemory}
	if err := in.bind(l); err != nil {
		return nil, err
	}
	err := in.enter(ctx, name, func() {
		in.chargeProgram()
		in.reuse()
		for i := range c.program.Components {
			in.comps = append(in.comps, &componentState{mayEnter: true, mayLeave: true, handles: abi.Table{Component: i, Budget: &in.budget}})
		}
		for i := range c.program.Options {
			in.options = append(in.options, &instanceOptions{Options: abi.Options{Encoding: c.program.Options[i].Encoding}})
		}
		build(in)
	})
	if err != nil {
		return nil, errors.Join(err, in.Close(ctx))
	}
	in.memory = in.memories()
	return in, nil
}

// bind takes the imports from the linker.
func (in *Instance) bind(l *Linker) error {
	p := in.c.program
	if p.Unlinkable != "" {
		return &LinkError{Msg: p.Unlinkable}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for k := range p.Imports {
		imp := &p.Imports[k]
		i := l.find(imp.Interface)
		if i == nil {
			return linkError(imp, imp.Type.String(), "the linker has no interface "+imp.Interface)
		}
		f := i.lookup(imp.Name)
		if f == nil {
			return linkError(imp, imp.Type.String(), "the linker has no such function")
		}
		call, err := f.link(in.c.imports[k])
		if err != nil {
			return linkError(imp, imp.Type.String(), fmt.Sprintf("the host's function is a %s: %v", abi.GoName(f.goType()), err))
		}
		call.host = imp
		in.hosts = append(in.hosts, call)
	}
	return in.bindResources(l)
}

// bindResources takes the resource types of the host from the linker.
func (in *Instance) bindResources(l *Linker) error {
	p := in.c.program
	in.drops = make([]func(context.Context, uint32), len(p.Resources))
	given := make([]*hostResource, len(p.Resources))
	for k, r := range p.Resources {
		if !r.Host {
			continue
		}
		if i := l.find(r.Interface); i != nil {
			given[k] = i.lookupResource(r.Name)
		}
		if given[k] == nil {
			return linkError(&r, "resource "+r.Name, "the linker has no such resource")
		}
		in.drops[k] = given[k].drop
	}
	for _, same := range p.Same {
		i := l.find(same.Interface)
		if i == nil {
			continue
		}
		if r := i.resources[same.Name]; r != nil && r != given[same.Resource] {
			of := &p.Resources[same.Resource]
			return linkError(&same, "resource "+same.Name, "the component says that it is "+of.String()+", but the linker has another resource type of this name")
		}
	}
	return nil
}

// instantiate makes core instance i.
func (in *Instance) instantiate(i int) {
	in.fuel.CheckTime()
	step := &in.c.program.Instances[i]
	in.chargeInstance(step)
	if in.reused {
		in.addCounter(i)
		return
	}
	code := in.c.shims[i]
	from := map[string]api.Module{hostModule: in.c.host}
	if step.Module < 0 {
		for k, name := range sources(step.Members) {
			from[name] = in.modules[k]
		}
	} else {
		code = in.c.modules[step.Module]
		for _, a := range step.Args {
			from[wasm.ImportName(a.Name)] = in.modules[a.Instance]
		}
		if in.c.images != nil {
			in.allocator.StartWith(in.c.images[step.Module])
		}
	}
	ctx := experimental.WithImportResolver(&in.callCtx, func(name string) api.Module { return from[name] })
	ctx = experimental.WithMemoryAllocator(ctx, &in.allocator)
	m, err := in.newModule(ctx, code)
	if err != nil {
		panic(asTrap(fmt.Errorf("core instance %d: %w", i, err)))
	}
	in.modules[i] = m
	if in.c.movable {
		in.first = append(in.first, in.globals(i))
	}
	for len(in.owners) < in.allocator.Len() {
		in.owners = append(in.owners, i)
	}
	in.addCounter(i)
}

func (in *Instance) chargeInstance(step *link.CoreInstance) {
	if step.Module < 0 {
		in.budget.chargeMembers(len(step.Members))
	} else {
		in.budget.chargeModule(in.c.program.Modules[step.Module].Type)
	}
}

// addCounter adds the fuel counter of core instance i, if it has one.
func (in *Instance) addCounter(i int) {
	k := in.c.program.Instances[i].Module
	if k < 0 || in.c.names[k].Counter == "" {
		return
	}
	in.fuel.counters = append(in.fuel.counters, in.modules[i].ExportedGlobal(in.c.names[k].Counter))
}

// start calls the start function of core instance i, if it has one. It is an ordinary call: when the core
// runtime runs a start function, nothing bounds the stack.
func (in *Instance) start(i int) {
	k := in.c.program.Instances[i].Module
	if k < 0 || in.c.names[k].Start == "" {
		return
	}
	in.call(in.coreFunc(&link.CoreRef{Instance: i, Name: in.c.names[k].Start}), nil)
}

// anonymous makes modules without a name in the core runtime, and runs no start function: wasm.Instrument
// exports each module's own, and start calls it. No module has random numbers of the core runtime's, which would
// seed a source for each.
var anonymous = wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(strings.NewReader(""))

func (in *Instance) memories() []api.Memory {
	var out []api.Memory
	seen := map[api.Memory]bool{}
	for i, m := range in.modules {
		k := in.c.program.Instances[i].Module
		if k < 0 || in.c.program.Modules[k].Type.Memories == 0 {
			continue
		}
		if mem := m.Memory(); !seen[mem] {
			seen[mem] = true
			out = append(out, mem)
		}
	}
	return out
}

// Memories returns the current linear memories of the instance, for programs that inspect a guest. They are
// valid until the next call of the instance. Do not change them.
func (in *Instance) Memories() [][]byte {
	var all [][]byte
	for _, m := range in.memory {
		all = append(all, memory.Whole(m))
	}
	return all
}

// MemorySize returns the size of all linear memories together, in bytes.
func (in *Instance) MemorySize() uint64 {
	var n uint64
	for _, m := range in.memory {
		n += uint64(len(memory.Whole(m)))
	}
	return n
}

// Close frees the instance: its memories, and the resources of the host that the guest still holds. It may be
// called more than once. Do not call it during a call.
func (in *Instance) Close(ctx context.Context) error {
	if in.state.Load() == running {
		return ErrReentered
	}
	ended := in.state.Swap(dead) == idle
	for _, c := range in.comps {
		c.handles.Clear(func(typ int, rep uint32) {
			if drop := in.drops[typ]; drop != nil {
				drop(ctx, rep)
			}
		})
	}
	var kept bool
	var err error
	if ended {
		kept, err = in.rewind(ctx)
	}
	if !kept {
		err = in.closeModules(ctx)
	}
	in.memory, in.options, in.lifts, in.fuel.counters = nil, nil, nil, nil
	return err
}

func (in *Instance) closeModules(ctx context.Context) error {
	c := &coreInstances{modules: in.modules, chunks: in.chunks}
	in.modules, in.chunks = nil, nil
	return c.close(ctx)
}
