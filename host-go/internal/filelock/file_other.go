//go:build (!unix && !windows) || aix || solaris

package filelock

import (
	"errors"
	"fmt"
	"os"
)

func lockFile(file *os.File) (bool, error) {
	return false, fmt.Errorf("%s cannot be locked: %w on this platform", file.Name(), errors.ErrUnsupported)
}

func unlockFile(*os.File) {}
