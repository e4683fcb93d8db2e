package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// hostBinding turns the types of root imports into items that the host gives, and adds the items to the
// program.
type hostBinding struct {
	l     *linker
	fresh map[*types.Resource]bool
}

// bind returns the item for the extern named name in the interface iface.
func (h *hostBinding) bind(iface, name string, e types.Extern) item {
	h.l.u.Spend(1)
	it := item{sort: e.Sort}
	switch e.Sort {
	case binary.SortFunc:
		h.l.p.Imports = append(h.l.p.Imports, HostFunc{Interface: iface, Name: name, Type: e.Func})
		it.fn = &funcItem{e.Func, FuncRef{Host: true, Index: len(h.l.p.Imports) - 1}}
	case binary.SortType:
		it.typ = e.Type
		r, ok := e.Type.(*types.Resource)
		switch {
		case ok && h.fresh[r] && r.Index < 0:
			r.Index = len(h.l.p.Resources)
			h.l.p.Resources = append(h.l.p.Resources, Resource{Name: name, Host: true, Interface: iface, Component: -1})
		case ok && r.Index >= 0:
			h.l.p.Same = append(h.l.p.Same, SameResource{iface, name, r.Index})
		}
	case binary.SortInstance:
		if iface != "" {
			h.l.u.Spend((len(iface) + len(name)) / 64)
			name = iface + "/" + name
		}
		it.inst = newInstanceItem()
		for _, x := range e.Instance.Exports {
			it.inst.add(x.Name, h.bind(name, x.Name.Text, x.Extern))
		}
	case binary.SortComponent:
		it.comp = &componentItem{typ: e.Component}
		h.l.unlinkable("it imports the component `" + name + "`, which a host cannot give")
	case binary.SortCoreModule:
		it.module = &moduleItem{typ: e.Module}
		h.l.unlinkable("it imports the core module `" + name + "`, which a host cannot give")
	}
	return it
}

// abstractItem returns an item of which only the type is known.
func abstractItem(e types.Extern) item {
	it := item{sort: e.Sort, typ: e.Type}
	switch e.Sort {
	case binary.SortFunc:
		it.fn = &funcItem{typ: e.Func, ref: FuncRef{Index: -1}}
	case binary.SortInstance:
		it.inst = abstractInstance(e.Instance)
	case binary.SortComponent:
		it.comp = &componentItem{typ: e.Component}
	case binary.SortCoreModule:
		it.module = &moduleItem{typ: e.Module}
	}
	return it
}
