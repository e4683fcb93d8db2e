package component

import (
	"slices"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wit"
)

// Kind says what an import or export is.
type Kind string

// These are the kinds of imports and exports.
const (
	KindFunc      Kind = "func"
	KindType      Kind = "type"
	KindInstance  Kind = "instance"
	KindComponent Kind = "component"
	KindModule    Kind = "core module"
)

// Extern is an import or export of a component.
type Extern struct {
	// Name is the name in the binary, such as "wasi:io/streams@0.2.3" or "run".
	Name string
	// Kind says what the import or export is.
	Kind Kind
	// Type is the type of a function or type, as WIT.
	Type string
	// Func is the type of a function. It is nil for everything else.
	Func *FuncType
	// Items are the imports or exports in an instance.
	Items []Extern
}

var externKinds = map[binary.Sort]Kind{
	binary.SortFunc: KindFunc, binary.SortType: KindType, binary.SortInstance: KindInstance,
	binary.SortComponent: KindComponent, binary.SortCoreModule: KindModule,
}

// Imports returns what the component imports, in the component's order. Long texts of types are cut, as WIT
// cuts them.
func (c *Compiled) Imports() []Extern { return externs(wit.NewSpeller(), c.program.Type().Imports) }

// Exports returns what the component exports, in the component's order. Long texts of types are cut, as WIT
// cuts them.
func (c *Compiled) Exports() []Extern {
	return externs(wit.NewSpeller(), c.program.Type().Exports, c.program.Type().Imports...)
}

// WIT returns the component's world as WIT, with the packages of the interfaces that it imports and exports.
// Text past 16 MiB is cut, and a last comment says so; only a component that is made for it gets so long.
func (c *Compiled) WIT() string { return wit.Print(c.program.Type()) }

// PackageDocs returns the documentation of the component's WIT package: the contents of its custom section
// "package-docs", a byte for the version of the format and JSON. Toolchains leave the section out unless they are
// told to write it. PackageDocs returns nil for a component without it, for one that has more than 1 MiB of it,
// and for one that was prepared.
func (c *Compiled) PackageDocs() []byte { return c.program.Docs }

// externs returns what named has. scope has more definitions whose names its types may have.
func externs(s *wit.Speller, named []types.Named, scope ...types.Named) []Extern {
	out := make([]Extern, len(named))
	names, describe := s.Names(named), newDescriber(slices.Concat(scope, named))
	for i, n := range named {
		out[i] = Extern{Name: n.Name.Text, Kind: externKinds[n.Sort]}
		switch {
		case n.Func != nil:
			out[i].Type, out[i].Func = names.Func(n.Func), describe.function(n.Func)
		case n.Instance != nil:
			out[i].Items = externs(s, n.Instance.Exports)
		case n.Sort == binary.SortType:
			out[i].Type = names.Type(n.Type)
		}
	}
	return out
}
