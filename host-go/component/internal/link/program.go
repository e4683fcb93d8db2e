// Package link resolves a decoded component into a flat program: which core
// modules to instantiate in which order, which functions to make, and how they
// are wired. Nested components, instances and aliases are gone from it, so an
// instance is made by running through a few tables.
package link

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Error is a component that is well-formed and invalid, with the offset of the
// definition at fault.
type Error struct {
	Offset int
	Msg    string
	// Unsupported says that the component may be valid, and uses what is not
	// supported.
	Unsupported bool
}

// Error tells the offset and the fault.
func (e *Error) Error() string { return fmt.Sprintf("%s at offset %#x", e.Msg, e.Offset) }

// Program is a linked component.
type Program struct {
	Universe   *types.Universe
	Modules    []Module
	Instances  []CoreInstance
	Builtins   []Builtin
	Options    []Options
	Lifts      []Lift
	Components []Component
	Resources  []Resource
	// Same are further names of resources of the host.
	Same    []SameResource
	Imports []HostFunc
	Exports []Export
	// Type is the type of the component, for introspection.
	Type *types.Component
	// Unlinkable is why no host can instantiate the component; "" when one can.
	Unlinkable string
}

// Module is a core module to compile.
type Module struct {
	Offset int
	Bytes  []byte
	Type   *wasm.Module
}

// CoreInstance is a core instance to make: of a module with instances for its
// imports, or, with Module -1, of members of other instances.
type CoreInstance struct {
	Module  int
	Args    []CoreArg
	Members []Member
}

// CoreArg gives the imports from module Name.
type CoreArg struct {
	Name     string
	Instance int
}

// Member is a member of an instance made of existing definitions.
type Member struct {
	Name string
	Ref  CoreRef
}

// CoreRef is a core definition: an export of a core instance, or a function
// made by a canonical definition.
type CoreRef struct {
	Type     wasm.ExternType
	Instance int // -1 for a builtin
	Name     string
	Builtin  int
}

// Builtin is a core function made by a canonical definition other than lift.
type Builtin struct {
	Kind      binary.CanonKind
	Component int // the component instance that calls it
	Core      *wasm.FuncType
	// CanonLower.
	Func    FuncRef
	Type    *types.Func
	Options int
	Enter   []int // the component instances that the call enters
	// CanonResource*.
	Resource int
}

// FuncRef is a component function: one of the host's, or a lifted one.
type FuncRef struct {
	Host  bool
	Index int // into Imports or Lifts
}

// Lift is a lifted core function.
type Lift struct {
	Component int
	Core      CoreRef
	Type      *types.Func
	Options   int
	Enter     []int // the component instances that a call from the host enters
}

// Options are resolved canonical options.
type Options struct {
	Component  int
	Encoding   binary.Encoding
	Memory     *CoreRef
	Realloc    *CoreRef
	PostReturn *CoreRef
}

// Component is a component instance. Parent is -1 for the root.
type Component struct{ Parent int }

// Resource is a resource type: one of the host's, or defined by a component.
type Resource struct {
	Name string
	// Host.
	Host      bool
	Interface string
	// Defined by a component.
	Component int
	Dtor      *CoreRef
	Enter     []int
}

// String returns the name of a resource of the host with that of the interface.
func (r *Resource) String() string { return qualified(r.Interface, r.Name) }

// SameResource is a name that an import gives to a resource that another import
// has, by its index.
type SameResource struct {
	Interface, Name string
	Resource        int
}

// String returns the name with that of the interface.
func (r *SameResource) String() string { return qualified(r.Interface, r.Name) }

func qualified(iface, name string) string {
	if iface == "" {
		return name
	}
	return iface + "#" + name
}

// HostFunc is an imported function.
type HostFunc struct {
	Interface string // "" for the world itself
	Name      string
	Type      *types.Func
}

// String returns the name with that of the interface.
func (f *HostFunc) String() string { return qualified(f.Interface, f.Name) }

// Export is a function or instance that the root component exports, or an
// instance in it.
type Export struct {
	Name     binary.Name
	Sort     binary.Sort
	Func     *FuncRef
	Type     *types.Func
	Instance []Export
}
