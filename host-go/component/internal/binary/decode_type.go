package binary

// typeDef reads a <type>. A component or instance type may not define a resource type.
func (r *reader) typeDef(declared bool) *Type {
	t := &Type{Offset: r.pos}
	switch b := r.byte(); b {
	case 0x3f:
		if declared {
			r.fail(t.Offset, "resources can only be defined within a concrete component")
		}
		t.Def = r.resourceType()
	case 0x40:
		t.Def = r.funcType()
	case 0x43:
		r.unsupported(t.Offset, "async function types are not supported")
	case 0x41:
		r.nested(t.Offset, func() {
			t.Def = &ComponentType{vec(r, "declarators", maxDecls, func() Decl { return r.decl(true) })}
		})
	case 0x42:
		r.nested(t.Offset, func() {
			t.Def = &InstanceType{vec(r, "declarators", maxDecls, func() Decl { return r.decl(false) })}
		})
	default:
		r.pos = t.Offset
		t.Def = r.valueDef()
	}
	return t
}

func (r *reader) resourceType() *ResourceType {
	start := r.pos
	if b := r.byte(); b != 0x7f {
		r.fail(start, "resources can only be represented by `i32`")
	}
	t := &ResourceType{}
	r.optional(func() {
		f := r.u32()
		t.Dtor = &f
	})
	return t
}

func (r *reader) optional(f func()) {
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
	case 0x01:
		f()
	default:
		r.fail(start, "invalid leading byte (%#x) for an optional item", b)
	}
}

func (r *reader) funcType() *FuncType {
	t := &FuncType{Params: vec(r, "parameters", maxParams, r.labeled)}
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
		v := r.valType()
		t.Result = &v
	case 0x01:
		start = r.pos
		if b := r.byte(); b != 0x00 {
			r.fail(start, "invalid leading byte (%#x) for number of results", b)
		}
	default:
		r.fail(start, "invalid leading byte (%#x) for component function results", b)
	}
	return t
}

func (r *reader) labeled() Labeled {
	l := Labeled{Label: r.name()}
	v := r.valType()
	l.Type = &v
	return l
}

func (r *reader) variantCase() Labeled {
	l := Labeled{Label: r.name()}
	l.Type = r.optionalValType()
	start := r.pos
	if b := r.byte(); b != 0 {
		r.fail(start, "invalid leading byte (%#x) for zero byte required", b)
	}
	return l
}

func (r *reader) optionalValType() (v *ValType) {
	r.optional(func() {
		t := r.valType()
		v = &t
	})
	return v
}

func (r *reader) valType() ValType {
	start := r.pos
	v := r.s33()
	if v >= 0 {
		return ValType{Index: uint32(v)}
	}
	b := byte(v & 0x7f)
	if v < -0x40 || !isPrim(b) {
		if b == 0x64 && v >= -0x40 {
			r.unsupported(start, "error-context is not supported")
		}
		r.fail(start, "invalid leading byte (%#x) for value type", b)
	}
	return ValType{Prim: Prim(b)}
}

func isPrim(b byte) bool { return b >= byte(String) && b <= byte(Bool) }

func (r *reader) valueDef() *ValueDef {
	start := r.pos
	b := r.byte()
	if isPrim(b) {
		return &ValueDef{Kind: Primitive, Prim: Prim(b)}
	}
	d := &ValueDef{}
	elem := func() *ValType {
		t := r.valType()
		return &t
	}
	switch b {
	case 0x72:
		d.Kind, d.Fields = Record, vec(r, "record fields", maxFields, r.labeled)
	case 0x71:
		d.Kind, d.Fields = Variant, vec(r, "variant cases", maxFields, r.variantCase)
	case 0x70:
		d.Kind, d.Elem = List, elem()
	case 0x67:
		d.Kind, d.Elem, d.Length = FixedList, elem(), r.u32()
	case 0x6f:
		d.Kind, d.Types = Tuple, vec(r, "tuple types", maxFields, r.valType)
	case 0x6e:
		d.Kind, d.Labels = Flags, vec(r, "flags", maxFields, r.name)
	case 0x6d:
		d.Kind, d.Labels = Enum, vec(r, "enum cases", maxFields, r.name)
	case 0x6b:
		d.Kind, d.Elem = Option, elem()
	case 0x6a:
		d.Kind, d.OK, d.Err = Result, r.optionalValType(), r.optionalValType()
	case 0x69:
		d.Kind, d.Index = Own, r.u32()
	case 0x68:
		d.Kind, d.Index = Borrow, r.u32()
	case 0x63:
		d.Kind, d.Key, d.Elem = Map, elem(), elem()
	case 0x66:
		r.unsupported(start, "stream types are not supported")
	case 0x65:
		r.unsupported(start, "future types are not supported")
	case 0x64:
		r.unsupported(start, "error-context is not supported")
	default:
		r.fail(start, "invalid leading byte (%#x) for component defined type", b)
	}
	return d
}

func (r *reader) decl(component bool) Decl {
	start := r.pos
	switch b := r.byte(); {
	case b == 0x00:
		return r.coreType()
	case b == 0x01:
		return r.typeDef(true)
	case b == 0x02:
		a := r.alias()
		if a.Kind == AliasCoreExport {
			r.fail(start, "a core export alias is invalid in a type")
		}
		return a
	case b == 0x03 && component:
		return &ImportDecl{Offset: start, Name: r.externName(), Type: r.externType()}
	case b == 0x04:
		return &ExportDecl{Offset: start, Name: r.externName(), Type: r.externType()}
	default:
		r.fail(start, "invalid leading byte (%#x) for component or instance type declaration", b)
		return nil
	}
}

func (r *reader) externType() ExternType {
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
		r.expect(0x11, "core module type")
		return ExternType{Sort: SortCoreModule, Index: r.u32()}
	case 0x01:
		return ExternType{Sort: SortFunc, Index: r.u32()}
	case 0x02:
		r.unsupported(start, "component values are not supported")
	case 0x03:
		at := r.pos
		switch b := r.byte(); b {
		case 0x00:
			return ExternType{Sort: SortType, Index: r.u32()}
		case 0x01:
			return ExternType{Sort: SortType, SubResource: true}
		default:
			r.fail(at, "invalid leading byte (%#x) for type bound", b)
		}
	case 0x04:
		return ExternType{Sort: SortComponent, Index: r.u32()}
	case 0x05:
		return ExternType{Sort: SortInstance, Index: r.u32()}
	default:
		r.fail(start, "invalid leading byte (%#x) for component external kind", b)
	}
	return ExternType{}
}
