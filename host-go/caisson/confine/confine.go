// Package confine has the kernel confine servers' commands to the folders and ports that a policy grants them
// (policy.Source has the keys). Only Linux can, by Landlock. A program that imports this package calls [Main] first
// of all:
//
//	confine.Main()
//
// The program starts a command by way of itself: the process that begins restricts itself, and then becomes the
// command. The program is not restricted. What a command starts is confined as the command is.
package confine

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/internal/confinement"
)

// Main makes the program able to confine commands. In a process that was started to become a command it does that,
// and does not return. It has to be called before the program does anything else, such as reading its arguments, and
// may be called more than once.
func Main() {
	becomeCommand()
	confinement.Register(kernel{})
}

// kernel confines by the kernel of this machine.
type kernel struct{}

// An UnsupportedError says that the kernel of this machine cannot do what a policy demands. Nothing was started.
type UnsupportedError struct {
	// Key is the key of the policy: "folders" or "ports".
	Key string
	// Have and Need are versions of the ABI of Landlock; Have is 0 where there is none.
	Have, Need int
	// Reason says why there is none.
	Reason string
}

// Error says what is missing, and the remedy.
func (e *UnsupportedError) Error() string {
	if e.Have == 0 {
		return fmt.Sprintf("%s: %s: confine the command by other means, and leave the key out", e.Key, e.Reason)
	}
	return fmt.Sprintf("%s: the kernel has version %d of Landlock, and this needs %d: use a newer kernel, or confine the command by other means and leave the key out", e.Key, e.Have, e.Need)
}
