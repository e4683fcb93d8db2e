package component

import (
	"iter"
	"slices"

	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// The differential test is outside this package, as package wasi is. These functions tell it what it has to
// know of a component.

// TypeOf returns the type of an exported function.
func TypeOf(f *Function) *types.Func { return f.sig.Type }

// TypeOfName returns the type of an exported function, by its full name.
func TypeOfName(c *Compiled, name string) *types.Func {
	f, _ := c.exports.find(name)
	return f.sig.Type
}

// ImportedFuncs returns the functions that a component imports from its host.
func ImportedFuncs(c *Compiled) []link.HostFunc { return c.program.Imports }

// Resources returns the resources of a component, including those of its host.
func Resources(c *Compiled) []link.Resource { return c.program.Resources }

// FuncNames returns the names of the exported functions, sorted.
func FuncNames(c *Compiled) []string {
	var names []string
	for name := range c.exports.all("") {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// all iterates over the functions by their full names, which begin with prefix.
func (s *exportSet) all(prefix string) iter.Seq2[string, exportedFunc] {
	return func(yield func(string, exportedFunc) bool) {
		for name, f := range s.funcs {
			if !yield(prefix+name, f) {
				return
			}
		}
		for _, set := range s.sets {
			for name, f := range set.all(prefix + set.name + "#") {
				if !yield(name, f) {
					return
				}
			}
		}
	}
}
