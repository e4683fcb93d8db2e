package auth

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

// A process that holds the file and does not go on makes no other one wait for ever.
func TestBusy(t *testing.T) {
	store, err := OpenFileStore(FileStoreOptions{Folder: t.TempDir() + "/store"})
	if err != nil {
		t.Fatal(err)
	}
	release, err := filelock.Lock(t.Context(), filepath.Join(store.Folder(), folderLock))
	if err != nil {
		t.Fatal(err)
	}
	store.wait = 10 * time.Millisecond
	var busy *BusyError
	if err := store.Save(t.Context(), "key", nil); !errors.As(err, &busy) || busy.Folder != store.Folder() {
		t.Errorf("%v", err)
	}
	store.wait = MaxTurnWait
	because := errors.New("because")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, because)
	defer cancel()
	if _, err := store.Keys(ctx); !errors.Is(err, because) {
		t.Errorf("%v", err)
	}
	release()
	if err := store.Save(t.Context(), "key", nil); err != nil {
		t.Error(err)
	}
}
