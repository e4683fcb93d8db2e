package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
)

// KeySize is the length of a store's key, in bytes.
const KeySize = 32

// A KeySource keeps the key that the file of a [FileStore] is encrypted with. It is safe for concurrent use.
//
// There are [FileKey], and package keyring for the operating system's keyring.
type KeySource interface {
	// Key gives the key of the store in a folder, [KeySize] bytes. Where there is none yet it makes one at
	// random, keeps it and gives it, if create is true, and otherwise fails with [ErrNoKey]. A store calls it
	// while no other process and no other goroutine does for the same folder, whose path is absolute and has no symbolic
	// links. What calls it waits for it: it ends within a few seconds.
	Key(ctx context.Context, folder string, create bool) ([]byte, error)
}

// ErrNoKey says that a [KeySource] has no key.
var ErrNoKey = errors.New("there is no key")

// NewKey makes a key at random, for a [KeySource].
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // It never fails.
	return key
}

// FileKey keeps the key in a file beside the store's: "key", of mode 0600. It protects nothing from whoever
// can read the folder, such as another program of the same user, or who gets at a backup or a stolen disk
// without encryption of its own. It helps only where the store's file gets somewhere without the other one.
type FileKey struct{}

const keyFile = "key"

// Key implements [KeySource]. A file that is no key is a [*DamagedKeyError], and one that another user could
// have read an [*UnsafeError].
func (FileKey) Key(ctx context.Context, folder string, create bool) ([]byte, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, keyFile)
	key, err := readPrivate(path, KeySize)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &DamagedKeyError{Place: path}
	case err != nil:
		return nil, err
	case key != nil && len(key) != KeySize:
		return nil, &DamagedKeyError{Place: path}
	case key != nil:
		return key, nil
	case !create:
		return nil, ErrNoKey
	}
	key = NewKey()
	return key, replacePrivate(path, key)
}
