//go:build (!unix && !windows) || aix || solaris

package filelock

import (
	"errors"
	"fmt"
)

type lock struct{}

// try fails: without locks of the system, a process that was killed would hold its lock for ever.
func try(path string) (*lock, error) {
	return nil, fmt.Errorf("%s cannot be locked: %w on this platform", path, errors.ErrUnsupported)
}

func (*lock) release() {}
