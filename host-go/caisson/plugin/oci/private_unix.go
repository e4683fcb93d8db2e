//go:build unix

package oci

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private returns why a folder is not this user's alone.
func private(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return errors.New("it does not say whose it is")
	case int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d, and this process runs as user %d: choose another folder", path, stat.Uid, os.Geteuid())
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has the mode %04o, which lets others at it: take their rights away (chmod go=)", path, info.Mode().Perm())
	}
	return nil
}
