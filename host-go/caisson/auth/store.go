package auth

import "context"

// A Store keeps what authorization has to remember: for each key one entry, a text in JSON that is full
// of secrets. It is safe for concurrent use, by several processes too where it outlives one.
type Store interface {
	// Lock waits for the turn of a key, and gives what ends the turn. While one has it, no other process and
	// no other goroutine gets it for the same key; when the process ends, the turn ends. It fails when the
	// context ends.
	Lock(ctx context.Context, key string) (unlock func(), err error)
	// Load gives the entry of a key, and nil where there is none.
	Load(ctx context.Context, key string) ([]byte, error)
	// Save puts an entry in the place of the one that is there. When it returns, the entry is kept; when it
	// fails or the process ends meanwhile, the one before is.
	Save(ctx context.Context, key string, entry []byte) error
	// Delete removes an entry. One that is not there is no error.
	Delete(ctx context.Context, key string) error
	// Keys gives the keys of all entries, sorted.
	Keys(ctx context.Context) ([]string, error)
}
