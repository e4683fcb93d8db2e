package engine

import (
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// An interceptor sits on the boundary between the host and one instance of the core. Everything that makes
// the core's work differ crosses this boundary: the calls of its exports, the results of its imports, the
// clocks and the random bytes.
type interceptor interface {
	// sources sets the clocks and the random bytes.
	sources(c *wasi.Config)
	// function returns the function that the core calls in place of f.
	function(name string, f component.HostFunc) component.HostFunc
}

// An interceptedLinker is a Linker whose functions go through an interceptor.
type interceptedLinker struct {
	*component.Linker
	interceptor
}

// Interface shadows the Linker's.
func (l interceptedLinker) Interface(name string) *interceptedInterface {
	return &interceptedInterface{l.Linker.Interface(name), name, l.interceptor}
}

type interceptedInterface struct {
	defined *component.Interface
	name    string
	interceptor
}

// Func defines a function.
func (i *interceptedInterface) Func(name string, f component.HostFunc) *interceptedInterface {
	i.defined.Func(name, i.interceptor.function(i.name+"#"+name, f))
	return i
}
