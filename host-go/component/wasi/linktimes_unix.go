//go:build linux || darwin

package wasi

import (
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// setLinkTimes sets the times of a link itself; os.Root cannot do that.
func setLinkTimes(r *os.Root, name string, atime, mtime time.Time) error {
	dir, base := path.Split(name)
	if base == "" || base == "." || base == ".." {
		return code("invalid")
	}
	if dir == "" {
		dir = "."
	}
	parent, err := r.Open(dir)
	if err != nil {
		return err
	}
	defer parent.Close()
	times := []unix.Timespec{unix.NsecToTimespec(atime.UnixNano()), unix.NsecToTimespec(mtime.UnixNano())}
	return unix.UtimesNanoAt(int(parent.Fd()), base, times, unix.AT_SYMLINK_NOFOLLOW)
}
