package binary

import "bytes"

// These are bounds on the input. They are above anything that a toolchain emits. They keep the tree in
// proportion to the file.
const (
	maxDepth  = 100
	maxDefs   = 1_000_000
	maxFields = 10_000
	maxParams = 1_000
	maxName   = 100_000
	maxDecls  = 100_000
	maxDocs   = 1 << 20
)

// docsSection is the name of the custom section with the documentation of a WIT package.
const docsSection = "package-docs"

const (
	magic            = "\x00asm"
	componentVersion = "\x0d\x00\x01\x00"
	coreVersion      = "\x01\x00\x00\x00"
)

// Decode decodes a component. It asks stop now and then, and ends with stop's error. stop may be nil. Any
// other error is an *Error.
func Decode(b []byte, stop func() error) (c *Component, err error) {
	r := &reader{b: b, end: len(b), stop: stop}
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *Error:
			c, err = nil, x
		case stopped:
			c, err = nil, x.err
		default:
			panic(x)
		}
	}()
	return r.component(0), nil
}

func (r *reader) preamble() {
	start := r.pos
	if string(r.bytes(4)) != magic {
		r.fail(start, "not WebAssembly: the magic bytes are missing")
	}
	switch string(r.bytes(4)) {
	case componentVersion:
	case coreVersion:
		r.fail(start+4, "a core module, not a component")
	default:
		r.fail(start+4, "unknown component version %#x", r.b[start+4:start+8])
	}
}

func (r *reader) component(offset int) *Component {
	c := &Component{Offset: offset}
	r.nested(offset, func() {
		r.preamble()
		for !r.done() {
			id := r.byte()
			start := r.pos
			size := r.u32()
			r.within(size, "section", func() { r.section(c, id, start) })
		}
	})
	return c
}

func (r *reader) section(c *Component, id byte, offset int) {
	switch id {
	case 0:
		if r.name() == docsSection && c.Docs == nil && r.end-r.pos <= maxDocs {
			c.Docs = bytes.Clone(r.b[r.pos:r.end])
		}
		r.pos = r.end
	case 1:
		c.Defs = append(c.Defs, r.coreModule())
	case 2:
		each(r, c, "core instances", r.coreInstance)
	case 3:
		each(r, c, "core types", r.coreType)
	case 4:
		c.Defs = append(c.Defs, r.component(r.pos))
	case 5:
		each(r, c, "instances", r.instance)
	case 6:
		each(r, c, "aliases", r.alias)
	case 7:
		each(r, c, "types", func() *Type { return r.typeDef(false) })
	case 8:
		each(r, c, "canonical definitions", r.canon)
	case 9:
		r.unsupported(offset, "component start functions are not supported")
	case 10:
		each(r, c, "imports", r.importDef)
	case 11:
		each(r, c, "exports", r.export)
	case 12:
		r.unsupported(offset, "component values are not supported")
	default:
		r.fail(offset-1, "malformed section id %d", id)
	}
}

func each[D Def](r *reader, c *Component, what string, def func() D) {
	for range r.count(what, maxDefs) {
		r.item()
		c.Defs = append(c.Defs, def())
	}
}

func (r *reader) coreModule() *CoreModule {
	m := &CoreModule{Offset: r.pos, Bytes: r.b[r.pos:r.end:r.end]}
	if len(m.Bytes) < 8 || string(m.Bytes[:4]) != magic {
		r.fail(r.pos, "core module: the magic bytes are missing")
	}
	if string(m.Bytes[4:8]) != coreVersion {
		r.fail(r.pos+4, "core module: unknown version %#x", m.Bytes[4:8])
	}
	r.pos = r.end
	return m
}

func (r *reader) coreSort() Sort {
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
		return SortCoreFunc
	case 0x01:
		return SortCoreTable
	case 0x02:
		return SortCoreMemory
	case 0x03:
		return SortCoreGlobal
	case 0x04:
		return SortCoreTag
	case 0x10:
		return SortCoreType
	case 0x11:
		return SortCoreModule
	case 0x12:
		return SortCoreInstance
	default:
		r.fail(start, "invalid leading byte (%#x) for core sort", b)
		return 0
	}
}

func (r *reader) sort() Sort {
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
		return r.coreSort()
	case 0x01:
		return SortFunc
	case 0x02:
		r.unsupported(start, "component values are not supported")
	case 0x03:
		return SortType
	case 0x04:
		return SortComponent
	case 0x05:
		return SortInstance
	default:
		r.fail(start, "invalid leading byte (%#x) for sort", b)
	}
	return 0
}

func (r *reader) coreInstance() *CoreInstance {
	i := &CoreInstance{Offset: r.pos}
	switch b := r.byte(); b {
	case 0x00:
		i.Module = r.u32()
		i.Args = vec(r, "arguments", maxDefs, func() CoreArg {
			a := CoreArg{Name: r.name()}
			start := r.pos
			if b := r.byte(); b != 0x12 {
				r.fail(start, "invalid leading byte (%#x) for core instantiation argument", b)
			}
			a.Instance = r.u32()
			return a
		})
	case 0x01:
		i.Inline = true
		i.Exports = vec(r, "inline exports", maxDefs, func() InlineExport {
			return InlineExport{Name: Name{Text: r.name()}, Sort: r.coreSort(), Index: r.u32()}
		})
	default:
		r.fail(i.Offset, "invalid leading byte (%#x) for core instance", b)
	}
	return i
}

func (r *reader) instance() *Instance {
	i := &Instance{Offset: r.pos}
	switch b := r.byte(); b {
	case 0x00:
		i.Component = r.u32()
		i.Args = vec(r, "arguments", maxDefs, func() Arg {
			return Arg{Name: r.name(), Sort: r.sort(), Index: r.u32()}
		})
	case 0x01:
		i.Inline = true
		i.Exports = vec(r, "inline exports", maxDefs, func() InlineExport {
			return InlineExport{Name: r.externName(), Sort: r.sort(), Index: r.u32()}
		})
	default:
		r.fail(i.Offset, "invalid leading byte (%#x) for instance", b)
	}
	return i
}

func (r *reader) alias() *Alias {
	a := &Alias{Offset: r.pos}
	a.Sort = r.sort()
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
		a.Kind, a.Instance, a.Name = AliasExport, r.u32(), r.name()
	case 0x01:
		a.Kind, a.Instance, a.Name = AliasCoreExport, r.u32(), r.name()
	case 0x02:
		a.Kind, a.Count, a.Index = AliasOuter, r.u32(), r.u32()
		switch a.Sort {
		case SortCoreModule, SortCoreType, SortType, SortComponent:
		default:
			r.fail(a.Offset, "an outer alias of a %s is invalid", a.Sort)
		}
	default:
		r.fail(start, "invalid leading byte (%#x) for alias", b)
	}
	return a
}

// externName reads <nameattributes>.
func (r *reader) externName() Name {
	start := r.pos
	var n Name
	switch b := r.byte(); b {
	case 0x00, 0x01:
		n.Text = r.name()
	case 0x02:
		n.Text = r.name()
		var seen [3]bool
		for range r.count("name attributes", maxFields) {
			at := r.pos
			kind := r.byte()
			if kind > 2 {
				r.fail(at, "invalid leading byte (%#x) for name attribute", kind)
			}
			if seen[kind] {
				r.fail(at, "duplicate name attribute")
			}
			seen[kind] = true
			n.HasImplements = n.HasImplements || kind == 0
			*[]*string{&n.Implements, &n.VersionSuffix, &n.ExternalID}[kind] = r.name()
		}
	default:
		r.fail(start, "invalid leading byte (%#x) for extern name", b)
	}
	return n
}

func (r *reader) importDef() *Import {
	i := &Import{Offset: r.pos}
	i.Name, i.Type = r.externName(), r.externType()
	return i
}

func (r *reader) export() *Export {
	e := &Export{Offset: r.pos}
	e.Name, e.Sort, e.Index = r.externName(), r.sort(), r.u32()
	start := r.pos
	switch b := r.byte(); b {
	case 0x00:
	case 0x01:
		t := r.externType()
		e.Type = &t
	default:
		r.fail(start, "invalid leading byte (%#x) for optional extern type", b)
	}
	return e
}
