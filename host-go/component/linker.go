package component

import (
	"context"
	"sync"
)

// Linker holds what a host gives to components. It is safe for concurrent use. A later definition has no
// effect on an instance that already exists.
type Linker struct {
	mu         sync.RWMutex
	root       *Interface
	interfaces map[string]*Interface
}

// Interface is a named set of functions and resources of a Linker.
type Interface struct {
	mu        *sync.RWMutex
	funcs     map[string]hostDef
	resources map[string]*hostResource
	fallback  func(name string) HostFunc
}

// hostResource is a resource type of the host.
type hostResource struct {
	drop func(ctx context.Context, rep uint32)
}

// NewLinker returns a Linker that gives nothing.
func NewLinker() *Linker {
	l := &Linker{interfaces: map[string]*Interface{}}
	l.root = l.newInterface()
	return l
}

func (l *Linker) newInterface() *Interface {
	return &Interface{
		mu: &l.mu, funcs: map[string]hostDef{},
		resources: map[string]*hostResource{},
	}
}

// Interface returns the interface of that name, such as "wasi:clocks/wall-clock@0.2.3", and makes it when it
// is new. A component that imports any semver-compatible version gets the interface: one interface stands for
// 0.2.0 and 0.2.12.
func (l *Linker) Interface(name string) *Interface {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := compatible(name)
	i := l.interfaces[key]
	if i == nil {
		i = l.newInterface()
		l.interfaces[key] = i
	}
	return i
}

// Root returns the functions and resources that a world imports directly,
// outside any interface.
func (l *Linker) Root() *Interface { return l.root }

// Func defines a function, in place of an earlier one of that name, and returns the interface. Methods and
// constructors have the names of the component binary: "[constructor]x", "[method]x.y", "[static]x.y".
//
// f is one of three:
//   - A plain Go function func(ctx context.Context, parameters...) (result, error).
//     The context, the result and the error may be absent. The parameters are those of the WIT function
//     in its order, and the table in the package documentation has the types that fit.
//   - A HostFunc, which takes WIT values of any type.
//   - What Typed returns, for a function that is called often. The runtime calls a plain function through
//     package reflect.
//
// The runtime checks the type of a function when it instantiates a component. A function that does not fit
// the import causes a *LinkError with both types.
//
// An error that f returns traps the guest: the call of the export returns a *TrapError that wraps the error,
// and the instance is dead. When a guest should handle a failure, return it as a result of WIT instead. The
// context of f is the context of the call of the export. f cannot call the instance: such a call returns
// ErrReentered.
func (i *Interface) Func(name string, f any) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.funcs[name] = defineHost(f)
	return i
}

// Resource defines a resource type of the host and returns the interface. The host's values of the type are
// Rep. The runtime calls drop with the representation when a guest drops an own handle, or is closed while it
// holds one. drop may be nil.
func (i *Interface) Resource(name string, drop func(ctx context.Context, rep uint32)) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	if drop == nil {
		drop = func(context.Context, uint32) {}
	}
	i.resources[name] = &hostResource{drop}
	return i
}

// Use gives the resource type as of the interface from a name in this interface too, and returns this
// interface. It is for components that know the type by both names and say that the two are one type. The
// runtime refuses to link such a component when this interface has a different resource type of the name.
// When this interface has no resource type of the name, the component is linked without Use.
func (i *Interface) Use(name string, from *Interface, as string) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.resources[name] = from.resources[as]
	return i
}

// Fallback defines every function and resource that has no definition of its own, and returns the interface.
// The runtime asks f for a function when it instantiates a component. f returns nil for no function. Use
// Fallback for interfaces that a component may link but is not meant to use.
func (i *Interface) Fallback(f func(name string) HostFunc) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fallback = f
	return i
}

// lookup returns the function of that name, or nil when there is none. The caller holds the lock, here and in
// lookupResource.
func (i *Interface) lookup(name string) hostDef {
	if f := i.funcs[name]; f != nil {
		return f
	}
	if i.fallback != nil {
		if f := i.fallback(name); f != nil {
			return f
		}
	}
	return nil
}

func (i *Interface) lookupResource(name string) *hostResource {
	if r := i.resources[name]; r != nil {
		return r
	}
	if i.fallback != nil {
		return &hostResource{func(context.Context, uint32) {}}
	}
	return nil
}

// find returns the interface that stands for name, or nil when there is none. The caller holds the lock.
func (l *Linker) find(name string) *Interface {
	if name == "" {
		return l.root
	}
	return l.interfaces[compatible(name)]
}
