package egress

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Sessions that come and go leave no descriptor and no goroutine.
func TestNothingIsLeft(t *testing.T) {
	url, gone := endless(t)
	round := func() {
		grant := Grant{URL: mustParse(t, url), Command: child(t, "echo")}
		sink := newRecorder()
		s := NewBroker(grant, sink, Options{})
		for _, err := range []error{s.HTTPStart(ref(1), post(url, "x"), Sending{Asked: true}), s.PipeOpen(ref(2)), s.PipeOpen(ref(3))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		s.PipeWrite(ref(2), "hello")
		sink.until(t, ref(1), func(events []event) bool { return len(events) > 1 })
		sink.until(t, ref(2), func(events []event) bool { return len(events) > 0 })
		s.Close()
		<-gone
	}
	notStarted := func() {
		sink := newRecorder()
		s := NewBroker(Grant{Command: &Command{Path: "/no/such/command"}}, sink, Options{})
		if err := s.PipeOpen(ref(1)); err != nil {
			t.Fatal(err)
		}
		sink.ended(t, ref(1))
		s.Close()
	}
	round() // what is made once
	notStarted()
	files, routines := openFiles(t), runtime.NumGoroutine()
	for range 20 {
		round()
		notStarted()
	}
	settle(t, func() error {
		if n := openFiles(t); n > files {
			return fmt.Errorf("%d descriptors, %d before", n, files)
		}
		if n := runtime.NumGoroutine(); n > routines {
			return fmt.Errorf("%d goroutines, %d before", n, routines)
		}
		return nil
	})
}

// settle waits until done returns nil: a server needs a moment to see its client go.
func settle(t *testing.T, done func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for err := done(); err != nil; err = done() {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}
