// Package keyring keeps the key of an [auth.FileStore] in the operating system's keyring: the Secret Service
// (GNOME Keyring, KWallet and others) on Linux and the BSDs, the Keychain on macOS, the Credential Manager on
// Windows. It is a package of its own, so that only a program that imports it links the libraries for it.
//
// [Key] takes the keyring alone, and [OrFile] a file where there is no keyring:
//
//	store, err := auth.OpenFileStore(auth.FileStoreOptions{Key: keyring.OrFile()})
//
// Nothing here waits longer than [Key.Timeout]: a container, or a session over SSH, often has a keyring that nobody
// can unlock.
//
// A keyring protects the key from other users, from backups, and from whoever finds the disk; on Linux and
// Windows not from other programs of the same user. On macOS the key is read by the program
// /usr/bin/security, so whatever may run that one may read the key.
package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	library "github.com/zalando/go-keyring"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// DefaultTimeout is how long a [Key] waits for the keyring by default.
const DefaultTimeout = 5 * time.Second

// Key keeps the key in the operating system's keyring. It implements [auth.KeySource].
//
// Each folder has an item of its own, of the service "caisson"; the item's user is "credentials" and the SHA-256
// of the folder's path, shortened. So a folder that is moved loses its key, and a folder that several machines
// share needs an [auth.FileKey].
type Key struct {
	// Timeout is how long it waits for the keyring; a person who is asked for the keyring's password has that
	// long, too. Default: [DefaultTimeout].
	Timeout time.Duration
}

// Key implements [auth.KeySource]. It fails with an [*UnavailableError] where there is no keyring, or none
// that answers in time, and with an [*auth.DamagedKeyError] where the item is not a key.
func (k Key) Key(ctx context.Context, folder string, create bool) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	timeout := k.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	user := item(folder)
	// One call for all, so that the time is theirs together.
	key, err := within(ctx, timeout, func() ([]byte, error) {
		text, err := library.Get(service, user)
		switch {
		case err == nil:
			return decode(text, user)
		case !errors.Is(err, library.ErrNotFound):
			return nil, err
		case !create:
			return nil, auth.ErrNoKey
		}
		return makeKey(user)
	})
	var damaged *auth.DamagedKeyError
	if err == nil || errors.Is(err, auth.ErrNoKey) || errors.As(err, &damaged) || ctx.Err() != nil {
		return key, err
	}
	return nil, &UnavailableError{Err: err}
}

const service = "caisson"

// item is the user of a folder's item.
func item(folder string) string {
	sum := sha256.Sum256([]byte(folder))
	return "credentials " + hex.EncodeToString(sum[:8])
}

// makeKey puts a new key into the keyring, and looks whether it is there: a person who refuses to unlock the
// keyring is no error of the library's.
func makeKey(user string) ([]byte, error) {
	key := auth.NewKey()
	text := base64.StdEncoding.EncodeToString(key)
	if err := library.Set(service, user, text); err != nil {
		return nil, err
	}
	switch kept, err := library.Get(service, user); {
	case errors.Is(err, library.ErrNotFound), err == nil && kept != text:
		return nil, errors.New("it did not keep the key")
	default:
		return key, err
	}
}

func decode(text, user string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != auth.KeySize {
		return nil, &auth.DamagedKeyError{Place: fmt.Sprintf("the item %q of the service %q in the keyring", user, service)}
	}
	return key, nil
}

// An UnavailableError says that there is no keyring, or none that can be used.
type UnavailableError struct {
	// Err is why.
	Err error

	secret bool // It was to give a secret of the user's, and not a store's key.
}

// Error says why, and what to do.
func (e *UnavailableError) Error() string {
	without := "keep the key in a file, in another folder"
	if e.secret {
		without = "refer to the secret with file:PATH or env:NAME"
	}
	return fmt.Sprintf("the operating system's keyring cannot be used (%v): unlock or start it, or %s", e.Err, without)
}

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
