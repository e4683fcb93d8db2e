//go:build unix && !aix && !solaris

package filelock

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A lock is one that this process holds.
type lock struct{ file *os.File }

// try takes the lock of a path; nil when another has it. Each try opens the file anew: what has the name by
// now is what counts.
func try(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	return hold(file)
}

// hold locks a file that is open, or closes it.
func hold(file *os.File) (l *lock, err error) {
	for {
		if err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err == nil && current(file) {
		return &lock{file}, nil
	}
	_ = file.Close()
	if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s cannot be locked (%w): choose a folder on another file system", file.Name(), err)
	}
	return nil, nil
}

// current says whether a file still has its name: the holder before may have removed it meanwhile.
func current(file *os.File) bool {
	locked, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(file.Name())
	return err == nil && os.SameFile(locked, named)
}

// release removes the file while nobody else can hold it. A waiter that has opened the file sees that it has
// lost its name. It unlocks before it closes: a process that is being started may have the file a moment longer.
func (l *lock) release() {
	if current(l.file) {
		_ = os.Remove(l.file.Name())
	}
	_ = unix.Flock(int(l.file.Fd()), unix.LOCK_UN)
	_ = l.file.Close()
}
