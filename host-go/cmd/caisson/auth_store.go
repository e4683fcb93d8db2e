package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
)

// storeFlag says where logins are kept.
type storeFlag struct {
	place  string
	chosen bool // by the user
}

func (f *storeFlag) register(c *cobra.Command) {
	c.Flags().StringVar(&f.place, "store", storeKeyring, "keep logins in `STORE`: keyring, file (both an encrypted file, its key in the system's keyring or beside it), memory, or a folder with a / in it")
	completeFlag(c, "store", storeKeyring, storeFile, storeMemory)
}

// The stores that have a name.
const (
	storeKeyring = "keyring"
	storeFile    = "file"
	storeMemory  = "memory"
)

func (f *storeFlag) check(c *cobra.Command) error {
	f.chosen = c.Flags().Changed("store")
	switch {
	case f.place == storeKeyring, f.place == storeFile, f.place == storeMemory, strings.ContainsAny(f.place, `/\`):
		return nil
	}
	return usage(c, "--store %q is not known: use keyring, file, memory, or a folder with a / in it", shown(f.place))
}

// open makes the store. It reads and writes nothing.
func (f *storeFlag) open() *loginStore {
	if f.place == storeMemory {
		return memoryLogins()
	}
	var folder string
	var err error
	switch f.place {
	case storeKeyring, storeFile:
		var own string
		own, err = os.UserConfigDir()
		folder = filepath.Join(own, "caisson", "credentials-v1")
		if f.place == storeFile {
			folder += "-file" // What is encrypted with a key in the keyring cannot be read without it.
		}
	default:
		folder, err = filepath.Abs(f.place)
	}
	s := &loginStore{folder: folder}
	options := auth.FileStoreOptions{Folder: folder}
	if f.place != storeFile {
		s.key = keyring.OrFile()
		options.Key = s.key
	}
	s.Store = &lazyStore{folder: folder, open: sync.OnceValues(func() (*auth.FileStore, error) {
		if err != nil {
			return nil, fmt.Errorf("there is no folder for logins (%w): --store names another place", err)
		}
		return auth.OpenFileStore(options)
	})}
	return s
}

// A loginStore is where logins are kept.
type loginStore struct {
	auth.Store
	folder string            // "" for memory
	key    *keyring.Fallback // nil for a key in a file
}

func memoryLogins() *loginStore { return &loginStore{Store: auth.NewMemoryStore()} }

// keyPlace is where the key of the store is: "keyring", "file", or "memory" for a store that has none.
func (s *loginStore) keyPlace() string {
	switch {
	case s.folder == "":
		return storeMemory
	case s.key == nil:
		return storeFile
	}
	place, _ := s.key.Taken()
	return string(place)
}

// where says in words where the logins are.
func (s *loginStore) where() string {
	switch s.keyPlace() {
	case storeMemory:
		return "in memory, until this command ends"
	case string(keyring.PlaceKeyring):
		return "in " + s.folder + ", encrypted; the key is in the system's keyring"
	case string(keyring.PlaceFile):
		return "in " + s.folder + ", encrypted; the key is in a file beside it"
	}
	return "in " + s.folder
}

// A lazyStore makes its folder when something is to be kept: most commands need no login, and some run where
// there is no place for one. It implements [auth.Store].
type lazyStore struct {
	folder string
	open   func() (*auth.FileStore, error)
}

// existing gives the store where there is one; nil where there is none yet.
func (s *lazyStore) existing() (*auth.FileStore, error) {
	if _, err := os.Stat(s.folder); errors.Is(err, fs.ErrNotExist) || s.folder == "" {
		return nil, nil
	}
	return s.open()
}

// Lock implements [auth.Store].
func (s *lazyStore) Lock(ctx context.Context, key string) (func(), error) {
	store, err := s.open()
	if err != nil {
		return nil, err
	}
	return store.Lock(ctx, key)
}

// Load implements [auth.Store].
func (s *lazyStore) Load(ctx context.Context, key string) ([]byte, error) {
	store, err := s.existing()
	if store == nil {
		return nil, err
	}
	return store.Load(ctx, key)
}

// Save implements [auth.Store].
func (s *lazyStore) Save(ctx context.Context, key string, entry []byte) error {
	store, err := s.open()
	if err != nil {
		return err
	}
	return store.Save(ctx, key, entry)
}

// Delete implements [auth.Store].
func (s *lazyStore) Delete(ctx context.Context, key string) error {
	store, err := s.existing()
	if store == nil {
		return err
	}
	return store.Delete(ctx, key)
}

// Keys implements [auth.Store].
func (s *lazyStore) Keys(ctx context.Context) ([]string, error) {
	store, err := s.existing()
	if store == nil {
		return nil, err
	}
	return store.Keys(ctx)
}
