package auth

import (
	"context"
	"sync"
)

// memoryStore keeps entries until the process ends.
type memoryStore struct {
	turns turns

	mu      sync.Mutex
	entries entries
}

// NewMemoryStore makes a store that keeps its entries in memory, for the sessions of one process. Its bounds
// are [MaxEntryBytes], [MaxKeyBytes], [MaxEntries] and [MaxStoreBytes]. Lock gives turns in the order in which
// they are asked for.
func NewMemoryStore() Store { return &memoryStore{entries: entries{}} }

func (s *memoryStore) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return s.turns.take(ctx, key)
}

func (s *memoryStore) Load(ctx context.Context, key string) ([]byte, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.get(key), nil
}

func (s *memoryStore) Save(ctx context.Context, key string, entry []byte) error {
	if err := ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.put(key, entry)
}

func (s *memoryStore) Delete(ctx context.Context, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

func (s *memoryStore) Keys(ctx context.Context) ([]string, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.keys(), nil
}
