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

// Imports returns what the component imports, in its order.
func (c *Compiled) Imports() []Extern { return externs(c.program.Type.Imports) }

// Exports returns what the component exports, in its order.
func (c *Compiled) Exports() []Extern { return externs(c.program.Type.Exports) }

// WIT returns the component's world as WIT, with the packages of the interfaces
// that it imports and exports.
func (c *Compiled) WIT() string { return wit.Print(c.program.Type) }

func externs(named []types.Named) []Extern {
	out := make([]Extern, len(named))
	for i, n := range named {
		out[i] = Extern{Name: n.Name.Text, Kind: externKinds[n.Sort]}
		switch {
		case n.Func != nil:
			out[i].Type = wit.Func(n.Func, named)
		case n.Instance != nil:
			out[i].Items = externs(n.Instance.Exports)
		case n.Sort == binary.SortType:
			out[i].Type = typeText(n.Type)
		}
	}
	return out
}

func typeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Value:
		return t.String()
	case *types.Resource:
		return "resource"
	case *types.Func:
		return t.String()
	}
	return ""
}
