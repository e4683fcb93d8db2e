package auth_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

const manyProcesses = 8

// The processes begin together: they make the folder, the key and the file together, too.
func TestProcessesLoseNothing(t *testing.T) {
	folder := t.TempDir() + "/store"
	var all []*process
	for n := range manyProcesses {
		all = append(all, child(t, "increments", folder, strconv.Itoa(n)))
	}
	for _, p := range all {
		p.ends(t)
	}
	store := openStore(t, folder, nil)
	wantEntry(t, store, "number", []byte(strconv.Itoa(manyProcesses*childCounts)))
	for n := range manyProcesses {
		wantEntry(t, store, strconv.Itoa(n), []byte(strconv.Itoa(childCounts)))
	}
	wantFiles(t, folder, "credentials", "key")
}

func TestEachProcessGetsItsTurn(t *testing.T) {
	folder := t.TempDir()
	protect(t, folder)
	var all []*process
	for n := range manyProcesses {
		all = append(all, child(t, "takes turns", folder, strconv.Itoa(n), strconv.Itoa(manyProcesses)))
	}
	for _, p := range all {
		p.ends(t)
	}
	entry, err := openStore(t, folder, nil).Load(testContext(t), "turns")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d turns until each of %d processes had %d", len(strings.Fields(string(entry))), manyProcesses, turnsEach)
}

func TestKilledProcessFreesItsLock(t *testing.T) {
	folder := t.TempDir()
	protect(t, folder)
	store := openStore(t, folder, nil)
	holder := child(t, "holds", folder)
	if line := holder.line(); line != "held" {
		t.Fatalf("%q: %s", line, holder.errors.String())
	}
	because := errors.New("because")
	ctx, cancel := context.WithTimeoutCause(testContext(t), 50*time.Millisecond, because)
	defer cancel()
	if _, err := store.Lock(ctx, "held"); !errors.Is(err, because) {
		t.Fatalf("the lock that another process holds: %v", err)
	}
	lock(t, store, "other")()
	waited := make(chan error, 1)
	go func() {
		unlock, err := store.Lock(testContext(t), "held")
		if err == nil {
			unlock()
		}
		waited <- err
	}()
	holder.kill()
	if err := <-waited; err != nil {
		t.Error(err)
	}
	wantFiles(t, folder)
}

// At whatever point a process is killed, the store has what the process has said that it saved, or the one
// that it was about to save.
func TestKilledProcessLeavesTheStoreWhole(t *testing.T) {
	folder := t.TempDir() + "/store"
	store := openStore(t, folder, nil)
	said := 0
	for round := range 40 {
		saver := child(t, "saves always", folder, strconv.Itoa(said+1))
		if round%4 > 0 { // Otherwise while it starts.
			if said = number(t, saver.line()); said == 0 {
				t.Fatal(saver.errors.String())
			}
		}
		time.Sleep(rand.N(20 * time.Millisecond)) // No wait for a condition: any point will do.
		_ = saver.Process.Kill()
		for line := saver.line(); line != ""; line = saver.line() {
			said = number(t, line)
		}
		saver.kill()
		unlock := lock(t, store, "number")
		entry, err := store.Load(testContext(t), "number")
		unlock()
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(entry), " ")
		if n := number(t, first); n != said && n != said+1 || n > 0 && string(entry) != string(numbered(n)) {
			t.Fatalf("the store has %d in %d bytes, and the process said that it saved %d", n, len(entry), said)
		} else {
			said = n
		}
	}
	save(t, store, "number", "")
	wantFiles(t, folder, "credentials", "key")
}

// number reads one; "" is 0.
func number(t testing.TB, text string) int {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
