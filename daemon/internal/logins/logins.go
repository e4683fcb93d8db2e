// Package logins keeps logins where several daemons share them: in NATS, encrypted by a key that NATS does not have.
package logins

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"

	"github.com/caisson-dev/caisson/daemon/internal/store"
)

// The buckets, and their bounds.
const (
	loginsBucket   = "caisson_logins"
	locksBucket    = "caisson_locks"
	maxBytes       = 256 << 20
	maxLocksBytes  = 16 << 20
	defaultTurn    = 30 * time.Second
	shortestPause  = 5 * time.Millisecond
	longestPause   = 500 * time.Millisecond
	farewell       = 2 * time.Second
	sealedOverhead = 1024 // of what is around an entry: its key is bounded beside
)

// Options say how a Store works.
type Options struct {
	// Store is shared.
	Store *store.Store
	// Key is what logins are encrypted with, on all daemons the same: [auth.KeySize] bytes.
	Key []byte
	// Turn is how long a daemon that has died keeps the turn of a login. Default: 30 s.
	Turn time.Duration
}

// A Store keeps logins. It is an [auth.Store], with its bounds of an entry and a key.
type Store struct {
	seal   *seal
	turn   time.Duration
	logins jetstream.KeyValue
	locks  jetstream.KeyValue
}

var _ auth.Store = (*Store)(nil)

// Open opens the logins of all daemons that share a store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{turn: o.Turn}
	if s.turn == 0 {
		s.turn = defaultTurn
	}
	var err error
	if s.seal, err = newSeal(o.Key); err != nil {
		return nil, err
	}
	// Encrypted, a key and an entry are as long as in clear text; JSON has them in base64.
	if s.logins, err = o.Store.Bucket(ctx, loginsBucket, store.Bound{MaxBytes: maxBytes, MaxValueBytes: 2 * (auth.MaxEntryBytes + auth.MaxKeyBytes + sealedOverhead)}); err != nil {
		return nil, err
	}
	s.locks, err = o.Store.Bucket(ctx, locksBucket, store.Bound{MaxBytes: maxLocksBytes, MaxValueBytes: 1024, TTL: s.turn})
	return s, err
}

// A login is an entry and its key, before it is encrypted.
type login struct {
	Key   string `json:"key"`
	Entry []byte `json:"entry"`
}

func failed(step string, err error) error {
	return fmt.Errorf("the logins that the daemons share cannot be %s: NATS is away, slow, or full: %w", step, err)
}

// Load implements [auth.Store].
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	found, err := s.logins.Get(ctx, s.seal.name(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, failed("read", err)
	}
	l, err := s.open(found)
	if err != nil {
		return nil, err
	}
	return l.Entry, nil
}

func (s *Store) open(found jetstream.KeyValueEntry) (*login, error) {
	text, err := s.seal.open(found.Key(), found.Value())
	if err != nil {
		return nil, err
	}
	l := &login{}
	return l, json.Unmarshal(text, l)
}

// Save implements [auth.Store].
func (s *Store) Save(ctx context.Context, key string, entry []byte) error {
	for _, bound := range []auth.LimitError{{What: "a key", Size: len(key), Limit: auth.MaxKeyBytes}, {What: "an entry", Size: len(entry), Limit: auth.MaxEntryBytes}} {
		if bound.Size > bound.Limit {
			return &bound
		}
	}
	text, err := json.Marshal(login{key, entry})
	if err != nil {
		return err
	}
	name := s.seal.name(key)
	if _, err := s.logins.Put(ctx, name, s.seal.seal(name, text)); err != nil {
		return failed("saved", err)
	}
	return nil
}

// Delete implements [auth.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.logins.Purge(ctx, s.seal.name(key)); err != nil {
		return failed("deleted", err)
	}
	return nil
}

// Keys implements [auth.Store].
func (s *Store) Keys(ctx context.Context) ([]string, error) {
	names, err := s.logins.ListKeys(ctx)
	if err != nil {
		return nil, failed("listed", err)
	}
	var keys []string
	for name := range names.Keys() {
		found, err := s.logins.Get(ctx, name)
		if err != nil {
			continue // It is deleted meanwhile.
		}
		if l, err := s.open(found); err == nil { // Else it is of another key.
			keys = append(keys, l.Key)
		}
	}
	slices.Sort(keys)
	return keys, ctx.Err()
}

// Lock implements [auth.Store]: one goroutine of one daemon has the turn of a key. A daemon that dies loses it after
// Turn; one that NATS cannot be reached from for so long loses it too.
func (s *Store) Lock(ctx context.Context, key string) (unlock func(), err error) {
	name, holder := s.seal.name(key), []byte(rand.Text())
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		revision, err := s.locks.Create(ctx, name, holder)
		if err == nil {
			return s.hold(name, holder, revision), nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return nil, failed("locked", err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause/2 + mathrand.N(pause)):
		}
	}
}

// hold keeps a turn until it is given back.
func (s *Store) hold(name string, holder []byte, revision uint64) (unlock func()) {
	ctx, stop := context.WithCancel(context.Background())
	var holding sync.WaitGroup
	holding.Go(func() {
		tick := time.NewTicker(s.turn / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if next, err := s.locks.Update(ctx, name, holder, revision); err == nil {
				revision = next
			}
		}
	})
	return sync.OnceFunc(func() {
		stop()
		holding.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		_ = s.locks.Delete(ctx, name, jetstream.LastRevision(revision)) // Else it runs out.
	})
}

// Copy puts all logins of another store in the place of those that are there, and returns how many.
func (s *Store) Copy(ctx context.Context, from auth.Store) (int, error) {
	keys, err := from.Keys(ctx)
	if err != nil {
		return 0, err
	}
	for n, key := range keys {
		if err := s.copy(ctx, from, key); err != nil {
			return n, err
		}
	}
	return len(keys), nil
}

func (s *Store) copy(ctx context.Context, from auth.Store, key string) error {
	unlock, err := s.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	entry, err := from.Load(ctx, key)
	if err != nil || entry == nil {
		return err
	}
	return s.Save(ctx, key, entry)
}
