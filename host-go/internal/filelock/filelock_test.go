package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func take(t testing.TB, path string) (unlock func()) {
	t.Helper()
	unlock, err := Lock(testContext(t), path)
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

// held says whether somebody holds the lock of a path.
func held(t testing.TB, path string) bool {
	t.Helper()
	l, err := try(path)
	if err != nil {
		t.Fatal(err)
	}
	if l != nil {
		l.release()
	}
	return l == nil
}

// The file comes and goes all the time, and there is never a second holder.
func TestOneHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var all sync.WaitGroup
	inside := make(chan struct{}, 1)
	for range 8 {
		all.Go(func() {
			for range 50 {
				unlock, err := Lock(testContext(t), path)
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case inside <- struct{}{}:
				default:
					t.Error("two hold it")
				}
				<-inside
				unlock()
			}
		})
	}
	all.Wait()
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 0 {
		t.Errorf("%v are left (%v)", files, err)
	}
}

// Whoever waits for a lock has it before the one that releases it and wants it again at once.
func TestWaiterComesFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 20 {
		unlock := take(t, path)
		order := make(chan string, 2)
		go func() {
			unlock, err := Lock(testContext(t), path)
			if err != nil {
				t.Error(err)
				return
			}
			order <- "waiter"
			unlock()
		}()
		for !held(t, path+firstPlace) {
			time.Sleep(time.Millisecond)
		}
		unlock()
		again := take(t, path)
		order <- "holder"
		again()
		if first := <-order; first != "waiter" {
			t.Fatalf("the %s comes first", first)
		}
		<-order
	}
}

func TestContextEndsTheWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	defer take(t, path)()
	because := errors.New("because")
	for _, place := range []string{"the first place", "another place"} {
		if place == "another place" {
			defer take(t, path+firstPlace)()
		}
		ctx, cancel := context.WithCancelCause(testContext(t))
		done := make(chan error, 1)
		go func() {
			_, err := Lock(ctx, path)
			done <- err
		}()
		for !held(t, path+firstPlace) {
			time.Sleep(time.Millisecond)
		}
		cancel(because)
		if err := <-done; !errors.Is(err, because) {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// A file that a killed process has left is no lock.
func TestFileAloneIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for _, name := range []string{path, path + firstPlace} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unlock := take(t, path)
	if !held(t, path) {
		t.Error("nobody holds it")
	}
	unlock()
	unlock()
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 0 {
		t.Errorf("%v are left (%v)", files, err)
	}
}

func TestNoFolder(t *testing.T) {
	_, err := Lock(testContext(t), filepath.Join(t.TempDir(), "gone", "lock"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
