// Package binary decodes the binary format of the Component Model (design/mvp/Binary.md) into a tree. It
// checks only the syntax. The linker checks indices, types and names.
package binary

// Sort says which index space of a component an index refers to (Binary.md, "Instance Definitions").
type Sort uint8

// Each sort has its own index space.
const (
	SortCoreFunc Sort = iota
	SortCoreTable
	SortCoreMemory
	SortCoreGlobal
	SortCoreTag
	SortCoreType
	SortCoreModule
	SortCoreInstance
	SortFunc
	SortType
	SortComponent
	SortInstance
	NumSorts = iota
)

var sortNames = [NumSorts]string{
	"core func", "core table", "core memory", "core global", "core tag", "core type",
	"core module", "core instance", "func", "type", "component", "instance",
}

// String returns the sort in the spelling of the text format.
func (s Sort) String() string {
	if int(s) < len(sortNames) {
		return sortNames[s]
	}
	return "unknown sort"
}

// Component is a decoded component: its definitions in the order of the file.
type Component struct {
	Offset int
	Defs   []Def
	Docs   []byte // the contents of the custom section with the documentation; nil for none
}

// Def is a definition of a component: *CoreModule, *CoreInstance, *CoreType,
// *Component, *Instance, *Alias, *Type, *Canon, *Import or *Export.
type Def interface{ def() }

func (*CoreModule) def()   {}
func (*CoreInstance) def() {}
func (*CoreType) def()     {}
func (*Component) def()    {}
func (*Instance) def()     {}
func (*Alias) def()        {}
func (*Type) def()         {}
func (*Canon) def()        {}
func (*Import) def()       {}
func (*Export) def()       {}

// CoreModule is an embedded core module. Bytes aliases the decoded input.
type CoreModule struct {
	Offset int
	Bytes  []byte
}

// CoreInstance is a core instance: an instantiated module, or a set of inline exports.
type CoreInstance struct {
	Offset  int
	Inline  bool
	Module  uint32
	Args    []CoreArg
	Exports []InlineExport
}

// CoreArg is a named argument of a core instantiation. Its sort is always
// core instance.
type CoreArg struct {
	Name     string
	Instance uint32
}

// InlineExport is a named member of an instance made of existing definitions.
type InlineExport struct {
	Name  Name
	Sort  Sort
	Index uint32
}

// Instance is a component instance: an instantiated component, or a set of inline exports.
type Instance struct {
	Offset    int
	Inline    bool
	Component uint32
	Args      []Arg
	Exports   []InlineExport
}

// Arg is a named argument of a component instantiation.
type Arg struct {
	Name  string
	Sort  Sort
	Index uint32
}

// AliasKind says what an alias refers to.
type AliasKind uint8

// These are the kinds of aliases.
const (
	AliasExport AliasKind = iota
	AliasCoreExport
	AliasOuter
)

// Alias brings a definition of an instance, or of an enclosing scope, into the current index space.
type Alias struct {
	Offset   int
	Kind     AliasKind
	Sort     Sort
	Instance uint32 // export aliases
	Name     string // export aliases
	Count    uint32 // outer: how many scopes to go outwards
	Index    uint32 // outer
}

// CanonKind is a canonical definition.
type CanonKind uint8

// These are the canonical definitions of the MVP.
const (
	CanonLift CanonKind = iota
	CanonLower
	CanonResourceNew
	CanonResourceDrop
	CanonResourceRep
)

// Canon is a canonical definition: it makes a component function of a core function, or a core function of a
// component function.
type Canon struct {
	Offset  int
	Kind    CanonKind
	Func    uint32 // lift: core func, lower: func
	Type    uint32 // lift: func type, resource.*: resource type
	Options Options
}

// Encoding says how a guest stores strings.
type Encoding uint8

// These are the string encodings.
const (
	UTF8 Encoding = iota
	UTF16
	Latin1UTF16
)

// Options are the canonical options. A nil index means that the option is absent.
type Options struct {
	Encoding   Encoding
	Memory     *uint32
	Realloc    *uint32
	PostReturn *uint32
}

// Import is an import of a component.
type Import struct {
	Offset int
	Name   Name
	Type   ExternType
}

// Export is an export of a component. Type is nil when the export has no type ascription.
type Export struct {
	Offset int
	Name   Name
	Sort   Sort
	Index  uint32
	Type   *ExternType
}

// Name is the name of an import or export with its attributes.
type Name struct {
	Text          string
	Implements    string
	HasImplements bool
	VersionSuffix string
	ExternalID    string
}
