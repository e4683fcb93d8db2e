package engine

import (
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// A tap sits on the boundary between the host and one instance of the core. With what it is told
// and gives there, the core is deterministic: it is called with what the host says, and what it
// takes itself are the clocks and random bytes.
type tap interface {
	// sources sets the clocks and the random bytes.
	sources(c *wasi.Config)
	// function gives what the core calls in place of f.
	function(name string, f component.HostFunc) component.HostFunc
}

// A tappedLinker is a Linker whose functions go through a tap.
type tappedLinker struct {
	*component.Linker
	tap tap
}

// Interface shadows the Linker's.
func (l tappedLinker) Interface(name string) *tappedInterface {
	return &tappedInterface{l.Linker.Interface(name), name, l.tap}
}

type tappedInterface struct {
	defined *component.Interface
	name    string
	tap     tap
}

// Func defines a function.
func (i *tappedInterface) Func(name string, f component.HostFunc) *tappedInterface {
	i.defined.Func(name, i.tap.function(i.name+"#"+name, f))
	return i
}

// readerFunc is a function as an io.Reader.
type readerFunc func([]byte) (int, error)

// Read implements [io.Reader].
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
