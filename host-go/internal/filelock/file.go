package filelock

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"
)

// A File is a lock that is taken often, and held for a moment: its file stays open, and stays behind. Nobody
// stands in a queue for it. Two of them exclude each other, in one process or in two; one of them is taken by
// one goroutine at a time.
type File struct{ file *os.File }

// longestShortPause bounds the pause of one who waits for a lock that is held for a moment.
const longestShortPause = 4 * time.Millisecond

// OpenFile opens the file of a lock, or makes it, for this user alone.
func OpenFile(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &File{file}, nil
}

// Lock waits for the lock, until the context ends. Unlock gives it back.
func (f *File) Lock(ctx context.Context) error {
	for pause := shortestPause / 8; ; pause = min(2*pause, longestShortPause) {
		taken, err := lockFile(f.file)
		if taken || err != nil {
			return err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// Unlock gives the lock back.
func (f *File) Unlock() { unlockFile(f.file) }

// Close closes the file, and gives the lock back. It may be called more than once.
func (f *File) Close() error {
	if err := f.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
