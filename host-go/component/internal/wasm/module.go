// Package wasm reads and writes core modules: their types, imports and exports, and the parts of their code
// that metering and splitting change. The core runtime validates the code.
package wasm

import (
	"fmt"
	"slices"
)

// ExternKind is the kind of a core import or export.
type ExternKind byte

// These are the kinds, by their opcodes.
const (
	KindFunc ExternKind = iota
	KindTable
	KindMemory
	KindGlobal
	KindTag
)

// String returns the kind in the spelling of the text format.
func (k ExternKind) String() string {
	return [...]string{"func", "table", "memory", "global", "tag"}[k]
}

// FuncType is a core function type. Its value types are opcodes.
type FuncType struct {
	Params, Results []byte
}

// Equal reports whether two function types are the same.
func (t *FuncType) Equal(u *FuncType) bool {
	return slices.Equal(t.Params, u.Params) && slices.Equal(t.Results, u.Results)
}

// String returns the type in a form like that of the text format.
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

// These are the value types, by their opcodes.
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

// Module is the part of a core module that is visible from outside.
type Module struct {
	Imports []Import
	Exports []Export
	// Memories is how many memories the module has, imported ones included.
	Memories int
	// Functions is how many functions the module defines.
	Functions int
	// An instance of the module makes these. Tables are the limits of the tables that the module defines.
	// Globals is how many globals it defines. Segments is how many segments of data and elements it has.
	// References is how many functions the element segments name.
	Tables               []Limits
	Globals              int
	Segments, References int
}

// Export returns the type of the export of that name, or nil when there is none.
func (m *Module) Export(name string) *ExternType {
	for i := range m.Exports {
		if m.Exports[i].Name == name {
			return &m.Exports[i].Type
		}
	}
	return nil
}
