package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// scope holds the index spaces of a component, component type or instance type while the linker processes its
// definitions.
type scope struct {
	parent *scope
	comp   int // index into Program.Components; in a type, of the enclosing component
	// component is false in a type. valid is set during validation.
	component bool
	valid     *validation

	coreFuncs     []CoreRef
	coreTables    []CoreRef
	coreMemories  []CoreRef
	coreGlobals   []CoreRef
	coreTags      []CoreRef
	coreTypes     []*coreType
	coreModules   []*moduleItem
	coreInstances []*coreInstance
	funcs         []*funcItem
	types         []types.Type
	components    []*componentItem
	instances     []*instanceItem
}

// coreType is a core function type or a module type.
type coreType struct {
	fn  *wasm.FuncType
	mod *wasm.Module
}

// moduleItem is a core module. It is defined here, or only its type is known.
type moduleItem struct {
	def     *binary.CoreModule
	typ     *wasm.Module
	exports map[string]int // by name; made at the first instantiation
}

// coreInstance is a core instance of a module, or of inline exports. Inline exports have index -1 until they
// are needed as an argument.
type coreInstance struct {
	index   int
	module  *moduleItem // nil for inline exports
	exports map[string]int
	members []Member
	sorts   []binary.Sort // of the members
}

// export finds an export of a core instance.
func (i *coreInstance) export(name string) (coreItem, bool) {
	k, ok := i.exports[name]
	switch {
	case !ok:
		return coreItem{}, false
	case i.module == nil:
		return coreItem{i.sorts[k], i.members[k].Ref}, true
	}
	e := &i.module.typ.Exports[k]
	return coreItem{coreSorts[e.Type.Kind], CoreRef{Type: e.Type, Instance: i.index, Name: e.Name, Builtin: -1}}, true
}

// coreItem is an export of a core instance.
type coreItem struct {
	sort binary.Sort
	ref  CoreRef
}

// funcItem is a component function.
type funcItem struct {
	typ *types.Func
	ref FuncRef
}

// componentItem is a component: a definition with the scope that it closes over. Or only its type is known.
type componentItem struct {
	def   *binary.Component
	scope *scope
	typ   *types.Component
}

// instanceItem is a component instance.
type instanceItem struct {
	names []binary.Name
	items map[string]item
	// typ is the type of the instance. The first call of extern makes it. When only the type is known, fill
	// makes the items.
	typ *types.Instance
}

func newInstanceItem() *instanceItem { return &instanceItem{items: map[string]item{}} }

func (i *instanceItem) add(name binary.Name, it item) bool {
	if _, dup := i.items[name.Text]; dup {
		return false
	}
	i.names = append(i.names, name)
	i.items[name.Text] = it
	return true
}

// item is a definition of any sort that a component can import or export.
type item struct {
	sort   binary.Sort
	fn     *funcItem
	typ    types.Type
	inst   *instanceItem
	comp   *componentItem
	module *moduleItem
}

// push adds an item to its index space.
func (s *scope) push(it item) {
	switch it.sort {
	case binary.SortFunc:
		s.funcs = append(s.funcs, it.fn)
	case binary.SortType:
		s.types = append(s.types, it.typ)
	case binary.SortInstance:
		s.instances = append(s.instances, it.inst)
	case binary.SortComponent:
		s.components = append(s.components, it.comp)
	case binary.SortCoreModule:
		s.coreModules = append(s.coreModules, it.module)
	}
}

// pushCore adds a core definition to its index space.
func (s *scope) pushCore(it coreItem) {
	if space := s.coreSpace(it.sort); space != nil {
		*space = append(*space, it.ref)
	}
}

func (s *scope) coreSpace(sort binary.Sort) *[]CoreRef {
	switch sort {
	case binary.SortCoreFunc:
		return &s.coreFuncs
	case binary.SortCoreTable:
		return &s.coreTables
	case binary.SortCoreMemory:
		return &s.coreMemories
	case binary.SortCoreGlobal:
		return &s.coreGlobals
	case binary.SortCoreTag:
		return &s.coreTags
	}
	return nil
}

// extern returns the type of an item.
func (it item) extern() types.Extern {
	e := types.Extern{Sort: it.sort, Type: it.typ}
	switch it.sort {
	case binary.SortFunc:
		e.Func = it.fn.typ
	case binary.SortInstance:
		e.Instance = it.inst.extern()
	case binary.SortComponent:
		e.Component = it.comp.typ
	case binary.SortCoreModule:
		e.Module = it.module.typ
	}
	return e
}

// extern returns the type of the instance.
func (i *instanceItem) extern() *types.Instance {
	if i.typ == nil {
		t := &types.Instance{}
		for _, n := range i.names {
			e := i.items[n.Text].extern()
			if t.Size += e.Size(); t.Size > maxTypeSize {
				panic(types.Exhausted{})
			}
			t.Exports = append(t.Exports, types.Named{Name: n, Extern: e})
		}
		i.typ = t
	}
	return i.typ
}

// find finds an item by its name.
func (i *instanceItem) find(name string) (item, bool) {
	i.fill()
	it, ok := i.items[name]
	return it, ok
}

// fill makes the items of an instance of which only the type is known.
func (i *instanceItem) fill() {
	if i.typ != nil && len(i.names) < len(i.typ.Exports) {
		for _, x := range i.typ.Exports {
			i.add(x.Name, abstractItem(x.Extern))
		}
	}
}

// abstractInstance returns an instance of which only the type is known. Its functions cannot be called.
func abstractInstance(t *types.Instance) *instanceItem {
	i := newInstanceItem()
	i.typ = t
	return i
}
