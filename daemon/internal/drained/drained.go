// Package drained keeps in the store which servers get nothing new from any daemon, so that daemons that start later, or come
// back, know it too.
package drained

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/store"
)

const (
	bucket        = "caisson_drained"
	maxBytes      = 1 << 20 // for thousands of servers
	maxValueBytes = 64
	// wait bounds one change.
	wait = 5 * time.Second
)

// Servers are those that get nothing new. They are safe for concurrent use.
type Servers struct{ kept jetstream.KeyValue }

// Open opens them in a store. The error is one of the store.
func Open(ctx context.Context, s *store.Store) (*Servers, error) {
	kept, err := s.Bucket(ctx, bucket, store.Bound{MaxBytes: maxBytes, MaxValueBytes: maxValueBytes})
	if err != nil {
		return nil, err
	}
	return &Servers{kept}, nil
}

// key is a name in letters that a key may have.
func key(server string) string { return hex.EncodeToString([]byte(server)) }

// List returns their names.
func (s *Servers) List(ctx context.Context) ([]string, error) {
	keys, err := s.kept.Keys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(err)
	}
	var names []string
	for _, k := range keys {
		if name, err := hex.DecodeString(k); err == nil {
			names = append(names, string(name))
		}
	}
	return names, nil
}

// Add adds a server. The error is a [caisson.Error].
func (s *Servers) Add(ctx context.Context, server string) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_, err := s.kept.PutString(ctx, key(server), time.Now().UTC().Format(time.RFC3339)) // The time is for who looks.
	return failed(err)
}

// Remove takes a server out. The error is a [caisson.Error].
func (s *Servers) Remove(ctx context.Context, server string) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return failed(s.kept.Delete(ctx, key(server)))
}

// Watch tells of the servers that are there, and of each change, until the context ends. While NATS is away it waits, and
// tells then what has changed meanwhile.
func (s *Servers) Watch(ctx context.Context, tell func(server string, drained bool)) error {
	watcher, err := s.kept.WatchAll(ctx)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = watcher.Stop() }() // The connection may be closed.
	for {
		select {
		case <-ctx.Done():
			return nil
		case entry, ok := <-watcher.Updates():
			if !ok {
				return nil
			}
			if entry == nil { // Those that were there at first are told.
				continue
			}
			if name, err := hex.DecodeString(entry.Key()); err == nil {
				tell(string(name), entry.Operation() == jetstream.KeyValuePut)
			}
		}
	}
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &caisson.Error{
		Code: caisson.CodeConnect, Step: "remember drained servers",
		Message: "the store does not answer, so daemons that start later know nothing of it: ask again when NATS is there: " + err.Error(), Err: err,
	}
}
