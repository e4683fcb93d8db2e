package binary

// Type is a definition in the type index space of a component, a component type or an instance type.
type Type struct {
	Offset int
	Def    TypeDef
}

// TypeDef is the body of a type definition: *ValueDef, *FuncType,
// *ComponentType, *InstanceType or *ResourceType.
type TypeDef interface{ typeDef() }

func (*ValueDef) typeDef()      {}
func (*FuncType) typeDef()      {}
func (*ComponentType) typeDef() {}
func (*InstanceType) typeDef()  {}
func (*ResourceType) typeDef()  {}

// ValueKind is the constructor of a defined value type.
type ValueKind uint8

// These are the constructors of value types, in the order of Binary.md.
const (
	Primitive ValueKind = iota
	Record
	Variant
	List
	FixedList
	Tuple
	Flags
	Enum
	Option
	Result
	Own
	Borrow
	Map
)

// Prim is a primitive value type, by its opcode.
type Prim uint8

// These are the primitive value types.
const (
	Bool   Prim = 0x7f
	S8     Prim = 0x7e
	U8     Prim = 0x7d
	S16    Prim = 0x7c
	U16    Prim = 0x7b
	S32    Prim = 0x7a
	U32    Prim = 0x79
	S64    Prim = 0x78
	U64    Prim = 0x77
	F32    Prim = 0x76
	F64    Prim = 0x75
	Char   Prim = 0x74
	String Prim = 0x73
)

// ValType refers to a value type: a primitive type, or a type with an index.
type ValType struct {
	Prim  Prim // 0 for an index
	Index uint32
}

// Labeled is a record field, a variant case or a parameter. A case without a
// payload has a nil type.
type Labeled struct {
	Label string
	Type  *ValType
}

// ValueDef is a defined value type.
type ValueDef struct {
	Kind   ValueKind
	Prim   Prim      // Primitive
	Fields []Labeled // Record, Variant
	Types  []ValType // Tuple
	Labels []string  // Flags, Enum
	Elem   *ValType  // List, FixedList, Option; Map: the value
	Key    *ValType  // Map
	OK     *ValType  // Result
	Err    *ValType  // Result
	Length uint32    // FixedList
	Index  uint32    // Own, Borrow: the resource type
}

// FuncType is a component function type. Result is nil when there is none.
type FuncType struct {
	Params []Labeled
	Result *ValType
}

// ResourceType is a resource type that a component defines. Dtor is nil when there is none.
type ResourceType struct {
	Dtor *uint32
}

// ComponentType is a component type: declarators in order.
type ComponentType struct{ Decls []Decl }

// InstanceType is an instance type: declarators in order. None of them is an import.
type InstanceType struct{ Decls []Decl }

// Decl is a declarator: *CoreType, *Type, *Alias, *ImportDecl or *ExportDecl.
type Decl interface{ decl() }

func (*CoreType) decl()   {}
func (*Type) decl()       {}
func (*Alias) decl()      {}
func (*ImportDecl) decl() {}
func (*ExportDecl) decl() {}

// ImportDecl declares an import of a component type.
type ImportDecl struct {
	Offset int
	Name   Name
	Type   ExternType
}

// ExportDecl declares an export of a component or instance type.
type ExportDecl struct {
	Offset int
	Name   Name
	Type   ExternType
}

// ExternType is the type of an import or export.
type ExternType struct {
	Sort Sort
	// Index is the type index. For a type with an equality bound it is the index of the type that it equals.
	Index uint32
	// SubResource reports the bound (sub resource): an abstract resource type.
	SubResource bool
}

// CoreType is a definition in the core type index space: a function type or a module type.
type CoreType struct {
	Offset int
	Func   *CoreFuncType
	Module *CoreModuleType
}

// CoreFuncType is a core function type. Its value types are opcodes.
type CoreFuncType struct {
	Params, Results []byte
}

// CoreModuleType is a core module type.
type CoreModuleType struct{ Decls []CoreModuleDecl }

// CoreModuleDecl is a declarator of a module type. Exactly one field is set.
type CoreModuleDecl struct {
	Offset int
	Import *CoreImport
	Type   *CoreType
	Alias  *Alias
	Export *CoreExport
}

// CoreImport is an import of a module type.
type CoreImport struct {
	Module, Name string
	Type         CoreExternType
}

// CoreExport is an export of a module type.
type CoreExport struct {
	Name string
	Type CoreExternType
}

// CoreExternType is the type of a core import or export.
type CoreExternType struct {
	Sort    Sort
	Index   uint32 // func, tag: the core type
	Val     byte   // table: the element type; global: the value type
	Mutable bool   // global
	Limits  Limits // table, memory
}

// Limits are the limits of a table or memory.
type Limits struct {
	Min, Max    uint64
	HasMax      bool
	Shared, I64 bool
}
