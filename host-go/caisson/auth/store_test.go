package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// stores make an empty store each.
var stores = map[string]func(t testing.TB) auth.Store{
	"memory": func(testing.TB) auth.Store { return auth.NewMemoryStore() },
	"file":   func(t testing.TB) auth.Store { return openStore(t, t.TempDir()+"/store", nil) },
}

func openStore(t testing.TB, folder string, key auth.KeySource) *auth.FileStore {
	t.Helper()
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// demands are what every store has to do.
var demands = map[string]func(t *testing.T, store auth.Store){
	"an empty one has nothing": func(t *testing.T, store auth.Store) {
		wantEntry(t, store, "key", nil)
		wantKeys(t, store)
		if err := store.Delete(testContext(t), "key"); err != nil {
			t.Error(err)
		}
	},
	"entries are kept byte for byte": func(t *testing.T, store auth.Store) {
		for key, entry := range map[string]string{"": "no key", "a": "", "ä \x00\n/../": "{\"a\" : 1}\n", "b": "\x00\xff"} {
			save(t, store, key, entry)
			wantEntry(t, store, key, []byte(entry))
		}
		wantKeys(t, store, "", "a", "b", "ä \x00\n/../")
	},
	"an entry takes the place of the last one": func(t *testing.T, store auth.Store) {
		save(t, store, "key", "a longer one")
		save(t, store, "key", "one")
		save(t, store, "other", "other")
		wantEntry(t, store, "key", []byte("one"))
		wantEntry(t, store, "other", []byte("other"))
	},
	"what is deleted is gone": func(t *testing.T, store auth.Store) {
		save(t, store, "key", "one")
		save(t, store, "other", "other")
		if err := store.Delete(testContext(t), "key"); err != nil {
			t.Fatal(err)
		}
		wantEntry(t, store, "key", nil)
		wantKeys(t, store, "other")
	},
	"callers share no memory with it": func(t *testing.T, store auth.Store) {
		entry := []byte("one")
		if err := store.Save(testContext(t), "key", entry); err != nil {
			t.Fatal(err)
		}
		entry[0] = 'X'
		wantEntry(t, store, "key", []byte("one"))
		loaded, err := store.Load(testContext(t), "key")
		if err != nil {
			t.Fatal(err)
		}
		loaded[0] = 'X'
		wantEntry(t, store, "key", []byte("one"))
	},
	"bounds": func(t *testing.T, store auth.Store) {
		largest, longest := strings.Repeat("x", auth.MaxEntryBytes), strings.Repeat("k", auth.MaxKeyBytes)
		save(t, store, longest, largest)
		wantLimit(t, store, longest+"k", "", "a key", auth.MaxKeyBytes)
		wantLimit(t, store, longest, largest+"x", "an entry", auth.MaxEntryBytes)
		wantEntry(t, store, longest, []byte(largest))
	},
	"a context that has ended": func(t *testing.T, store auth.Store) {
		because := errors.New("because")
		ctx, cancel := context.WithCancelCause(testContext(t))
		cancel(because)
		_, loaded := store.Load(ctx, "key")
		_, keys := store.Keys(ctx)
		_, locked := store.Lock(ctx, "key")
		for what, err := range map[string]error{"Load": loaded, "Keys": keys, "Lock": locked, "Save": store.Save(ctx, "key", nil), "Delete": store.Delete(ctx, "key")} {
			if !errors.Is(err, because) {
				t.Errorf("%s: %v", what, err)
			}
		}
		wantKeys(t, store)
	},
	"one at a time has the turn of a key": func(t *testing.T, store auth.Store) {
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for range 8 {
					if err := increment(testContext(t), store, "number"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		wantEntry(t, store, "number", []byte("128"))
	},
	"a turn keeps nobody from anything else": func(t *testing.T, store auth.Store) {
		unlock := lock(t, store, "key")
		defer unlock()
		lock(t, store, "other")()
		save(t, store, "key", "one")
		wantEntry(t, store, "key", []byte("one"))
	},
	"whoever waits for a turn can give up, and the turn goes on": func(t *testing.T, store auth.Store) {
		unlock := lock(t, store, "key")
		ctx, cancel := context.WithCancel(testContext(t))
		waited := make(chan error, 1)
		go func() {
			_, err := store.Lock(ctx, "key")
			waited <- err
		}()
		cancel()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		unlock()
		unlock() // A second time, which does nothing,
		again := lock(t, store, "key")
		unlock() // not even while another one has the turn.
		ctx, cancel = context.WithCancel(testContext(t))
		cancel()
		if _, err := store.Lock(ctx, "key"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		again()
	},
}

func TestStores(t *testing.T) {
	for name, newStore := range stores {
		for demand, check := range demands {
			t.Run(name+"/"+demand, func(t *testing.T) {
				t.Parallel()
				check(t, newStore(t))
			})
		}
	}
}

// What bounds a store as a whole is tried on the one in memory: a file would be written 4096 times.
func TestMaxEntries(t *testing.T) {
	store := auth.NewMemoryStore()
	for n := range auth.MaxEntries {
		save(t, store, fmt.Sprint(n), "")
	}
	wantLimit(t, store, "one more", "", "the number of entries", auth.MaxEntries)
	save(t, store, "7", "in the place of one")
}

func TestMaxStoreBytes(t *testing.T) {
	store := auth.NewMemoryStore()
	largest := strings.Repeat("x", auth.MaxEntryBytes)
	for n := range auth.MaxStoreBytes/auth.MaxEntryBytes - 1 {
		save(t, store, fmt.Sprint(n), largest)
	}
	var limit *auth.LimitError
	err := store.Save(testContext(t), "one more", []byte(largest)) // It would fit, but for the keys.
	if !errors.As(err, &limit) || limit.What != "the store" || limit.Limit != auth.MaxStoreBytes || limit.Size <= limit.Limit {
		t.Error(err)
	}
	save(t, store, "7", largest) // In the place of one that is as large.
}

func save(t testing.TB, store auth.Store, key, entry string) {
	t.Helper()
	if err := store.Save(testContext(t), key, []byte(entry)); err != nil {
		t.Fatal(err)
	}
}

func lock(t testing.TB, store auth.Store, key string) (unlock func()) {
	t.Helper()
	unlock, err := store.Lock(testContext(t), key)
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

// wantEntry compares an entry, and tells one that is empty from none.
func wantEntry(t testing.TB, store auth.Store, key string, want []byte) {
	t.Helper()
	got, err := store.Load(testContext(t), key)
	if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		t.Errorf("the entry of %.20q is %.20q (%v), want %.20q", key, got, err, want)
	}
}

func wantKeys(t testing.TB, store auth.Store, want ...string) {
	t.Helper()
	if got, err := store.Keys(testContext(t)); err != nil || !slices.Equal(got, want) {
		t.Errorf("the keys are %q (%v), want %q", got, err, want)
	}
}

func wantLimit(t testing.TB, store auth.Store, key, entry, what string, limit int) {
	t.Helper()
	err := store.Save(testContext(t), key, []byte(entry))
	var got *auth.LimitError
	if !errors.As(err, &got) || *got != (auth.LimitError{What: what, Size: limit + 1, Limit: limit}) {
		t.Errorf("%v, want an error for %s", err, what)
	} else if !strings.Contains(got.Error(), fmt.Sprint(limit)) {
		t.Errorf("the error names no bound: %v", got)
	}
}
