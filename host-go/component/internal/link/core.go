package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// coreSorts maps the kinds of core externs to sorts.
var coreSorts = [...]binary.Sort{
	wasm.KindFunc: binary.SortCoreFunc, wasm.KindTable: binary.SortCoreTable,
	wasm.KindMemory: binary.SortCoreMemory, wasm.KindGlobal: binary.SortCoreGlobal,
	wasm.KindTag: binary.SortCoreTag,
}

func (l *linker) coreInstance(s *scope, d *binary.CoreInstance) *coreInstance {
	if d.Inline {
		return l.inlineCoreInstance(s, d)
	}
	m := at(s.coreModules, d.Module, d.Offset, binary.SortCoreModule)
	args := map[string]*coreInstance{}
	step := CoreInstance{Module: -1}
	for _, a := range d.Args {
		l.step(d.Offset)
		if _, dup := args[a.Name]; dup {
			fail(d.Offset, "duplicate module instantiation argument named `%s`", a.Name)
		}
		inst := at(s.coreInstances, a.Instance, d.Offset, binary.SortCoreInstance)
		args[a.Name] = inst
		step.Args = append(step.Args, CoreArg{a.Name, l.coreIndex(inst)})
	}
	for i := range m.typ.Imports {
		l.step(d.Offset)
		imp := &m.typ.Imports[i]
		inst, ok := args[imp.Module]
		if !ok {
			fail(d.Offset, "missing module instantiation argument: module requires an import named `%s`", imp.Module)
		}
		have, ok := inst.export(imp.Name)
		if !ok {
			fail(d.Offset, "module instantiation argument `%s` does not export an item named `%s`", imp.Module, imp.Name)
		}
		if err := wasm.Matches(&have.ref.Type, &imp.Type); err != "" {
			fail(d.Offset, "module instantiation argument `%s` exports an item named `%s` of the wrong type: %s", imp.Module, imp.Name, err)
		}
	}
	if m.def == nil {
		l.unlinkable("a core module import can only be satisfied by another component")
	} else {
		step.Module = l.moduleIndex(m)
	}
	if m.exports == nil {
		m.exports = make(map[string]int, len(m.typ.Exports))
		for i := range m.typ.Exports {
			l.step(d.Offset)
			m.exports[m.typ.Exports[i].Name] = i
		}
	}
	return &coreInstance{index: l.addInstance(step), module: m, exports: m.exports}
}

// addInstance adds a core instance to the program.
func (l *linker) addInstance(i CoreInstance) int {
	if len(l.p.Instances) >= maxCoreInstances {
		fail(l.offset, "more than %d core instances", maxCoreInstances)
	}
	l.p.Instances = append(l.p.Instances, i)
	return len(l.p.Instances) - 1
}

func (l *linker) moduleIndex(m *moduleItem) int {
	if i, ok := l.indices[m.def]; ok {
		return i
	}
	i := len(l.p.Modules)
	l.p.Modules = append(l.p.Modules, Module{m.def.Offset, m.def.Bytes, m.typ})
	l.indices[m.def] = i
	return i
}

// nameBytes is how many bytes of a name count as a step: each instance of inline exports becomes a module,
// which contains the names.
const nameBytes = 8

// coreIndex returns the index of an instance in the program. It adds inline exports to the program when they
// are first needed.
func (l *linker) coreIndex(inst *coreInstance) int {
	if inst.index < 0 {
		for i := range inst.members {
			l.spend(l.offset, 1+len(inst.members[i].Name)/nameBytes)
		}
		inst.index = l.addInstance(CoreInstance{Module: -1, Members: inst.members})
	}
	return inst.index
}

func (l *linker) inlineCoreInstance(s *scope, d *binary.CoreInstance) *coreInstance {
	inst := &coreInstance{index: -1, exports: make(map[string]int, len(d.Exports))}
	for _, e := range d.Exports {
		l.step(d.Offset)
		if _, dup := inst.exports[e.Name.Text]; dup {
			fail(d.Offset, "duplicate core instance export named `%s`", e.Name.Text)
		}
		space := s.coreSpace(e.Sort)
		if space == nil {
			fail(d.Offset, "a %s cannot be an export of a core instance", e.Sort)
		}
		ref := at(*space, e.Index, d.Offset, e.Sort)
		inst.exports[e.Name.Text] = len(inst.members)
		inst.members, inst.sorts = append(inst.members, Member{e.Name.Text, ref}), append(inst.sorts, e.Sort)
	}
	return inst
}

func (l *linker) coreType(s *scope, d *binary.CoreType) *coreType {
	if d.Func != nil {
		return &coreType{fn: &wasm.FuncType{Params: d.Func.Params, Results: d.Func.Results}}
	}
	m := &wasm.Module{}
	inner := &scope{parent: s, comp: s.comp}
	imports := map[[2]string]bool{}
	exports := map[string]bool{}
	for _, decl := range d.Module.Decls {
		l.step(decl.Offset)
		switch {
		case decl.Type != nil:
			inner.coreTypes = append(inner.coreTypes, l.coreType(inner, decl.Type))
		case decl.Alias != nil:
			l.outerAlias(inner, decl.Alias)
			if t := inner.coreTypes[len(inner.coreTypes)-1]; t.mod != nil {
				fail(decl.Offset, "a module type may not be aliased in a module type")
			}
		case decl.Import != nil:
			key := [2]string{decl.Import.Module, decl.Import.Name}
			if imports[key] {
				fail(decl.Offset, "duplicate import name `%s:%s`", key[0], key[1])
			}
			imports[key] = true
			m.Imports = append(m.Imports, wasm.Import{Module: key[0], Name: key[1], Type: l.coreExtern(inner, decl.Offset, &decl.Import.Type)})
		case decl.Export != nil:
			if exports[decl.Export.Name] {
				fail(decl.Offset, "duplicate export name `%s` already defined", decl.Export.Name)
			}
			exports[decl.Export.Name] = true
			m.Exports = append(m.Exports, wasm.Export{Name: decl.Export.Name, Type: l.coreExtern(inner, decl.Offset, &decl.Export.Type)})
		}
	}
	return &coreType{mod: m}
}

func (l *linker) coreExtern(s *scope, offset int, t *binary.CoreExternType) wasm.ExternType {
	e := wasm.ExternType{
		Val: t.Val, Mutable: t.Mutable,
		Limits: wasm.Limits{Min: t.Limits.Min, Max: t.Limits.Max, HasMax: t.Limits.HasMax, Shared: t.Limits.Shared, I64: t.Limits.I64},
	}
	if l := &e.Limits; l.HasMax && l.Max < l.Min {
		fail(offset, "size minimum must not be greater than maximum")
	}
	switch t.Sort {
	case binary.SortCoreFunc, binary.SortCoreTag:
		ct := at(s.coreTypes, t.Index, offset, binary.SortCoreType)
		if ct.fn == nil {
			fail(offset, "core type index %d is not a function type", t.Index)
		}
		e.Func = ct.fn
		e.Kind = wasm.KindFunc
		if t.Sort == binary.SortCoreTag {
			e.Kind = wasm.KindTag
		}
	case binary.SortCoreTable:
		e.Kind = wasm.KindTable
	case binary.SortCoreMemory:
		e.Kind = wasm.KindMemory
		if most := max(e.Limits.Min, e.Limits.Max); most > 1<<16 && !e.Limits.I64 {
			fail(offset, "memory size must be at most %d pages, not %d", 1<<16, most)
		}
	case binary.SortCoreGlobal:
		e.Kind = wasm.KindGlobal
	}
	return e
}
