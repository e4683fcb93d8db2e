package store

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func bucket(t *testing.T, s *Store) jetstream.KeyValue {
	t.Helper()
	b, err := s.Bucket(t.Context(), "things", Bound{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEmbedded shows that what is kept outlives the process, and that one process has a folder.
func TestEmbedded(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "store")
	s := open(t, Options{Folder: folder})
	if _, err := bucket(t, s).Put(t.Context(), "a", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if s.Shared {
		t.Error("a store of one process is shared")
	}
	var failure *Error
	if _, err := Open(t.Context(), Options{Folder: folder}); !errors.As(err, &failure) || !strings.Contains(err.Error(), "another daemon has it") || !strings.Contains(err.Error(), "--no-store") {
		t.Errorf("a second process: %v", err)
	}
	s.Close()
	again := open(t, Options{Folder: folder})
	value, err := bucket(t, again).Get(t.Context(), "a")
	if err != nil || string(value.Value()) != "kept" {
		t.Errorf("%v, %v", value, err)
	}
	if info, err := os.Stat(folder); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the folder is of the mode %v, %v", info.Mode(), err)
	}
}

// TestUnwritable names the folder that cannot be made, and the remedy.
func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var failure *Error
	if _, err := Open(t.Context(), Options{Folder: filepath.Join(file, "store")}); !errors.As(err, &failure) || failure.Place == "" || failure.Step != "open" {
		t.Errorf("%v", err)
	}
}

// TestBounds shows that a bucket that is full takes nothing more, and keeps what it has; and that none is without bounds.
func TestBounds(t *testing.T) {
	s := open(t, Options{Folder: t.TempDir()})
	small, err := s.Bucket(t.Context(), "small", Bound{MaxBytes: 4096, MaxValueBytes: 3000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := small.Put(t.Context(), "first", make([]byte, 2500)); err != nil {
		t.Fatal(err)
	}
	if _, err := small.Put(t.Context(), "second", make([]byte, 2500)); err == nil {
		t.Error("the bucket has more than its bound")
	}
	if _, err := small.Put(t.Context(), "third", make([]byte, 3500)); err == nil {
		t.Error("a value is larger than its bound")
	}
	if value, err := small.Get(t.Context(), "first"); err != nil || len(value.Value()) != 2500 {
		t.Errorf("what it had: %v", err)
	}
	if _, err := s.Bucket(t.Context(), "none", Bound{}); err == nil {
		t.Error("a bucket has no bound")
	}
	if _, err := s.Stream(t.Context(), jetstream.StreamConfig{Name: "none"}); err == nil {
		t.Error("a stream has no bound")
	}
}

// TestNATS shows that two daemons see what either keeps, and that both are there again after NATS was away.
func TestNATS(t *testing.T) {
	nats := storetest.Start(t, nil)
	one, two := open(t, Options{NATS: &NATS{URL: nats.URL()}}), open(t, Options{NATS: &NATS{URL: nats.URL()}})
	a, b := bucket(t, one), bucket(t, two)
	if _, err := a.Put(t.Context(), "a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if value, err := b.Get(t.Context(), "a"); err != nil || string(value.Value()) != "1" || !one.Shared {
		t.Errorf("%v, %v", value, err)
	}
	nats.Stop()
	storetest.Until(t, func() bool { return !one.Conn.IsConnected() && !two.Conn.IsConnected() })
	if err := one.Conn.Publish("x", nil); err == nil {
		t.Error("what is published while NATS is away is kept for later")
	}
	nats.Restart()
	storetest.Until(t, func() bool { return one.Conn.IsConnected() && two.Conn.IsConnected() })
	if value, err := b.Get(t.Context(), "a"); err != nil || string(value.Value()) != "1" {
		t.Errorf("after NATS was away: %v, %v", value, err)
	}
}

// TestUser shows that the seed of an NKey is credentials, and that without it nobody is let in, nor is told a secret.
func TestUser(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := pair.PublicKey()
	seed, _ := pair.Seed()
	nats := storetest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} })
	file := filepath.Join(t.TempDir(), "caissond.nk")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, Options{NATS: &NATS{URL: nats.URL(), Credentials: file}})
	_, err = Open(t.Context(), Options{NATS: &NATS{URL: nats.URL()}})
	var failure *Error
	if !errors.As(err, &failure) || strings.Contains(err.Error(), string(seed)) {
		t.Errorf("without credentials: %v", err)
	}
	if _, err := Open(t.Context(), Options{NATS: &NATS{URL: nats.URL(), Credentials: file + ".none"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("credentials that are not there: %v", err)
	}
}

// TestUserComesBack shows that a user whom NATS does not take for a while is let in afterwards.
func TestUserComesBack(t *testing.T) {
	of := func() (public string, seed []byte) {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, _ = pair.PublicKey()
		seed, _ = pair.Seed()
		return public, seed
	}
	public, seed := of()
	other, _ := of()
	nats := storetest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} })
	file := filepath.Join(t.TempDir(), "caissond.nk")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := &counter{text: "Authorization Violation"}
	s := open(t, Options{NATS: &NATS{URL: nats.URL(), Credentials: file}, Logger: slog.New(slog.NewTextHandler(refused, nil))})
	restart := func(public string) {
		nats.Stop()
		nats.Options.Nkeys = []*server.NkeyUser{{Nkey: public}}
		nats.Restart()
	}
	restart(other)
	storetest.Until(t, func() bool { return refused.n.Load() >= 3 || s.Conn.IsClosed() })
	restart(public)
	storetest.Until(t, func() bool { return s.Conn.IsConnected() || s.Conn.IsClosed() })
	if !s.Conn.IsConnected() {
		t.Error("the connection is given up")
	}
}

// A counter counts what has a text in it, in any case.
type counter struct {
	text string
	n    atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	if strings.Contains(strings.ToLower(string(b)), strings.ToLower(c.text)) {
		c.n.Add(1)
	}
	return len(b), nil
}

func BenchmarkPut(b *testing.B) {
	s, err := Open(b.Context(), Options{Folder: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	things, err := s.Bucket(b.Context(), "things", Bound{MaxBytes: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := things.Put(b.Context(), "a", make([]byte, 200)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	folder := b.TempDir()
	for b.Loop() {
		s, err := Open(b.Context(), Options{Folder: folder})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
