// Package store is what a daemon keeps, and what daemons share: NATS with JetStream, in the process with a folder for
// one machine, or servers of its own for more.
package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// requestWait bounds a request to JetStream whose context has no deadline.
const requestWait = 10 * time.Second

// Options say which store is meant: one of Folder and NATS is set.
type Options struct {
	// Folder has the data of the embedded server. It is made with the mode 0700, and one process has it at a time.
	Folder string
	// NATS are the servers in place of the embedded one.
	NATS *NATS
	// Logger gets what there is to say. Default: nothing is logged.
	Logger *slog.Logger
}

// A Store is a connection with NATS. It is safe for concurrent use. After its servers were away it connects again by
// itself; what is published meanwhile fails at once, and is not kept for later.
type Store struct {
	// Conn is the connection.
	Conn *nats.Conn
	// JetStream is what keeps.
	JetStream jetstream.JetStream
	// Shared says that other daemons have the same store.
	Shared bool

	place    string
	replicas int
	close    func()
}

// Open opens a store. The error is an [*Error]. Close it.
func Open(ctx context.Context, o Options) (*Store, error) {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{replicas: 1}
	var err error
	if o.NATS != nil {
		s.Shared, s.replicas, s.place = true, max(1, o.NATS.Replicas), o.NATS.place()
		s.Conn, err = o.NATS.connect(log)
		s.close = func() { s.Conn.Close() }
	} else {
		s.place = o.Folder
		s.Conn, s.close, err = embed(o.Folder, log)
	}
	if err != nil {
		return nil, err
	}
	s.close = sync.OnceFunc(s.close)
	if s.JetStream, err = jetstream.New(s.Conn, jetstream.WithDefaultTimeout(requestWait)); err == nil {
		_, err = s.JetStream.AccountInfo(ctx)
	}
	if err != nil {
		s.close()
		return nil, &Error{Place: s.place, Step: "open", Message: "JetStream is not there: start the NATS servers with --jetstream, and let this account use it: " + err.Error(), Err: err}
	}
	return s, nil
}

// Close ends the connection, and the embedded server. It may be called more than once.
func (s *Store) Close() { s.close() }

// A Bound is what a bucket may have.
type Bound struct {
	// MaxBytes bounds all of it; a bucket that is full refuses what is new.
	MaxBytes int64
	// MaxValueBytes bounds one value. Default: the bound of NATS for a message, 1 MiB.
	MaxValueBytes int32
	// TTL is how long a value is kept after its last change. Default: for ever.
	TTL time.Duration
}

// Bucket opens a bucket of keys and values, and makes it where it is not there, in as many copies as the configuration
// says. The value of a key is its last one. The error is an [*Error].
func (s *Store) Bucket(ctx context.Context, name string, bound Bound) (jetstream.KeyValue, error) {
	if bound.MaxBytes <= 0 {
		return nil, &Error{Place: s.place, Step: "open " + name, Message: "the bucket has no bound"}
	}
	bucket, err := s.JetStream.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: name, MaxBytes: bound.MaxBytes, MaxValueSize: bound.MaxValueBytes, TTL: bound.TTL, Replicas: s.replicas, History: 1,
	})
	if err != nil {
		return nil, s.failed("open "+name, err)
	}
	return bucket, nil
}

// Stream opens a stream, and makes it where it is not there, in as many copies as the configuration says. MaxBytes has
// to be set. The error is an [*Error].
func (s *Store) Stream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	if config.MaxBytes <= 0 {
		return nil, &Error{Place: s.place, Step: "open " + config.Name, Message: "the stream has no bound"}
	}
	config.Replicas = s.replicas
	stream, err := s.JetStream.CreateOrUpdateStream(ctx, config)
	if err != nil {
		return nil, s.failed("open "+config.Name, err)
	}
	return stream, nil
}

func (s *Store) failed(step string, err error) error {
	message := err.Error()
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrDisconnected), errors.Is(err, context.DeadlineExceeded):
		message = "NATS does not answer: start it, or ask again later: " + message
	}
	return &Error{Place: s.place, Step: step, Message: message, Err: err}
}
