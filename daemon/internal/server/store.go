package server

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/drained"
	"github.com/caisson-dev/caisson/daemon/internal/logins"
	"github.com/caisson-dev/caisson/daemon/internal/store"
)

// openStore opens what is kept, in the daemon's own folder where the configuration names no other; nil for nothing.
func openStore(ctx context.Context, f *config.File, folder string, log *slog.Logger) (*store.Store, error) {
	o := store.Options{Folder: f.Store, Logger: log}
	switch n := f.NATS; {
	case n != nil:
		o.Folder, o.NATS = "", &store.NATS{URL: n.URL, Credentials: n.Credentials, CA: n.CA, Certificate: n.Certificate, Key: n.Key, Replicas: n.Replicas}
	case f.Store == config.NoStore:
		return nil, nil
	case f.Store == "":
		o.Folder = filepath.Join(folder, "store")
	}
	return store.Open(ctx, o)
}

// openDrained opens what is remembered of servers that get nothing new, and returns their names.
func (s *Server) openDrained(ctx context.Context) (names []string, err error) {
	if s.store == nil {
		return nil, nil
	}
	if s.drained, err = drained.Open(ctx, s.store); err != nil {
		return nil, err
	}
	if names, err = s.drained.List(ctx); err == nil && len(names) > 0 {
		s.log.Info("servers are drained since before the daemon was started, and get nothing new until they are resumed", "servers", names)
	}
	return names, err
}

// watchDrained does what other daemons remember of servers that get nothing new, until the daemon ends.
func (s *Server) watchDrained() {
	err := s.drained.Watch(s.ctx, func(server string, drained bool) {
		s.pool.SetDrained(server, drained, s.drainTimeout())
	})
	if err != nil && s.ctx.Err() == nil {
		s.log.Warn("which servers other daemons drain is not heard: drain and resume them by name, or start the daemon again", "error", err)
	}
}

// openLogins opens the store of logins: that of all daemons, or of this machine; nil for none.
func openLogins(ctx context.Context, f *config.File, kept *store.Store) (auth.Store, error) {
	if f.NATS != nil && f.NATS.CredentialsKey != "" {
		return sharedLogins(ctx, f, kept)
	}
	if f.Credentials == "" {
		return nil, nil
	}
	return ownLogins(f)
}

func ownLogins(f *config.File) (auth.Store, error) {
	return auth.OpenFileStore(auth.FileStoreOptions{Folder: f.Credentials, Key: keyring.OrFile()})
}

func sharedLogins(ctx context.Context, f *config.File, kept *store.Store) (*logins.Store, error) {
	key, err := logins.ReadKey(f.NATS.CredentialsKey)
	if err != nil {
		return nil, &config.Error{File: f.Path, Key: "nats.credentialsKey", Message: err.Error(), Err: err}
	}
	return logins.Open(ctx, logins.Options{Store: kept, Key: key})
}

// ShareLogins puts the logins of this machine where all daemons have them, in the place of those that are there, and
// returns how many.
func ShareLogins(ctx context.Context, f *config.File, log *slog.Logger) (int, error) {
	if f.Credentials == "" || f.NATS == nil || f.NATS.CredentialsKey == "" {
		return 0, &config.Error{File: f.Path, Key: "credentials", Message: "there is nothing to share: credentials names the logins of this machine, and nats.credentialsKey those of all daemons"}
	}
	kept, err := openStore(ctx, f, "", log)
	if err != nil {
		return 0, err
	}
	defer kept.Close()
	shared, err := sharedLogins(ctx, f, kept)
	own, failed := ownLogins(f)
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return shared.Copy(ctx, own)
}
