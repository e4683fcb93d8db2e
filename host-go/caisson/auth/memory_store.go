package auth

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// NewMemoryStore makes a store that ends with the process.
func NewMemoryStore() Store {
	return &memoryStore{entries: map[string][]byte{}, turns: map[string]chan struct{}{}}
}

type memoryStore struct {
	mu      sync.Mutex
	entries map[string][]byte
	turns   map[string]chan struct{}
}

// Lock implements [Store].
func (s *memoryStore) Lock(ctx context.Context, key string) (func(), error) {
	s.mu.Lock()
	turn := s.turns[key]
	if turn == nil {
		turn = make(chan struct{}, 1)
		s.turns[key] = turn
	}
	s.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return sync.OnceFunc(func() { <-turn }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Load implements [Store].
func (s *memoryStore) Load(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries[key]), nil
}

// Save implements [Store].
func (s *memoryStore) Save(_ context.Context, key string, entry []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = slices.Clone(entry)
	return nil
}

// Delete implements [Store].
func (s *memoryStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

// Keys implements [Store].
func (s *memoryStore) Keys(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.entries)), nil
}
