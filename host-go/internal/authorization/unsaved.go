package authorization

import (
	"bytes"
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// Unsaved are the entries that their stores did not keep: a token that was just got may have replaced one that is
// good for nothing any more, so the sessions that share an Unsaved use it all the same, until the store keeps it.
// There is one for each entry at most. The zero value is ready; it is safe for concurrent use.
type Unsaved struct {
	mu      sync.Mutex
	entries map[unsavedKey]*unsavedEntry
}

type unsavedKey struct{ store, key any }

type unsavedEntry struct {
	text     []byte
	replaced []byte // what the store had
	tried    time.Time
}

// saveInterval is how long a store is left alone that did not keep an entry, unless a turn begins.
const saveInterval = 10 * time.Second

// at is the key of an entry. A store that cannot be compared is taken for the only one of its type.
func at(store auth.Store, key string) unsavedKey {
	if v := reflect.ValueOf(store); !v.Comparable() { // Nor is a struct that can be, with a map in one of its interfaces.
		return unsavedKey{v.Type(), key}
	}
	return unsavedKey{store, key}
}

// put keeps an entry that the store did not keep.
func (u *Unsaved) put(store auth.Store, key string, text, replaced []byte, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if before := u.entries[at(store, key)]; before != nil {
		replaced = before.replaced
	}
	if u.entries == nil {
		u.entries = map[unsavedKey]*unsavedEntry{}
	}
	u.entries[at(store, key)] = &unsavedEntry{text, replaced, now}
}

func (u *Unsaved) drop(store auth.Store, key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.entries, at(store, key))
}

// over gives what counts, where the store gave this: the entry that it did not keep, unless somebody else has
// kept another one there meanwhile.
func (u *Unsaved) over(store auth.Store, key string, text []byte, err error) ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := u.entries[at(store, key)]
	switch {
	case e == nil:
		return text, err
	case err == nil && !bytes.Equal(text, e.replaced):
		delete(u.entries, at(store, key))
		return text, nil
	}
	return e.text, nil
}

// due gives an entry that is to be tried once more, and takes down that it was.
func (u *Unsaved) due(store auth.Store, key string, now time.Time, whenever bool) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := u.entries[at(store, key)]
	if e == nil || !whenever && now.Sub(e.tried) < saveInterval {
		return nil
	}
	e.tried = now
	return e.text
}

// save saves an entry that was not kept, in a turn of the key, unless another one is there by now.
func (u *Unsaved) save(ctx context.Context, store auth.Store, key string, text []byte) {
	found, err := store.Load(ctx, key)
	if err != nil {
		return
	}
	if now, _ := u.over(store, key, found, nil); bytes.Equal(now, text) && store.Save(ctx, key, text) == nil {
		u.drop(store, key)
	}
}

// keepAgain tries once more, in a turn, to have the store keep what it did not. With the lock of f held, but not
// while the store writes.
func (f *Flow) keepAgain(ctx context.Context, t *turn) {
	text := f.config.Unsaved.due(f.store, f.key, f.config.Now(), true)
	if text == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keeping)
	defer cancel()
	t.hold()
	defer t.drop()
	f.outside(func() { f.config.Unsaved.save(ctx, f.store, f.key, text) })
}

// keepLater tries that once more without a turn, while requests go on. With the lock of f held.
func (f *Flow) keepLater() {
	text := f.config.Unsaved.due(f.store, f.key, f.config.Now(), false)
	if text == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), keeping)
		defer cancel()
		if unlock, err := f.store.Lock(ctx, f.key); err == nil {
			defer unlock()
			f.config.Unsaved.save(ctx, f.store, f.key, text)
		}
	}()
}
