package egress

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// held serves requests that stay open until the test says so, and counts them.
func held(t *testing.T) (url string, open *atomic.Int64, release func()) {
	t.Helper()
	open, end := &atomic.Int64{}, make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		open.Add(1)
		defer open.Add(-1)
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	release = func() { close(end) }
	return server.URL, open, release
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("it is not so in time: %s", what)
		}
	}
}

// TestReplies answers a server that reads no answers, thousands of times: few run, the others wait
// without a goroutine, too many are refused, and what the program asks for goes out.
func TestReplies(t *testing.T) {
	url, open, release := held(t)
	s, sink := start(t, Grant{URL: mustParse(t, url)}, Options{})
	before := runtime.NumGoroutine()
	freed := &atomic.Int64{}
	how := Sending{Freed: func() { freed.Add(1) }}
	for id := range uint32(MaxReplies) {
		if err := s.HTTPStart(ref(id), post(url, "{}"), how); err != nil {
			t.Fatal(id, err)
		}
	}
	wantRefused(t, s.HTTPStart(ref(MaxReplies), post(url, "{}"), how), Limit, fmt.Sprint("more than ", MaxReplies))
	eventually(t, "as many run as may", func() bool { return open.Load() == MaxRunningReplies })
	// For a connection there are two here, two in the server, and that of the exchange.
	if more := runtime.NumGoroutine() - before; more > 10*MaxRunningReplies {
		t.Errorf("%d goroutines for %d exchanges", more, MaxReplies)
	}
	asked := uint32(100_000)
	if err := s.HTTPStart(ref(asked), post(url, "{}"), Sending{Asked: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what is asked for has its own turn", func() bool { return open.Load() == MaxRunningReplies+1 })
	for id := uint32(MaxReplies / 2); id < MaxReplies; id++ { // these wait
		s.HTTPAbort(ref(id))
	}
	if n := freed.Load(); n != 1+MaxReplies/2 {
		t.Errorf("%d requests are let go of, want one refused and %d given up", n, MaxReplies/2)
	}
	release()
	for id := range uint32(MaxReplies / 2) {
		if _, err := sink.ended(t, ref(id)); err != nil {
			t.Fatal(err)
		}
	}
	if events, _ := sink.ended(t, ref(asked)); len(events) == 0 {
		t.Error("what was asked for has no end")
	}
	eventually(t, "every request is let go of", func() bool { return freed.Load() == 1+MaxReplies })
}

// TestTurnsOfCalls has more calls than may run at once: each has its turn.
func TestTurnsOfCalls(t *testing.T) {
	var most, running atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{})
	s.asked.most = 8
	const calls = 200
	for id := range uint32(calls) {
		if err := s.HTTPStart(ref(id), post(server.URL, fmt.Sprint(id)), Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range uint32(calls) {
		events, err := sink.ended(t, ref(id))
		if got := string(bodyOf(events)); err != nil || got != fmt.Sprint(id) {
			t.Errorf("%d: %q, %v", id, got, err)
		}
	}
	if n := most.Load(); n > 8 {
		t.Errorf("%d ran at once", n)
	}
}

// TestCloseWithWaiting closes a session with exchanges that wait: each is let go of.
func TestCloseWithWaiting(t *testing.T) {
	url, open, _ := held(t)
	s, _ := start(t, Grant{URL: mustParse(t, url)}, Options{})
	freed := &atomic.Int64{}
	const all = 3 * MaxRunningReplies
	for id := range uint32(all) {
		if err := s.HTTPStart(ref(id), get(url), Sending{Freed: func() { freed.Add(1) }}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "some run", func() bool { return open.Load() == MaxRunningReplies })
	s.Close()
	if n := freed.Load(); n != all {
		t.Errorf("%d of %d are let go of", n, all)
	}
}

// TestCommandStarts opens and closes pipes as quickly as it can: so many commands are started, and no
// more.
func TestCommandStarts(t *testing.T) {
	s, sink := start(t, Grant{Command: child(t, "out x")}, unhurried)
	for generation := range uint64(MaxStarts) {
		ref := Ref{ID: 1, Generation: generation}
		if err := s.PipeOpen(ref); err != nil {
			t.Fatal(err)
		}
		s.PipeClose(ref)
		_, _ = sink.ended(t, ref)
	}
	// Meanwhile others have come free, one a second.
	s.starts.SetLimit(0)
	refused := error(nil)
	for generation := uint64(MaxStarts); refused == nil && generation < 100*MaxStarts; generation++ {
		ref := Ref{ID: 1, Generation: generation}
		if refused = s.PipeOpen(ref); refused == nil {
			s.PipeClose(ref)
			_, _ = sink.ended(t, ref)
		}
	}
	wantRefused(t, refused, Limit, "started more than")
}
