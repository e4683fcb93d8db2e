package link

import (
	"errors"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// These are bounds on what linking may make of a component. A nested component is processed once for each
// instantiation, and there may be exponentially many in the size of the file.
const (
	maxComponents    = 10_000
	maxCoreInstances = 20_000
	maxBuiltins      = 20_000
	maxLifts         = 100_000
	maxTypeSize      = 1_000_000
	maxTypeDepth     = 100
)

// linker processes definitions and adds to the program.
type linker struct {
	u       *types.Universe
	p       *Program
	modules map[*binary.CoreModule]*moduleItem
	order   []*binary.CoreModule
	indices map[*binary.CoreModule]int
	offset  int // of the current definition
	entered map[[2]int][]int
	// validating says that the linker only checks components, and does not instantiate them.
	validating bool
	nominal    int
}

func newLinker(modules map[*binary.CoreModule]*moduleItem) *linker {
	u := types.NewUniverse()
	return &linker{
		u: u, p: &Program{Universe: u}, modules: modules, indices: map[*binary.CoreModule]int{},
		entered: map[[2]int][]int{},
	}
}

// Link validates and links a component. It asks stop now and then, and ends with stop's error. stop may be
// nil. Any other error is an *Error.
func Link(c *binary.Component, stop func() error) (p *Program, err error) {
	v, err := validate(c, stop)
	if err != nil {
		return nil, err
	}
	l := newLinker(v.modules)
	l.u.Stop = stop
	l.p.Type = v.p.Type
	return l.link(c, v.order)
}

// typeOf returns the type of a component that is valid.
func typeOf(component []byte) *types.Component {
	tree, err := binary.Decode(component, nil)
	if err != nil {
		return &types.Component{}
	}
	v, err := validate(tree, nil)
	if err != nil {
		return &types.Component{}
	}
	return v.p.Type()
}

// modulesOf adds the core modules of a component, and of those in it, in the order in which validate reads them.
func modulesOf(c *binary.Component, list []*binary.CoreModule) []*binary.CoreModule {
	for _, d := range c.Defs {
		switch d := d.(type) {
		case *binary.Component:
			list = modulesOf(d, list)
		case *binary.CoreModule:
			list = append(list, d)
		}
	}
	return list
}

// validate validates a component. The linker that it returns has the component's type and core modules.
func validate(c *binary.Component, stop func() error) (v *linker, err error) {
	v = newLinker(map[*binary.CoreModule]*moduleItem{})
	v.validating = true
	v.u.Stop = stop
	err = v.caught(func() {
		typ := v.validate(c, nil)
		v.p.Type = func() *types.Component { return typ }
	})
	return v, err
}

// link links a component with these core modules.
func (l *linker) link(c *binary.Component, modules []*binary.CoreModule) (*Program, error) {
	l.p.Docs = c.Docs
	err := l.caught(func() {
		exports := l.component(c, nil, -1, nil)
		l.p.Exports = l.exports(exports)
		for _, d := range modules {
			l.moduleIndex(l.module(d)) // a module that is never instantiated must be valid too
		}
	})
	if err != nil {
		return nil, err
	}
	return l.p, nil
}

// caught returns what f throws.
func (l *linker) caught(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *Error:
			err = x
		default:
			panic(x)
		}
	}()
	err = types.Caught(f)
	if errors.As(err, &types.Exhausted{}) {
		return &Error{Offset: l.offset, Msg: err.Error()}
	}
	return err
}

func fail(offset int, format string, args ...any) {
	panic(&Error{Offset: offset, Msg: text.Short(fmt.Sprintf(format, args...))})
}

func (l *linker) export(name binary.Name, it item) Export {
	l.u.Spend(1)
	e := Export{Name: name, Sort: it.sort}
	switch it.sort {
	case binary.SortFunc:
		e.Func, e.Type = &it.fn.ref, it.fn.typ
	case binary.SortInstance:
		e.Instance = l.exports(it.inst)
	}
	return e
}

// exports returns the functions of an instance, and the instances in it.
func (l *linker) exports(i *instanceItem) (out []Export) {
	i.fill()
	for _, n := range i.names {
		if it := i.items[n.Text]; it.sort == binary.SortFunc || it.sort == binary.SortInstance {
			out = append(out, l.export(n, it))
		}
	}
	return out
}

// component instantiates a component definition. When args is nil the component is the root, and the host
// gives its imports.
func (l *linker) component(def *binary.Component, parent *scope, parentComp int, args map[string]item) *instanceItem {
	if len(l.p.Components) >= maxComponents {
		fail(def.Offset, "more than %d component instances", maxComponents)
	}
	l.p.Components = append(l.p.Components, Component{Parent: parentComp})
	s := &scope{parent: parent, comp: len(l.p.Components) - 1, component: true}
	exports := newInstanceItem()
	for _, d := range def.Defs {
		l.step(def.Offset)
		switch d := d.(type) {
		case *binary.Component:
			s.components = append(s.components, &componentItem{def: d, scope: s})
		case *binary.Import:
			s.push(l.importDef(s, d, args, parent == nil))
		case *binary.Export:
			it := l.item(s, d.Offset, d.Sort, d.Index)
			exports.add(d.Name, it)
			s.push(it)
		default:
			l.define(s, d)
		}
	}
	return exports
}

// define processes a definition that is handled in the same way in validating and in linking.
func (l *linker) define(s *scope, d binary.Def) {
	switch d := d.(type) {
	case *binary.CoreModule:
		s.coreModules = append(s.coreModules, l.module(d))
	case *binary.CoreInstance:
		s.coreInstances = append(s.coreInstances, l.coreInstance(s, d))
	case *binary.CoreType:
		s.coreTypes = append(s.coreTypes, l.coreType(s, d))
	case *binary.Instance:
		s.instances = append(s.instances, l.instance(s, d))
	case *binary.Alias:
		l.alias(s, d)
	case *binary.Type:
		s.types = append(s.types, l.typeDef(s, d))
	case *binary.Canon:
		l.canon(s, d)
	}
}

// step counts work, so that no input makes linking take forever.
func (l *linker) step(offset int) { l.spend(offset, 1) }

// spend counts n steps.
func (l *linker) spend(offset, n int) {
	l.offset = offset
	l.u.Spend(n)
}

// module reads the types of a core module, once.
func (l *linker) module(d *binary.CoreModule) *moduleItem {
	if m := l.modules[d]; m != nil {
		return m
	}
	typ, err := wasm.Read(d.Bytes, l.u.Stop)
	if err != nil {
		core := (*wasm.Error)(nil)
		if !errors.As(err, &core) {
			panic(types.Stopped{Err: err})
		}
		panic(&Error{Offset: d.Offset, Msg: err.Error(), Unsupported: core.Unsupported})
	}
	seen := make(map[[2]string]bool, len(typ.Imports))
	for _, imp := range typ.Imports {
		key := [2]string{imp.Module, imp.Name}
		if seen[key] {
			fail(d.Offset, "duplicate import name `%s:%s` already defined", imp.Module, imp.Name)
		}
		seen[key] = true
	}
	m := &moduleItem{def: d, typ: typ}
	l.modules[d] = m
	l.order = append(l.order, d)
	return m
}

// item returns the definition with a sort and an index.
func (l *linker) item(s *scope, offset int, sort binary.Sort, i uint32) item {
	it := item{sort: sort}
	switch sort {
	case binary.SortFunc:
		it.fn = at(s.funcs, i, offset, sort)
	case binary.SortType:
		it.typ = at(s.types, i, offset, sort)
	case binary.SortInstance:
		it.inst = at(s.instances, i, offset, sort)
	case binary.SortComponent:
		it.comp = at(s.components, i, offset, sort)
	case binary.SortCoreModule:
		it.module = at(s.coreModules, i, offset, sort)
	default:
		fail(offset, "a %s cannot be imported or exported", sort)
	}
	return it
}

func at[T any](space []T, i uint32, offset int, sort binary.Sort) T {
	if uint64(i) >= uint64(len(space)) {
		fail(offset, "unknown %s %d: %s index out of bounds", sort, i, sort)
	}
	return space[i]
}

// instance returns a component instance.
func (l *linker) instance(s *scope, d *binary.Instance) *instanceItem {
	if d.Inline {
		inst := newInstanceItem()
		for _, e := range d.Exports {
			l.step(d.Offset)
			if !inst.add(e.Name, l.item(s, d.Offset, e.Sort, e.Index)) {
				fail(d.Offset, "instance export name `%s` conflicts with previous name", e.Name.Text)
			}
		}
		if l.validating {
			return l.inlineInstance(d, inst)
		}
		return inst
	}
	c := at(s.components, d.Component, d.Offset, binary.SortComponent)
	args := make(map[string]item, len(d.Args))
	for _, a := range d.Args {
		l.step(d.Offset)
		if _, dup := args[a.Name]; dup {
			fail(d.Offset, "instantiation argument `%s` conflicts with previous argument", a.Name)
		}
		args[a.Name] = l.item(s, d.Offset, a.Sort, a.Index)
	}
	if l.validating {
		return l.instantiateType(s, d.Offset, c.typ, args)
	}
	if c.def == nil {
		l.unlinkable("a component import can only be satisfied by another component")
		return abstractInstance(&types.Instance{Exports: c.typ.Exports, Size: c.typ.Size})
	}
	return l.component(c.def, c.scope, s.comp, args)
}

func (l *linker) unlinkable(why string) {
	if l.p.Unlinkable == "" {
		l.p.Unlinkable = text.Short(why)
	}
}

// importDef resolves an import: from args, or from the host at the root.
func (l *linker) importDef(s *scope, d *binary.Import, args map[string]item, root bool) item {
	if !root {
		it, ok := args[d.Name.Text]
		if !ok {
			fail(d.Offset, "missing import named `%s`", d.Name.Text)
		}
		if it.sort != d.Type.Sort {
			fail(d.Offset, "import `%s`: expected %s, found %s", d.Name.Text, d.Type.Sort, it.sort)
		}
		return it
	}
	e, fresh := l.externType(s, d.Offset, d.Name.Text, d.Type)
	h := &hostBinding{l: l, fresh: map[*types.Resource]bool{}}
	for _, r := range fresh {
		h.fresh[r] = true
	}
	return h.bind("", d.Name.Text, e)
}
