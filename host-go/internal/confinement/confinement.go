// Package confinement says what a command is confined to, and who confines it. It links nothing: package confine
// does, for programs that import it.
package confinement

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Rules are what a command may reach. nil folders, or nil ports, are any; an empty list is none.
type Rules struct {
	// Read and Write are absolute paths of folders, with all that is in them.
	Read, Write []string
	// Folders says that the command is confined to folders.
	Folders bool
	// Connect are the TCP ports that it may connect with.
	Connect []uint16
	// Ports says that it is confined to TCP ports.
	Ports bool
}

// A Confiner has the kernel confine commands.
type Confiner interface {
	// Check returns why rules cannot be carried out here.
	Check(*Rules) error
	// Command gives the program and the arguments, with the name, which start a command under rules.
	Command(rules *Rules, path string, argv []string) (string, []string, error)
}

var confiner atomic.Pointer[Confiner]

// Register says who confines.
func Register(c Confiner) { confiner.Store(&c) }

// ErrNobody says that nobody has registered.
var ErrNobody = errors.New("the program's main does not call confine.Main (package caisson/confine)")

func registered() (Confiner, error) {
	c := confiner.Load()
	if c == nil {
		return nil, ErrNobody
	}
	return *c, nil
}

// Check returns why a command cannot be confined.
func (r *Rules) Check() error {
	c, err := registered()
	if err != nil {
		return err
	}
	return c.Check(r)
}

// Command gives what starts a command under the rules.
func (r *Rules) Command(path string, argv []string) (string, []string, error) {
	c, err := registered()
	if err == nil {
		err = c.Check(r) // The kernel is the same; a folder may have gone.
	}
	if err != nil {
		return "", nil, fmt.Errorf("it cannot be confined: %w", err)
	}
	return c.Command(r, path, argv)
}
