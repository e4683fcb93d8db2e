package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// typeDef computes a type definition.
func (l *linker) typeDef(s *scope, d *binary.Type) types.Type {
	switch def := d.Def.(type) {
	case *binary.ValueDef:
		return l.valueDef(s, d.Offset, def)
	case *binary.FuncType:
		return l.funcType(s, d.Offset, def)
	case *binary.InstanceType:
		return l.instanceType(s, d.Offset, def)
	case *binary.ComponentType:
		return l.componentType(s, d.Offset, def)
	case *binary.ResourceType:
		return l.resourceType(s, d.Offset, def)
	}
	fail(d.Offset, "unknown type definition")
	return nil
}

func (l *linker) resourceType(s *scope, offset int, d *binary.ResourceType) *types.Resource {
	r := Resource{Component: s.comp, Enter: l.enter(-1, s.comp)}
	if d.Dtor != nil {
		ref := at(s.coreFuncs, *d.Dtor, offset, binary.SortCoreFunc)
		if t := ref.Type.Func; len(t.Results) != 0 || len(t.Params) != 1 || t.Params[0] != types.I32 {
			fail(offset, "wrong signature for a destructor: expected [i32] -> [], found %s", t)
		}
		r.Dtor = &ref
	}
	l.p.Resources = append(l.p.Resources, r)
	t := &types.Resource{Index: len(l.p.Resources) - 1}
	if l.validating {
		s.valid.typ.ExportFresh = append(s.valid.typ.ExportFresh, t)
	}
	return t
}

var prims = map[binary.Prim]types.Kind{
	binary.Bool: types.Bool, binary.S8: types.S8, binary.U8: types.U8, binary.S16: types.S16,
	binary.U16: types.U16, binary.S32: types.S32, binary.U32: types.U32, binary.S64: types.S64,
	binary.U64: types.U64, binary.F32: types.F32, binary.F64: types.F64, binary.Char: types.Char,
	binary.String: types.String,
}

var kinds = [...]types.Kind{
	binary.Record: types.Record, binary.Variant: types.Variant, binary.List: types.List,
	binary.FixedList: types.FixedList, binary.Tuple: types.Tuple, binary.Flags: types.Flags,
	binary.Enum: types.Enum, binary.Option: types.Option, binary.Result: types.Result,
	binary.Own: types.Own, binary.Borrow: types.Borrow, binary.Map: types.Map,
}

func (l *linker) valueDef(s *scope, offset int, d *binary.ValueDef) *types.Value {
	if d.Kind == binary.Primitive {
		return l.u.Prim(prims[d.Prim])
	}
	v := types.Value{Kind: kinds[d.Kind], Labels: d.Labels, Length: d.Length}
	for _, f := range d.Fields {
		v.Fields = append(v.Fields, types.Field{Name: f.Label, Type: l.optionalValType(s, offset, f.Type)})
	}
	for i := range d.Types {
		v.Fields = append(v.Fields, types.Field{Type: l.valType(s, offset, d.Types[i])})
	}
	v.Elem, v.Key = l.optionalValType(s, offset, d.Elem), l.optionalValType(s, offset, d.Key)
	v.OK, v.Err = l.optionalValType(s, offset, d.OK), l.optionalValType(s, offset, d.Err)
	switch d.Kind {
	case binary.Record, binary.Variant, binary.Tuple:
		if len(v.Fields) == 0 {
			fail(offset, "%s type must have at least one %s", v.Kind, map[types.Kind]string{
				types.Record: "field", types.Variant: "case", types.Tuple: "type",
			}[v.Kind])
		}
	case binary.Flags, binary.Enum:
		if len(v.Labels) == 0 {
			fail(offset, "%s type must have at least one label", v.Kind)
		}
		if d.Kind == binary.Flags && len(v.Labels) > 32 {
			fail(offset, "cannot have more than 32 flags")
		}
	case binary.FixedList:
		if d.Length == 0 {
			fail(offset, "fixed-length lists must have more than zero elements")
		}
	case binary.Own, binary.Borrow:
		r, ok := at(s.types, d.Index, offset, binary.SortType).(*types.Resource)
		if !ok {
			fail(offset, "type index %d is not a resource type", d.Index)
		}
		v.Resource = r
	}
	if l.validating {
		l.checkValue(offset, &v)
	}
	t := l.u.Intern(v)
	if t.Depth > maxTypeDepth {
		fail(offset, "type nesting deeper than the limit of %d", maxTypeDepth)
	}
	if t.Size64 > types.MaxSize {
		fail(offset, "type size of %d bytes is larger than the limit of %d", t.Size64, types.MaxSize)
	}
	return t
}

// checkValue checks labels. It gives an identity to a type that needs a name for its use in imports and
// exports.
func (l *linker) checkValue(offset int, v *types.Value) {
	names := func() []string {
		out := make([]string, len(v.Fields))
		for i, f := range v.Fields {
			out[i] = f.Name
		}
		return out
	}
	switch v.Kind {
	case types.Record:
		checkLabels(offset, "record field", names())
	case types.Variant:
		checkLabels(offset, "variant case", names())
	case types.Flags:
		checkLabels(offset, "flag", v.Labels)
	case types.Enum:
		checkLabels(offset, "enum tag", v.Labels)
	case types.Map:
		switch v.Key.Kind {
		case types.F32, types.F64:
			fail(offset, "invalid map key type: %s", v.Key.Kind)
		default:
			if v.Key.Kind > types.String {
				fail(offset, "invalid map key type: %s", v.Key.Kind)
			}
		}
		return
	default:
		return
	}
	v.Nominal = l.nextNominal()
	v.Origin = v.Nominal
}

func (l *linker) valType(s *scope, offset int, t binary.ValType) *types.Value {
	if t.Prim != 0 {
		return l.u.Prim(prims[t.Prim])
	}
	v, ok := at(s.types, t.Index, offset, binary.SortType).(*types.Value)
	if !ok {
		fail(offset, "type index %d is not a defined type", t.Index)
	}
	return v
}

func (l *linker) optionalValType(s *scope, offset int, t *binary.ValType) *types.Value {
	if t == nil {
		return nil
	}
	return l.valType(s, offset, *t)
}

func (l *linker) funcType(s *scope, offset int, d *binary.FuncType) *types.Func {
	f := &types.Func{Result: l.optionalValType(s, offset, d.Result)}
	l.spend(offset, len(d.Params))
	for _, p := range d.Params {
		f.Params = append(f.Params, types.Field{Name: p.Label, Type: l.valType(s, offset, *p.Type)})
	}
	if l.validating {
		labels := make([]string, len(f.Params))
		for i, p := range f.Params {
			labels[i] = p.Name
		}
		checkLabels(offset, "function parameter", labels)
	}
	if f.Result != nil && f.Result.HasBorrow() {
		fail(offset, "function result cannot contain a `borrow` type")
	}
	return f
}

// externType computes the type of an import or export. It also returns the resources that the type
// introduces.
func (l *linker) externType(s *scope, offset int, name string, t binary.ExternType) (types.Extern, []*types.Resource) {
	e := types.Extern{Sort: t.Sort}
	if t.Sort == binary.SortType && t.SubResource {
		r := &types.Resource{Name: name, Index: -1}
		e.Type = r
		return e, []*types.Resource{r}
	}
	if t.Sort == binary.SortCoreModule {
		ct := at(s.coreTypes, t.Index, offset, binary.SortCoreType)
		if ct.mod == nil {
			fail(offset, "core type index %d is not a module type", t.Index)
		}
		e.Module = ct.mod
		return e, nil
	}
	typ := at(s.types, t.Index, offset, binary.SortType)
	var ok bool
	var fresh []*types.Resource
	switch t.Sort {
	case binary.SortFunc:
		e.Func, ok = typ.(*types.Func)
	case binary.SortComponent:
		e.Component, ok = typ.(*types.Component)
	case binary.SortInstance:
		if e.Instance, ok = typ.(*types.Instance); ok {
			l.spend(offset, e.Instance.Size)
			e.Instance, fresh = l.u.Open(e.Instance)
		}
	case binary.SortType:
		e.Type, ok = typ, true
	}
	if !ok {
		fail(offset, "type index %d is not a type of a %s", t.Index, t.Sort)
	}
	return e, fresh
}

func (l *linker) instanceType(s *scope, offset int, d *binary.InstanceType) *types.Instance {
	c := l.decls(s, offset, d.Decls, false)
	return &types.Instance{Exports: c.Exports, Fresh: c.ExportFresh, Size: c.Size}
}

func (l *linker) componentType(s *scope, offset int, d *binary.ComponentType) *types.Component {
	return l.decls(s, offset, d.Decls, true)
}

// decls processes the declarators of a component or instance type. For a component type it also checks that
// types have names. An instance type is checked later, when it is imported or exported.
func (l *linker) decls(outer *scope, offset int, decls []binary.Decl, component bool) *types.Component {
	v := l.newValidation()
	s := &scope{parent: outer, comp: outer.comp, valid: v}
	c := v.typ
	for _, decl := range decls {
		l.step(offset)
		switch d := decl.(type) {
		case *binary.CoreType:
			s.coreTypes = append(s.coreTypes, l.coreType(s, d))
		case *binary.Type:
			s.types = append(s.types, l.typeDef(s, d))
		case *binary.Alias:
			l.alias(s, d)
		case *binary.ImportDecl:
			if l.validating {
				l.declareImport(s, d.Offset, d.Name, d.Type)
				continue
			}
			e, fresh := l.externType(s, d.Offset, d.Name.Text, d.Type)
			c.Imports = append(c.Imports, types.Named{Name: d.Name, Extern: e})
			c.ImportFresh = append(c.ImportFresh, fresh...)
			l.grow(d.Offset, c, &e)
			s.push(abstractItem(e))
		case *binary.ExportDecl:
			e, fresh := l.externType(s, d.Offset, d.Name.Text, d.Type)
			c.ExportFresh = append(c.ExportFresh, fresh...)
			if l.validating && component {
				l.declareExport(s, d.Offset, d.Name, e, fresh)
				continue
			}
			if l.validating {
				e = l.rename(d.Name.Text, e, fresh)
				v.exports.add(d.Offset, d.Name, &e)
			}
			c.Exports = append(c.Exports, types.Named{Name: d.Name, Extern: e})
			l.grow(d.Offset, c, &e)
			s.push(abstractItem(e))
		}
	}
	return c
}
