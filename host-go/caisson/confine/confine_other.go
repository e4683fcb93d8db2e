//go:build !linux

package confine

import (
	"runtime"

	"github.com/caisson-dev/caisson/host-go/internal/confinement"
)

func becomeCommand() {}

// Check implements [confinement.Confiner].
func (kernel) Check(rules *confinement.Rules) error {
	key := "folders"
	if !rules.Folders {
		key = "ports"
	}
	return &UnsupportedError{Key: key, Reason: "only Linux can confine a command, and this is " + runtime.GOOS}
}

// Command implements [confinement.Confiner].
func (k kernel) Command(rules *confinement.Rules, _ string, _ []string) (string, []string, error) {
	return "", nil, k.Check(rules)
}
