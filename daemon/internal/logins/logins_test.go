package logins

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"

	"github.com/caisson-dev/caisson/daemon/internal/store"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// daemons are the logins of daemons that share a NATS server.
func daemons(t *testing.T, n int, key []byte, turn time.Duration) (all []*Store, shared []*store.Store) {
	t.Helper()
	url := storetest.Start(t, nil).URL()
	for range n {
		kept, err := store.Open(t.Context(), store.Options{NATS: &store.NATS{URL: url}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(kept.Close)
		s, err := Open(t.Context(), Options{Store: kept, Key: key, Turn: turn})
		if err != nil {
			t.Fatal(err)
		}
		all, shared = append(all, s), append(shared, kept)
	}
	return all, shared
}

// TestShared keeps a login at one daemon and reads it at another, and NATS does not know what it has.
func TestShared(t *testing.T) {
	all, shared := daemons(t, 2, auth.NewKey(), 0)
	one, two := all[0], all[1]
	ctx := t.Context()
	if entry, err := two.Load(ctx, "alice https://a.example"); err != nil || entry != nil {
		t.Errorf("before: %s, %v", entry, err)
	}
	for _, key := range []string{"bob https://b.example", "alice https://a.example"} {
		if err := one.Save(ctx, key, []byte(`{"refresh":"very secret"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if entry, err := two.Load(ctx, "alice https://a.example"); err != nil || string(entry) != `{"refresh":"very secret"}` {
		t.Errorf("%s, %v", entry, err)
	}
	if keys, err := two.Keys(ctx); err != nil || !slices.Equal(keys, []string{"alice https://a.example", "bob https://b.example"}) {
		t.Errorf("%v, %v", keys, err)
	}
	for _, key := range []string{"alice", "bob"} {
		raw, err := two.logins.Get(ctx, two.seal.name(key+" https://"+key[:1]+".example"))
		if err != nil {
			t.Fatal(err)
		}
		if text := raw.Key() + string(raw.Value()); strings.Contains(text, "secret") || strings.Contains(text, key) || strings.Contains(text, "refresh") {
			t.Errorf("NATS knows %q", text)
		}
	}
	// NATS puts bob's login in the place of alice's.
	raw, err := two.logins.Get(ctx, two.seal.name("bob https://b.example"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.logins.Put(ctx, two.seal.name("alice https://a.example"), raw.Value()); err != nil {
		t.Fatal(err)
	}
	if entry, err := one.Load(ctx, "alice https://a.example"); err == nil {
		t.Errorf("another one's login is taken: %s", entry)
	}
	if err := one.Delete(ctx, "alice https://a.example"); err != nil {
		t.Fatal(err)
	}
	if err := one.Delete(ctx, "never there"); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
	if entry, err := two.Load(ctx, "alice https://a.example"); err != nil || entry != nil {
		t.Errorf("after it was deleted: %s, %v", entry, err)
	}
	other, err := Open(ctx, Options{Store: shared[0], Key: auth.NewKey()})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := other.Keys(ctx); err != nil || len(keys) != 0 {
		t.Errorf("with another key: %v, %v", keys, err)
	}
	var limit *auth.LimitError
	if err := one.Save(ctx, "large", make([]byte, auth.MaxEntryBytes+1)); !errors.As(err, &limit) {
		t.Errorf("an entry that is too large: %v", err)
	}
	if err := one.Save(ctx, "large", make([]byte, auth.MaxEntryBytes)); err != nil {
		t.Errorf("the largest entry: %v", err)
	}
}

// TestLock has goroutines of two daemons take one turn.
func TestLock(t *testing.T) {
	all, _ := daemons(t, 2, auth.NewKey(), 0)
	var holding sync.Mutex // not held by two at once
	var working sync.WaitGroup
	for i := range 6 {
		working.Go(func() {
			for range 3 {
				unlock, err := all[i%2].Lock(t.Context(), "k")
				if err != nil {
					t.Error(err)
					return
				}
				if !holding.TryLock() {
					t.Error("two have the turn")
					return
				}
				runtime.Gosched()
				holding.Unlock()
				unlock()
			}
		})
	}
	working.Wait()
	unlock, err := all[0].Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := all[1].Lock(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another daemon has it: %v", err)
	}
	if other, err := all[1].Lock(t.Context(), "another"); err != nil {
		t.Errorf("the turn of another key: %v", err)
	} else {
		other()
	}
}

// TestLockOfTheDead gives the turn of a daemon that has died to another one, and that of a living one to nobody.
func TestLockOfTheDead(t *testing.T) {
	all, shared := daemons(t, 2, auth.NewKey(), 600*time.Millisecond)
	for _, key := range []string{"living", "dead"} {
		of := map[string]int{"living": 1, "dead": 0}[key]
		unlock, err := all[of].Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
	}
	shared[0].Conn.Close() // As a process does that is killed.
	unlock, err := all[1].Lock(t.Context(), "dead")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := all[1].Lock(ctx, "living"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the turn of a daemon that is alive: %v", err)
	}
}

// TestCopy puts the logins of a machine where all daemons have them, and reads the key of a file.
func TestCopy(t *testing.T) {
	key := auth.NewKey()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := ReadKey(path)
	if err != nil || !slices.Equal(read, key) {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), "openssl rand") || strings.Contains(err.Error(), "short") {
		t.Errorf("a file that is no key: %v", err)
	}
	all, _ := daemons(t, 1, read, 0)
	machine := auth.NewMemoryStore()
	if err := machine.Save(t.Context(), "k", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := all[0].Save(t.Context(), "k", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if n, err := all[0].Copy(t.Context(), machine); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if entry, err := all[0].Load(t.Context(), "k"); err != nil || string(entry) != "new" {
		t.Errorf("%s, %v", entry, err)
	}
}
