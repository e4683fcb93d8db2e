package codecache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// A lock tells other processes that a folder is in use, until the lock is released or the process ends. It is
// a file in the folder. Meanwhile nobody else can open or remove the file, and the end of the lock removes
// it.
type lock struct{ file windows.Handle }

const lockFile = "lock"

// lockFolder locks a folder. It returns nil when the file cannot be made.
func lockFolder(dir string) *lock {
	path, err := windows.UTF16PtrFromString(filepath.Join(dir, lockFile))
	if err != nil {
		return nil
	}
	file, err := windows.CreateFile(path, windows.GENERIC_WRITE|windows.DELETE, 0, nil, windows.CREATE_ALWAYS, windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return nil
	}
	return &lock{file}
}

func (l *lock) release() {
	if l != nil {
		_ = windows.CloseHandle(l.file)
	}
}

// locked reports whether a process has locked a folder.
func locked(dir string) bool {
	err := os.Remove(filepath.Join(dir, lockFile))
	return err != nil && !errors.Is(err, fs.ErrNotExist)
}
