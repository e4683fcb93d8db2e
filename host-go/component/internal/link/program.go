// Package link resolves a decoded component into a flat program: the core modules to instantiate and their
// order, the functions to make, and how they are connected. The program has no nested components, instances
// and aliases, so a few tables are enough to make an instance.
package link

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Error is a component that is well-formed but invalid. It has the offset of the definition at fault.
type Error struct {
	Offset int
	Msg    string
	// Unsupported says that the component uses an unsupported feature. The component may be valid.
	Unsupported bool
}

// Error returns the offset and the fault.
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
	// Same has other names of the host's resources.
	Same    []SameResource
	Imports []HostFunc
	Exports []Export
	// Type returns the type of the component, for introspection. It is safe for concurrent use.
	Type func() *types.Component
	// Docs is the documentation of the component's WIT package, as the file has it, or nil.
	Docs []byte
	// Unlinkable is the reason that no host can instantiate the component, or "".
	Unlinkable string
}

// Module is a core module to compile.
type Module struct {
	Offset int
	Bytes  []byte
	Type   *wasm.Module
}

// CoreInstance is a core instance to make. It is an instance of a module, with instances for its imports.
// When Module is -1, it consists of members of other instances.
type CoreInstance struct {
	Module  int
	Args    []CoreArg
	Members []Member
}

// CoreArg is the instance for the imports from the module Name.
type CoreArg struct {
	Name     string
	Instance int
}

// Member is a member of an instance made of existing definitions.
type Member struct {
	Name string
	Ref  CoreRef
}

// CoreRef is a core definition: an export of a core instance, or a function that a canonical definition
// makes.
type CoreRef struct {
	Type     wasm.ExternType
	Instance int // -1 for a builtin
	Name     string
	Builtin  int
}

// Builtin is a core function that a canonical definition other than lift makes.
type Builtin struct {
	Kind      binary.CanonKind
	Component int // the component instance that calls it
	Core      *wasm.FuncType
	// These are for CanonLower.
	Func    FuncRef
	Type    *types.Func
	Options int
	Enter   []int // the component instances that the call enters
	// This is for CanonResource*.
	Resource int
}

// FuncRef is a component function: a function of the host, or a lifted one.
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
	Enter     []int // the component instances that a call of the host enters
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

// Resource is a resource type: one of the host, or one that a component defines.
type Resource struct {
	Name string
	// These are for a resource of the host.
	Host      bool
	Interface string
	// These are for a resource that a component defines.
	Component int
	Dtor      *CoreRef
	Enter     []int
}

// String returns the name of the host's resource with the name of its interface.
func (r *Resource) String() string { return qualified(r.Interface, r.Name) }

// SameResource is another name for a resource of the host: an import gives the name to a resource that
// another import has. Resource is the resource's index.
type SameResource struct {
	Interface, Name string
	Resource        int
}

// String returns the name with the name of its interface.
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

// String returns the name with the name of its interface.
func (f *HostFunc) String() string { return qualified(f.Interface, f.Name) }

// Export is a function or instance that the root component exports, or an instance in such an instance.
type Export struct {
	Name     binary.Name
	Sort     binary.Sort
	Func     *FuncRef
	Type     *types.Func
	Instance []Export
}
