//go:build unix && !aix

package component

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A hold tells other processes that a folder is in use, until it is released or
// the process ends. It is a lock on the folder itself, which systemd-tmpfiles
// looks for, too.
type hold struct{ folder *os.File }

// holdFolder holds a folder; nil where the file system has no locks.
func holdFolder(dir string) *hold {
	folder, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		_ = folder.Close()
		return nil
	}
	return &hold{folder}
}

func (h *hold) release() {
	if h != nil {
		_ = h.folder.Close()
	}
}

// held says whether a process holds a folder.
func held(dir string) bool {
	folder, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer folder.Close()
	return errors.Is(unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}
