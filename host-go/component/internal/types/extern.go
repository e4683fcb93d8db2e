package types

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Type is a type with a type index: *Value, *Resource, *Func, *Instance or *Component.
type Type interface{ typ() }

func (*Value) typ()     {}
func (*Resource) typ()  {}
func (*Func) typ()      {}
func (*Instance) typ()  {}
func (*Component) typ() {}

// Extern is the type of an import or export.
type Extern struct {
	Sort      binary.Sort
	Func      *Func        // SortFunc
	Type      Type         // SortType: the type it is equal to
	Instance  *Instance    // SortInstance
	Component *Component   // SortComponent
	Module    *wasm.Module // SortCoreModule
}

// Named is an import or export: its name and type.
type Named struct {
	Name binary.Name
	Extern
}

// Instance is an instance type. Fresh are the resources that it introduces: each instance of the type has its
// own resources.
type Instance struct {
	Exports []Named
	Fresh   []*Resource
	Size    int // of all that is in it, at every depth: see Extern.Size
}

// Component is a component type. The arguments of an instantiation give the resources of its imports. Each
// instance has new resources for its exports.
type Component struct {
	Imports, Exports         []Named
	ImportFresh, ExportFresh []*Resource
	Size                     int
}

// Size returns the number of imports and exports in the type, and of the parameters, fields and cases that
// they name.
func (e *Extern) Size() int {
	switch {
	case e.Instance != nil:
		return 1 + e.Instance.Size
	case e.Component != nil:
		return 1 + e.Component.Size
	case e.Func != nil:
		return 1 + len(e.Func.Params)
	case e.Module != nil:
		return 1 + len(e.Module.Imports) + len(e.Module.Exports)
	}
	if v, ok := e.Type.(*Value); ok {
		return 1 + v.Weight
	}
	return 1
}
