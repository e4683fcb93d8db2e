package link

import (
	"slices"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// canon processes a canonical definition (CanonicalABI.md, "Canonical Definitions").
func (l *linker) canon(s *scope, d *binary.Canon) {
	switch d.Kind {
	case binary.CanonLift:
		s.funcs = append(s.funcs, l.lift(s, d))
	case binary.CanonLower:
		s.coreFuncs = append(s.coreFuncs, l.lower(s, d))
	default:
		s.coreFuncs = append(s.coreFuncs, l.resourceBuiltin(s, d))
	}
}

func (l *linker) lift(s *scope, d *binary.Canon) *funcItem {
	core := at(s.coreFuncs, d.Func, d.Offset, binary.SortCoreFunc)
	f, ok := at(s.types, d.Type, d.Offset, binary.SortType).(*types.Func)
	if !ok {
		fail(d.Offset, "type index %d is not a function type", d.Type)
	}
	flat := f.FlattenLift()
	if !flat.Equal(core.Type.Func) {
		fail(d.Offset, "lowered parameter or result types of a lifted function do not match core function: expected %s, found %s", flat, core.Type.Func)
	}
	o := l.options(s, d, flat.Results)
	l.need(d, o, f.Params, f.Result, true)
	if len(l.p.Lifts) >= maxLifts {
		fail(d.Offset, "more than %d lifted functions", maxLifts)
	}
	l.p.Lifts = append(l.p.Lifts, Lift{
		Component: s.comp, Core: core, Type: f, Options: l.addOptions(o), Enter: l.enter(-1, s.comp),
	})
	return &funcItem{f, FuncRef{Index: len(l.p.Lifts) - 1}}
}

func (l *linker) lower(s *scope, d *binary.Canon) CoreRef {
	f := at(s.funcs, d.Func, d.Offset, binary.SortFunc)
	if d.Options.PostReturn != nil {
		fail(d.Offset, "canonical option `post-return` cannot be specified for lowerings")
	}
	o := l.options(s, d, nil)
	l.need(d, o, f.typ.Params, f.typ.Result, false)
	b := Builtin{
		Kind: d.Kind, Component: s.comp, Core: f.typ.FlattenLower(),
		Func: f.ref, Type: f.typ, Options: l.addOptions(o),
	}
	if !f.ref.Host && f.ref.Index >= 0 {
		b.Enter = l.enter(s.comp, l.p.Lifts[f.ref.Index].Component)
	}
	return l.builtin(b)
}

func (l *linker) builtin(b Builtin) CoreRef {
	if len(l.p.Builtins) >= maxBuiltins {
		fail(l.offset, "more than %d core functions made by canonical definitions", maxBuiltins)
	}
	l.p.Builtins = append(l.p.Builtins, b)
	return CoreRef{
		Type:     wasm.ExternType{Kind: wasm.KindFunc, Func: b.Core},
		Instance: -1, Builtin: len(l.p.Builtins) - 1,
	}
}

func (l *linker) resourceBuiltin(s *scope, d *binary.Canon) CoreRef {
	r, ok := at(s.types, d.Type, d.Offset, binary.SortType).(*types.Resource)
	if !ok {
		fail(d.Offset, "type index %d is not a resource type", d.Type)
	}
	b := Builtin{Kind: d.Kind, Component: s.comp, Resource: r.Index, Core: &wasm.FuncType{Params: []byte{types.I32}}}
	if d.Kind != binary.CanonResourceDrop {
		b.Core.Results = []byte{types.I32}
		if r.Index < 0 || l.p.Resources[r.Index].Component != s.comp {
			fail(d.Offset, "type index %d is not a resource defined by this component", d.Type)
		}
	}
	if r.Index >= 0 && !l.p.Resources[r.Index].Host {
		b.Enter = l.enter(s.comp, l.p.Resources[r.Index].Component)
	}
	return l.builtin(b)
}

func (l *linker) addOptions(o Options) int {
	l.p.Options = append(l.p.Options, o)
	return len(l.p.Options) - 1
}

var reallocType = &wasm.FuncType{
	Params: []byte{types.I32, types.I32, types.I32, types.I32}, Results: []byte{types.I32},
}

func (l *linker) options(s *scope, d *binary.Canon, flatResults []byte) Options {
	o := Options{Component: s.comp, Encoding: d.Options.Encoding}
	ref := func(space []CoreRef, i *uint32, sort binary.Sort) *CoreRef {
		if i == nil {
			return nil
		}
		r := at(space, *i, d.Offset, sort)
		return &r
	}
	o.Memory = ref(s.coreMemories, d.Options.Memory, binary.SortCoreMemory)
	o.Realloc = ref(s.coreFuncs, d.Options.Realloc, binary.SortCoreFunc)
	o.PostReturn = ref(s.coreFuncs, d.Options.PostReturn, binary.SortCoreFunc)
	if o.Memory != nil && (o.Memory.Type.Limits.I64 || o.Memory.Type.Limits.Shared) {
		panic(&Error{d.Offset, "canonical option `memory`: 64-bit and shared memories are not supported", true})
	}
	if o.Realloc != nil {
		if o.Memory == nil {
			fail(d.Offset, "canonical option `realloc` requires `memory` to also be specified")
		}
		if !o.Realloc.Type.Func.Equal(reallocType) {
			fail(d.Offset, "canonical option `realloc` uses a core function with an incorrect signature: expected %s, found %s", reallocType, o.Realloc.Type.Func)
		}
	}
	if o.PostReturn != nil {
		if t := o.PostReturn.Type.Func; !slices.Equal(t.Params, flatResults) || len(t.Results) != 0 {
			fail(d.Offset, "canonical option `post-return` uses a core function with an incorrect signature: found %s", t)
		}
	}
	return o
}

// need checks that the options that a function's types require are there. Values that are lowered into the
// guest require realloc. Values that are lifted from it require only memory.
func (l *linker) need(d *binary.Canon, o Options, params []types.Field, result *types.Value, lift bool) {
	_, n := types.FlattenFields(params)
	paramPointers := false
	for _, p := range params {
		paramPointers = paramPointers || p.Type.Pointers
	}
	spillParams, spillResult := n > types.MaxFlatParams, false
	resultPointers := false
	if result != nil {
		spillResult = result.FlatLen > types.MaxFlatResults
		resultPointers = result.Pointers
	}
	if o.Memory == nil && (paramPointers || resultPointers || spillParams || spillResult) {
		fail(d.Offset, "canonical option `memory` is required")
	}
	realloc := resultPointers
	if lift {
		realloc = paramPointers || spillParams
	}
	if o.Realloc == nil && realloc {
		fail(d.Offset, "canonical option `realloc` is required")
	}
}

// enter returns the component instances that a call from caller (-1: the host) into callee enters: callee and
// its ancestors, without caller and its ancestors.
func (l *linker) enter(caller, callee int) []int {
	key := [2]int{caller, callee}
	if set, ok := l.entered[key]; ok {
		return set
	}
	inside := map[int]bool{}
	for c := caller; c >= 0; c = l.p.Components[c].Parent {
		inside[c] = true
	}
	var set []int
	for c := callee; c >= 0; c = l.p.Components[c].Parent {
		if !inside[c] {
			set = append(set, c)
		}
	}
	l.entered[key] = set
	return set
}
