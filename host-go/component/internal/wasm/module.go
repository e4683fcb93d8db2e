// Package wasm reads and writes the parts of core modules that the component
// layer has to know: types, imports and exports. Code it does not read; the
// core runtime validates that.
package wasm

import (
	"fmt"
	"slices"
)

// ExternKind is the kind of a core import or export.
type ExternKind byte

// The kinds, by their opcodes.
const (
	KindFunc ExternKind = iota
	KindTable
	KindMemory
	KindGlobal
	KindTag
)

// String returns the kind as the text format spells it.
func (k ExternKind) String() string {
	return [...]string{"func", "table", "memory", "global", "tag"}[k]
}

// FuncType is a core function type; value types are opcodes.
type FuncType struct {
	Params, Results []byte
}

// Equal says whether two function types are the same.
func (t *FuncType) Equal(u *FuncType) bool {
	return slices.Equal(t.Params, u.Params) && slices.Equal(t.Results, u.Results)
}

// String returns the type in the manner of the text format.
func (t *FuncType) String() string {
	return fmt.Sprintf("[%s] -> [%s]", valTypes(t.Params), valTypes(t.Results))
}

func valTypes(ts []byte) string {
	s := ""
	for i, t := range ts {
		if i > 0 {
			s += " "
		}
		s += valTypeName(t)
	}
	return s
}

func valTypeName(t byte) string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	case ExnRef:
		return "exnref"
	}
	return fmt.Sprintf("%#x", t)
}

// Value types, by their opcodes.
const (
	I32       = 0x7f
	I64       = 0x7e
	F32       = 0x7d
	F64       = 0x7c
	V128      = 0x7b
	FuncRef   = 0x70
	ExternRef = 0x6f
	ExnRef    = 0x69
)

// Limits are the limits of a table (elements) or memory (pages).
type Limits struct {
	Min, Max            uint64
	HasMax, Shared, I64 bool
}

// ExternType is the type of a core import or export.
type ExternType struct {
	Kind    ExternKind
	Func    *FuncType // KindFunc, KindTag
	Val     byte      // KindTable: element type, KindGlobal: value type
	Mutable bool      // KindGlobal
	Limits  Limits    // KindTable, KindMemory
}

// Import is an import of a module.
type Import struct {
	Module, Name string
	Type         ExternType
}

// Export is an export of a module.
type Export struct {
	Name string
	Type ExternType
}

// Module is what the outside can see of a core module.
type Module struct {
	Imports []Import
	Exports []Export
	// Memories is how many memories it has, imported ones too.
	Memories int
	// Functions is how many functions it defines.
	Functions int
	// What an instance of it makes: Tables are the limits of those it defines,
	// Globals how many it defines; Segments are those of data and elements,
	// References the functions that element segments name.
	Tables               []Limits
	Globals              int
	Segments, References int
}

// Export returns the type of the export of that name, nil when there is none.
func (m *Module) Export(name string) *ExternType {
	for i := range m.Exports {
		if m.Exports[i].Name == name {
			return &m.Exports[i].Type
		}
	}
	return nil
}
