package component

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wit"
)

// Kind is what an import or export is.
type Kind string

// The kinds of import and export.
const (
	KindFunc      Kind = "func"
	KindType      Kind = "type"
	KindInstance  Kind = "instance"
	KindComponent Kind = "component"
	KindModule    Kind = "core module"
)

// Extern is an import or export of a component.
type Extern struct {
	// Name is the name in the binary: "wasi:io/streams@0.2.3", "run".
	Name string
	// Kind says what it is.
	Kind Kind
	// Type is the type of a function or type, as WIT.
	Type string
	// Items are what an instance holds.
	Items []Extern
}

var externKinds = map[binary.Sort]Kind{
	binary.SortFunc: KindFunc, binary.SortType: KindType, binary.SortInstance: KindInstance,
	binary.SortComponent: KindComponent, binary.SortCoreModule: KindModule,
}

// Imports returns what the component imports, in its order. Texts of types are
// cut where they are long, as that of WIT is.
func (c *Compiled) Imports() []Extern { return externs(wit.NewSpeller(), c.program.Type.Imports) }

// Exports returns what the component exports, in its order, as Imports does.
func (c *Compiled) Exports() []Extern { return externs(wit.NewSpeller(), c.program.Type.Exports) }

// WIT returns the component's world as WIT, with the packages of the interfaces
// that it imports and exports. It is cut past 16 MiB, which no component comes
// near to that is not made for it, and then ends with a comment that says so.
func (c *Compiled) WIT() string { return wit.Print(c.program.Type) }

func externs(s *wit.Speller, named []types.Named) []Extern {
	out := make([]Extern, len(named))
	names := s.Names(named)
	for i, n := range named {
		out[i] = Extern{Name: n.Name.Text, Kind: externKinds[n.Sort]}
		switch {
		case n.Func != nil:
			out[i].Type = names.Func(n.Func)
		case n.Instance != nil:
			out[i].Items = externs(s, n.Instance.Exports)
		case n.Sort == binary.SortType:
			out[i].Type = names.Type(n.Type)
		}
	}
	return out
}
