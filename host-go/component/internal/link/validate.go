package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// validation is the state of a component during its validation. Only the types of its imports are known, and
// of the instances that it makes.
type validation struct {
	imports, exports *namespace
	// importable are the types that imports may use. exportable are the types that exports may use.
	importable, exportable *types.Visible
	typ                    *types.Component
}

func (l *linker) newValidation() *validation {
	return &validation{
		imports: newNamespace("import"), exports: newNamespace("export"),
		importable: l.u.NewVisible(), exportable: l.u.NewVisible(), typ: &types.Component{Size: 1},
	}
}

// validate checks a component definition and returns its type. Its additions to the program are not used:
// linking processes each instantiation anew.
func (l *linker) validate(def *binary.Component, parent *scope) *types.Component {
	l.p.Components = append(l.p.Components, Component{Parent: -1})
	v := l.newValidation()
	s := &scope{parent: parent, comp: len(l.p.Components) - 1, component: true, valid: v}
	for _, d := range def.Defs {
		l.step(def.Offset)
		switch d := d.(type) {
		case *binary.Component:
			s.components = append(s.components, &componentItem{typ: l.validate(d, s)})
		case *binary.Import:
			l.declareImport(s, d.Offset, d.Name, d.Type)
		case *binary.Export:
			l.validateExport(s, d)
		default:
			l.define(s, d)
		}
	}
	return v.typ
}

// declareImport checks an import of a component or of a component type.
func (l *linker) declareImport(s *scope, offset int, name binary.Name, t binary.ExternType) {
	v := s.valid
	e, fresh := l.externType(s, offset, name.Text, t)
	if !v.importable.Named(&e) {
		fail(offset, "%s not valid to be used as import: `%s` refers to a type that has no name", e.Sort, name.Text)
	}
	e = l.rename(name.Text, e, fresh)
	v.imports.add(offset, name, &e)
	v.importable.Add(&e)
	v.exportable.Add(&e)
	v.typ.Imports = append(v.typ.Imports, types.Named{Name: name, Extern: e})
	v.typ.ImportFresh = append(v.typ.ImportFresh, fresh...)
	l.grow(offset, v.typ, &e)
	s.push(abstractItem(e))
}

// rename gives new identities to the types of an import or export, except to those that it introduces itself.
func (l *linker) rename(name string, e types.Extern, fresh []*types.Resource) types.Extern {
	if len(fresh) > 0 && e.Sort == binary.SortType {
		return e
	}
	return l.u.Rename(name, e, l.nextNominal)
}

func (l *linker) nextNominal() int {
	l.nominal++
	return l.nominal
}

// grow bounds the size of a component type.
func (l *linker) grow(offset int, t *types.Component, e *types.Extern) {
	l.spend(offset, e.Size())
	t.Size += e.Size()
	if t.Size > maxTypeSize {
		fail(offset, "effective type size exceeds the limit of %d", maxTypeSize)
	}
}

// validateExport checks an export of a component, with its type ascription if it has one.
func (l *linker) validateExport(s *scope, d *binary.Export) {
	it := l.item(s, d.Offset, d.Sort, d.Index)
	e := it.extern()
	var fresh []*types.Resource
	if d.Type != nil {
		var want types.Extern
		want, fresh = l.externType(s, d.Offset, d.Name.Text, *d.Type)
		if why := l.u.NewMatch(fresh).Extern(&e, &want); why != "" {
			fail(d.Offset, "ascribed type of export is not compatible with item's type: %s", why)
		}
		e = want
	}
	l.declareExport(s, d.Offset, d.Name, e, fresh)
	s.valid.typ.ExportFresh = append(s.valid.typ.ExportFresh, fresh...)
}

// declareExport adds an export of a component or of a component type.
func (l *linker) declareExport(s *scope, offset int, name binary.Name, e types.Extern, fresh []*types.Resource) {
	v := s.valid
	if !v.exportable.Named(&e) {
		fail(offset, "%s not valid to be used as export: `%s` refers to a type that has no name", e.Sort, name.Text)
	}
	e = l.rename(name.Text, e, fresh)
	v.exports.add(offset, name, &e)
	v.exportable.Add(&e)
	v.typ.Exports = append(v.typ.Exports, types.Named{Name: name, Extern: e})
	l.grow(offset, v.typ, &e)
	s.push(abstractItem(e))
}

// instantiateType checks the arguments of an instantiation against the imports of the component. It returns
// the exports. They have the resources that the arguments give, and new ones for the component's own
// resources.
func (l *linker) instantiateType(s *scope, offset int, c *types.Component, args map[string]item) *instanceItem {
	m := l.u.NewMatch(c.ImportFresh)
	l.spend(offset, c.Size)
	for i := range c.Imports {
		imp := &c.Imports[i]
		arg, ok := args[imp.Name.Text]
		if !ok {
			fail(offset, "missing import named `%s`", imp.Name.Text)
		}
		have := arg.extern()
		if why := m.Extern(&have, &imp.Extern); why != "" {
			fail(offset, "type mismatch for import `%s`: %s", imp.Name.Text, why)
		}
	}
	for _, r := range c.ExportFresh {
		fresh := &types.Resource{Name: r.Name, Index: -1}
		m.Bind.Add(r, fresh)
		s.valid.typ.ExportFresh = append(s.valid.typ.ExportFresh, fresh)
	}
	if len(s.valid.typ.ExportFresh) > maxTypeSize {
		fail(offset, "more than %d resource types", maxTypeSize)
	}
	return abstractInstance(&types.Instance{Exports: m.Bind.Named(c.Exports), Size: c.Size})
}

// inlineInstance checks the names of an instance made of existing definitions. It gives the instance's types
// new identities.
func (l *linker) inlineInstance(d *binary.Instance, inst *instanceItem) *instanceItem {
	e := l.u.Rename("", types.Extern{Sort: binary.SortInstance, Instance: inst.extern()}, l.nextNominal)
	l.spend(d.Offset, e.Instance.Size)
	original := newNamespace("instance export")
	for _, x := range e.Instance.Exports {
		had := inst.items[x.Name.Text].extern()
		if x.Sort == binary.SortFunc {
			original.add(d.Offset, x.Name, &had)
		} else {
			original.add(d.Offset, x.Name, &x.Extern)
		}
	}
	return abstractInstance(e.Instance)
}

// checkOuter checks an outer alias. It must not take a resource across the boundary of a component, and must
// take only types into a type.
func (l *linker) checkOuter(s *scope, d *binary.Alias) {
	if !s.component && d.Sort != binary.SortType && d.Sort != binary.SortCoreType {
		fail(d.Offset, "aliases in a type may only refer to types or instances")
	}
	crosses := false
	outer := s
	for range d.Count {
		if outer == nil {
			return
		}
		crosses = crosses || outer.component
		outer = outer.parent
	}
	if outer == nil || !crosses || d.Sort != binary.SortType {
		return
	}
	t := at(outer.types, d.Index, d.Offset, d.Sort)
	if l.u.FreeResource(t) {
		fail(d.Offset, "cannot alias outer type which transitively refers to resources not defined in the current component")
	}
}
