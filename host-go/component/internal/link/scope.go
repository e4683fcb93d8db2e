package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// scope holds the index spaces of a component, component type or instance type
// while its definitions are worked through.
type scope struct {
	parent *scope
	comp   int // index into Program.Components; of the enclosing one in a type
	// component is false in a type. valid is set while types are checked.
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

// moduleItem is a core module: defined here, or known by its type alone.
type moduleItem struct {
	def *binary.CoreModule
	typ *wasm.Module
}

// coreInstance is a core instance; index is -1 for inline exports until they
// are needed as an argument.
type coreInstance struct {
	index   int
	exports map[string]coreItem
	members []Member
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

// componentItem is a component: a definition with the scope it closes over, or
// known by its type alone.
type componentItem struct {
	def   *binary.Component
	scope *scope
	typ   *types.Component
}

// instanceItem is a component instance.
type instanceItem struct {
	names []binary.Name
	items map[string]item
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

func (i *instanceItem) extern() *types.Instance {
	t := &types.Instance{}
	for _, n := range i.names {
		t.Exports = append(t.Exports, types.Named{Name: n, Extern: i.items[n.Text].extern()})
	}
	return t
}
