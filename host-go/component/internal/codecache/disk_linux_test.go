package codecache

import (
	"testing"

	"golang.org/x/sys/unix"
)

// mount mounts a file system of a few bytes for the time of the test. It skips the test when mounting is not
// allowed.
func mount(t *testing.T, dir, size string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("mounting a file system: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// A full disk costs only time, whether it is full from the beginning or fills up.
func TestFullDisk(t *testing.T) {
	for _, size := range []string{"4k", "16k", "24k", "64k"} {
		t.Run(size, func(t *testing.T) {
			dir := t.TempDir()
			mount(t, dir, size)
			for range 3 {
				mustFill(t, dir)
			}
			cacheFiles(t, dir)
		})
	}
}

// A cache on a read-only disk is read, and does no harm when it is damaged.
func TestReadOnlyDisk(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, "1m")
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	if _, err := fill(dir, 1<<20); err != nil {
		t.Fatal(err)
	}
	remount(0)
	mustFill(t, dir)
	remount(unix.MS_RDONLY)
	if !mustFill(t, dir) {
		t.Error("the cache is not read")
	}
	remount(0)
	for _, path := range cacheFiles(t, dir) {
		damage(t, path)
	}
	remount(unix.MS_RDONLY)
	mustFill(t, dir)
}
