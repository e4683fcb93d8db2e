//go:build unix && !aix

package codecache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A lock tells other processes that a folder is in use, until the lock is released or the process ends. It is
// a lock on the folder itself, which systemd-tmpfiles also respects.
type lock struct{ folder *os.File }

// lockFolder locks a folder. It returns nil when the file system has no locks.
func lockFolder(dir string) *lock {
	folder, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		_ = folder.Close()
		return nil
	}
	return &lock{folder}
}

func (l *lock) release() {
	if l != nil {
		_ = l.folder.Close()
	}
}

// locked reports whether a process has locked a folder.
func locked(dir string) bool {
	folder, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer folder.Close()
	return errors.Is(unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}
