package witjson

import (
	"encoding/json"
	"fmt"
)

// PackageDocs is the documentation of a WIT package. See component.Compiled.PackageDocs.
type PackageDocs struct {
	Docs       string                   `json:"docs"`
	Worlds     map[string]WorldDocs     `json:"worlds"`
	Interfaces map[string]InterfaceDocs `json:"interfaces"`
}

// WorldDocs is the documentation of a world: of the functions, types and interfaces that stand in it.
type WorldDocs struct {
	Docs string `json:"docs"`
	// Functions and Interfaces are of imports and of exports, where no import has the name of an export; the other
	// two are of exports.
	Functions        map[string]FuncDocs      `json:"funcs"`
	FunctionExports  map[string]FuncDocs      `json:"func_exports"`
	Interfaces       map[string]InterfaceDocs `json:"interfaces"`
	InterfaceExports map[string]InterfaceDocs `json:"interface_exports"`
	Types            map[string]TypeDocs      `json:"types"`
}

// InterfaceDocs is the documentation of an interface.
type InterfaceDocs struct {
	Docs      string              `json:"docs"`
	Functions map[string]FuncDocs `json:"funcs"`
	Types     map[string]TypeDocs `json:"types"`
}

// FuncDocs is the documentation of a function.
type FuncDocs string

// TypeDocs is the documentation of a type.
type TypeDocs struct {
	Docs string `json:"docs"`
	// Items is the documentation of fields, cases and labels.
	Items map[string]string `json:"items"`
}

// UnmarshalJSON reads a string, or an object with the string in it.
func (d *FuncDocs) UnmarshalJSON(text []byte) error {
	var whole struct {
		Docs string `json:"docs"`
	}
	if err := json.Unmarshal(text, (*string)(d)); err == nil {
		return nil
	}
	err := json.Unmarshal(text, &whole)
	*d = FuncDocs(whole.Docs)
	return err
}

// ReadDocs reads the documentation of a package, as component.Compiled.PackageDocs returns it. It returns empty
// documentation for nil.
func ReadDocs(section []byte) (*PackageDocs, error) {
	d := &PackageDocs{}
	switch {
	case len(section) == 0:
		return d, nil
	case section[0] > 1:
		return d, fmt.Errorf("witjson: the package's documentation has version %d of its format, and 1 is known", section[0])
	}
	if err := json.Unmarshal(section[1:], d); err != nil {
		return &PackageDocs{}, fmt.Errorf("witjson: the package's documentation: %w", err)
	}
	return d, nil
}

// Interface returns the documentation of an exported interface, by its name without package and version, or of one
// that stands in a world. It returns nil when there is none.
func (d *PackageDocs) Interface(name string) *InterfaceDocs {
	if i, ok := d.Interfaces[name]; ok {
		return &i
	}
	for _, w := range d.Worlds {
		for _, all := range []map[string]InterfaceDocs{w.InterfaceExports, w.Interfaces} {
			if i, ok := all[name]; ok {
				return &i
			}
		}
	}
	return nil
}

// World returns the documentation of the functions and types of a world that exports a function of this name. It
// returns nil when there is none, or when more than one world has such a function.
func (d *PackageDocs) World(function string) *InterfaceDocs {
	var found *InterfaceDocs
	for _, w := range d.Worlds {
		for _, all := range []map[string]FuncDocs{w.FunctionExports, w.Functions} {
			if _, ok := all[function]; ok {
				if found != nil {
					return nil
				}
				found = &InterfaceDocs{Docs: w.Docs, Functions: all, Types: w.Types}
				break
			}
		}
	}
	return found
}
