package component

import (
	"context"
	"sync"
)

// Linker holds what a host gives to components. It is safe for concurrent use;
// what is defined after an instantiation has no effect on that instance.
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

// Interface returns the interface of that name, new or existing, such as
// "wasi:clocks/wall-clock@0.2.3". A component that imports any
// semver-compatible version gets it: one interface stands for 0.2.0 and 0.2.12.
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

// Func defines a function, replacing an earlier one, and returns the interface.
// Methods and constructors have the names of the component binary:
// "[constructor]x", "[method]x.y", "[static]x.y".
//
// f is a plain Go function
//
//	func(ctx context.Context, parameters...) (result, error)
//
// where the context, the result and the error may be absent, the parameters are
// those of the WIT function in its order, and all types are those of the table in
// the package documentation; or it is a HostFunc, which takes WIT values of any
// type; or what Typed makes, which a function is that is called often: a plain
// function is called through package reflect.
//
// A function's type is checked when a component is instantiated: one that does
// not fit the import is a *LinkError that has both types.
//
// An error that f returns traps the guest: the call of the export returns a
// *TrapError that wraps it, and the instance is dead. What a guest should be able
// to handle is a result of WIT's instead. The context is the one that the export
// was called with. The instance cannot be called from inside: that returns
// ErrReentered.
func (i *Interface) Func(name string, f any) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.funcs[name] = defineHost(f)
	return i
}

// Resource defines a resource type of the host and returns the interface. The
// host's values of it are Rep. When a guest drops an own handle, or is closed
// while it holds one, drop is called with its representation; nil for nothing
// to do.
func (i *Interface) Resource(name string, drop func(ctx context.Context, rep uint32)) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	if drop == nil {
		drop = func(context.Context, uint32) {}
	}
	i.resources[name] = &hostResource{drop}
	return i
}

// Use returns a resource type that another interface has a name here too, and
// returns the interface. It is for components that know the type by both names and
// say that they are one. Such a component is not linked to an interface that has a
// resource type of its own by the name; one that has none by the name need not
// say so.
func (i *Interface) Use(name string, from *Interface, as string) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.resources[name] = from.resources[as]
	return i
}

// Fallback returns every function and resource that is not defined one by one,
// and returns the interface: f is asked for a function when a component is
// instantiated, nil is none. It is for interfaces that a component may link and
// is not meant to use.
func (i *Interface) Fallback(f func(name string) HostFunc) *Interface {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fallback = f
	return i
}

// lookup returns the function of that name, nil when there is none. The lock
// is held by the caller, as below.
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

// find returns the interface that stands for name; nil when there is none. The
// lock is held by the caller.
func (l *Linker) find(name string) *Interface {
	if name == "" {
		return l.root
	}
	return l.interfaces[compatible(name)]
}
