package types

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Type is what a type index refers to: *Value, *Resource, *Func, *Instance or
// *Component.
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

// Instance is an instance type. Fresh are the resources it introduces: each
// instance of the type has its own.
type Instance struct {
	Exports []Named
	Fresh   []*Resource
	Size    int // the number of imports and exports in it, at every depth
}

// Export returns the export of that name, nil when there is none.
func (i *Instance) Export(name string) *Extern {
	for k := range i.Exports {
		if i.Exports[k].Name.Text == name {
			return &i.Exports[k].Extern
		}
	}
	return nil
}

// Component is a component type. The resources of its imports are given by
// whoever instantiates it, those of its exports are new for each instance.
type Component struct {
	Imports, Exports         []Named
	ImportFresh, ExportFresh []*Resource
	Size                     int
}

// Size is the number of imports and exports the type is made of, 1 for one
// without parts.
func (e *Extern) Size() int {
	switch {
	case e.Instance != nil:
		return 1 + e.Instance.Size
	case e.Component != nil:
		return 1 + e.Component.Size
	}
	return 1
}
