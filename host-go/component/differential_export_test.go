package component

import (
	"maps"
	"slices"

	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// What the differential test, which is outside of the package as WASI is, has to
// know of a component.

// FuncType returns the type of an exported function.
func FuncType(f *Function) *types.Func { return f.sig.typ }

// FuncTypeOf returns the type of an exported function, by its full name.
func FuncTypeOf(c *Compiled, name string) *types.Func { return c.funcs[compatibleFunc(name)].sig.typ }

// ImportedFuncs returns the functions that a component wants of its host.
func ImportedFuncs(c *Compiled) []link.HostFunc { return c.program.Imports }

// Resources returns the resources of a component, those of its host among them.
func Resources(c *Compiled) []link.Resource { return c.program.Resources }

// FuncNames returns the names of the exported functions, sorted.
func FuncNames(c *Compiled) []string {
	var names []string
	for f := range maps.Values(c.funcs) {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}
