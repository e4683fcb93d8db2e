//go:build unix

package auth

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openSafely follows no link, and does not wait for the other end of a pipe.
const openSafely = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// private returns why a file or folder is not this user's alone. Root, which can do anything, has its own as
// well: what it keeps must not be another user's to change.
func private(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return &UnsafeError{Path: path, Reason: "does not say whose it is", Remedy: chooseAnother}
	case int(stat.Uid) != os.Geteuid():
		return &UnsafeError{
			Path:   path,
			Reason: fmt.Sprintf("belongs to user %d, and this process runs as user %d", stat.Uid, os.Geteuid()),
			Remedy: "run it as that user, or " + chooseAnother,
		}
	case info.Mode().Perm()&0o077 != 0:
		return &UnsafeError{
			Path:   path,
			Reason: fmt.Sprintf("has the mode %04o, which lets others at it", info.Mode().Perm()),
			Remedy: "take their rights away (chmod go=), or " + chooseAnother,
		}
	}
	return nil
}
