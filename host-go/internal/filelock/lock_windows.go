package filelock

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/windows"
)

// A lock is a file that nobody else can open meanwhile, and that the system removes with its only handle.
type lock struct{ file windows.Handle }

// A file that is being removed cannot be opened for a moment, and the error is the one for a missing right.
const (
	removing      = 20
	removingPause = 5 * time.Millisecond
)

// try takes the lock of a path; nil when another has it.
func try(path string) (*lock, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	for range removing {
		var file windows.Handle
		file, err = windows.CreateFile(name, windows.GENERIC_WRITE|windows.DELETE, 0, nil, windows.OPEN_ALWAYS, windows.FILE_FLAG_DELETE_ON_CLOSE|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
		switch {
		case err == nil:
			return &lock{file}, nil
		case errors.Is(err, windows.ERROR_SHARING_VIOLATION):
			return nil, nil
		case !errors.Is(err, windows.ERROR_ACCESS_DENIED):
			return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
		}
		time.Sleep(removingPause)
	}
	return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
}

func (l *lock) release() { _ = windows.CloseHandle(l.file) }
