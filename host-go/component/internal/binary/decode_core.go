package binary

import "github.com/caisson-dev/caisson/host-go/component/internal/wasm"

// coreType reads a <core:type>: a function type or a module type.
func (r *reader) coreType() *CoreType {
	t := &CoreType{Offset: r.pos}
	switch b := r.byte(); b {
	case 0x60:
		t.Func = r.coreFuncType()
	case 0x50:
		r.nested(t.Offset, func() {
			t.Module = &CoreModuleType{vec(r, "module type declarators", maxDecls, r.coreModuleDecl)}
		})
	case 0x00, 0x4e, 0x4f, 0x5d, 0x5e, 0x5f:
		r.unsupported(t.Offset, "core type %#x: %s", b, wasm.UnsupportedType(b))
	default:
		r.fail(t.Offset, "invalid leading byte (%#x) for core type", b)
	}
	return t
}

func (r *reader) coreFuncType() *CoreFuncType {
	return &CoreFuncType{
		Params:  vec(r, "core parameters", maxParams, r.coreValType),
		Results: vec(r, "core results", maxParams, r.coreValType),
	}
}

func (r *reader) coreValType() byte {
	start := r.pos
	switch b := r.byte(); b {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f:
		return b
	default:
		if what := wasm.UnsupportedType(b); what != "" {
			r.unsupported(start, "core value type %#x: %s", b, what)
		}
		r.fail(start, "invalid leading byte (%#x) for core value type", b)
		return 0
	}
}

func (r *reader) coreModuleDecl() CoreModuleDecl {
	d := CoreModuleDecl{Offset: r.pos}
	switch b := r.byte(); b {
	case 0x00:
		d.Import = &CoreImport{Module: r.name(), Name: r.name(), Type: r.coreExternType()}
	case 0x01:
		at := r.pos
		d.Type = r.coreType()
		if d.Type.Module != nil {
			r.fail(at, "a module type may not be defined in a module type")
		}
	case 0x02:
		r.expect(0x10, "core alias sort")
		r.expect(0x01, "core outer alias")
		d.Alias = &Alias{Offset: d.Offset, Kind: AliasOuter, Sort: SortCoreType, Count: r.u32(), Index: r.u32()}
	case 0x03:
		d.Export = &CoreExport{Name: r.name(), Type: r.coreExternType()}
	default:
		r.fail(d.Offset, "invalid leading byte (%#x) for module type declaration", b)
	}
	return d
}

func (r *reader) coreExternType() CoreExternType {
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
		return CoreExternType{Sort: SortCoreFunc, Index: r.u32()}
	case 0x01:
		return CoreExternType{Sort: SortCoreTable, Val: r.coreValType(), Limits: r.limits()}
	case 0x02:
		return CoreExternType{Sort: SortCoreMemory, Limits: r.limits()}
	case 0x03:
		t := CoreExternType{Sort: SortCoreGlobal, Val: r.coreValType()}
		at := r.pos
		m := r.byte()
		if m > 1 {
			r.fail(at, "malformed mutability")
		}
		t.Mutable = m == 1
		return t
	case 0x04:
		r.expect(0x00, "tag attribute")
		return CoreExternType{Sort: SortCoreTag, Index: r.u32()}
	default:
		r.fail(start, "invalid leading byte (%#x) for core external kind", b)
		return CoreExternType{}
	}
}

func (r *reader) limits() Limits {
	start := r.pos
	flags := r.byte()
	switch {
	case flags > 15:
		r.fail(start, "malformed limits flags")
	case flags > 7:
		r.unsupported(start, "custom page sizes are not supported")
	}
	l := Limits{HasMax: flags&1 != 0, Shared: flags&2 != 0, I64: flags&4 != 0}
	l.Min = r.u64()
	if l.HasMax {
		l.Max = r.u64()
	}
	return l
}
