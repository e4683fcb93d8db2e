package keyring

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// A Place is where a key is.
type Place string

// The places.
const (
	// PlaceUnknown: nobody has asked for the key yet, or there is none.
	PlaceUnknown Place = ""
	// PlaceKeyring: the operating system's keyring has it.
	PlaceKeyring Place = "keyring"
	// PlaceFile: a file beside the store has it, see [auth.FileKey].
	PlaceFile Place = "file"
)

// A Fallback keeps a key in the operating system's keyring, or in a file where there is no keyring. It implements
// [auth.KeySource].
//
// The choice is made once, when a store's first entry is saved, and for all processes: a folder with a key in a file
// keeps it there, also when there is a keyring later; and what was encrypted with a key in the keyring is never
// given up for a key in a file. So a session without the keyring fails with an [*UnavailableError], and takes no login
// away from the others.
type Fallback struct {
	// Timeout is how long it waits for the keyring. Default: [DefaultTimeout].
	Timeout time.Duration

	mu    sync.Mutex
	place Place
	why   error
}

// OrFile makes a [Fallback]. It decides when the store asks for its key.
func OrFile() *Fallback { return &Fallback{} }

// Taken says where the key is that this process was given last, and, where that is a file because the
// keyring could not be used just now, why it could not.
func (f *Fallback) Taken() (place Place, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.place, f.why
}

// Key implements [auth.KeySource].
func (f *Fallback) Key(ctx context.Context, folder string, create bool) ([]byte, error) {
	key, err := auth.FileKey{}.Key(ctx, folder, false)
	if !errors.Is(err, auth.ErrNoKey) {
		return f.took(PlaceFile, nil, key, err)
	}
	key, err = Key{Timeout: f.Timeout}.Key(ctx, folder, create)
	var unavailable *UnavailableError
	if create && errors.As(err, &unavailable) {
		key, err = auth.FileKey{}.Key(ctx, folder, true)
		return f.took(PlaceFile, unavailable, key, err)
	}
	return f.took(PlaceKeyring, nil, key, err)
}

// took keeps where a key is, if there is one.
func (f *Fallback) took(place Place, why error, key []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.place, f.why = place, why
	return key, nil
}
