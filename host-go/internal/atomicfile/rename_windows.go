package atomicfile

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// patience is how long rename waits for others to close a file: they read it in a moment.
const patience = 2 * time.Second

// rename replaces a file. Windows refuses that while somebody has it open.
func rename(from, to string) error {
	for end, pause := time.Now().Add(patience), time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := os.Rename(from, to)
		open := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !open || time.Now().After(end) {
			return err
		}
		time.Sleep(pause)
	}
}

// cannotSync reports whether the system does not sync folders: Windows does not.
func cannotSync(error) bool { return true }
