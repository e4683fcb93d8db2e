package egress

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// endless serves a body that goes on until the client goes. gone gets one for each that went.
func endless(t *testing.T) (url string, gone <-chan struct{}) {
	t.Helper()
	left := make(chan struct{}, 1<<16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for r.Context().Err() == nil {
			if _, err := w.Write(body); err != nil || http.NewResponseController(w).Flush() != nil {
				break
			}
		}
		<-r.Context().Done()
		left <- struct{}{}
	}))
	t.Cleanup(server.Close)
	return server.URL, left
}

// An aborted exchange says nothing more, its connection is closed, and its id is free.
func TestAbort(t *testing.T) {
	url, gone := endless(t)
	s, sink := start(t, Grant{URL: mustParse(t, url)}, Options{})
	for generation := range uint64(100) {
		ref := Ref{ID: 7, Generation: generation}
		if err := s.HTTPStart(ref, post(url, fmt.Sprintf("(%d)", generation)), Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.HTTPStart(Ref{ID: 7, Generation: generation + 1}, get(url), Sending{Asked: true}); !errors.Is(err, ErrInUse) {
			t.Fatalf("a second start: %v, want ErrInUse", err)
		}
		sink.until(t, ref, func(events []event) bool { return len(events) > 1 })
		s.HTTPAbort(Ref{ID: 7, Generation: generation + 1}) // not this one
		s.HTTPAbort(ref)
		s.HTTPAbort(ref) // it is not there any more
		<-gone
	}
	s.Close()
	for generation := range uint64(100) {
		events := sink.of(Ref{ID: 7, Generation: generation})
		prefix := fmt.Sprintf("(%d)", generation)
		if body := string(bodyOf(events)); len(body) < len(prefix) || body[:len(prefix)] != prefix {
			t.Errorf("generation %d got the body of another: %.20q", generation, body)
		}
		for _, e := range events {
			if e.kind == "end" {
				t.Errorf("generation %d was aborted, and yet ended", generation)
			}
		}
	}
}

// An abort in every phase of an exchange, with starts of the same id at once: never a mix, never an
// end after an abort that came before it.
func TestAbortRaces(t *testing.T) {
	s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }, Options{})
	var work sync.WaitGroup
	for id := range uint32(8) {
		work.Go(func() {
			for generation := range uint64(50) {
				ref := Ref{ID: id, Generation: generation}
				text := fmt.Sprintf("%d/%d", id, generation)
				if err := s.HTTPStart(ref, post(url, text), Sending{Asked: true}); err != nil {
					t.Errorf("%s: %v", text, err)
				}
				if generation%2 == 0 {
					for range generation { // a little later each time
						_ = sink.of(ref)
					}
					s.HTTPAbort(ref)
					continue
				}
				events, err := sink.ended(t, ref)
				if got := string(bodyOf(events)); err != nil || got != text {
					t.Errorf("%s: body %q, error %v", text, got, err)
				}
			}
		})
	}
	work.Wait()
}

// An abort while the sink blocks returns, and no other call comes.
func TestAbortWhileTheSinkBlocks(t *testing.T) {
	url, gone := endless(t)
	sink := newGate()
	s := NewBroker(Grant{URL: mustParse(t, url)}, sink, Options{})
	if err := s.HTTPStart(ref(1), post(url, "x"), Sending{Asked: true}); err != nil {
		t.Fatal(err)
	}
	<-sink.entered
	s.HTTPAbort(ref(1))
	if err := s.HTTPStart(Ref{ID: 1, Generation: 2}, get(url), Sending{Asked: true}); err != nil {
		t.Errorf("the id is not free: %v", err)
	}
	close(sink.open)
	<-gone
	s.Close()
	if events := sink.of(ref(1)); len(events) != 2 { // the head, and the one that was on its way
		t.Errorf("%d events", len(events))
	}
}

// Close ends everything, and waits for it; nothing happens afterwards.
func TestClose(t *testing.T) {
	url, gone := endless(t)
	var calls atomic.Int64
	sink := counting{newRecorder(), &calls}
	s := NewBroker(Grant{URL: mustParse(t, url), Command: child(t, "out hello\\n", "drain")}, sink, Options{})
	for id := range uint32(16) {
		if err := s.HTTPStart(ref(id), post(url, "x"), Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range uint32(2) {
		if err := s.PipeOpen(ref(100 + id)); err != nil {
			t.Fatal(err)
		}
	}
	for id := range uint32(16) {
		sink.until(t, ref(id), func(events []event) bool { return len(events) > 1 })
	}
	for id := range uint32(2) {
		sink.until(t, ref(100+id), func(events []event) bool { return len(events) == 1 })
	}
	var closing sync.WaitGroup
	for range 4 {
		closing.Go(s.Close)
	}
	closing.Wait()
	before := calls.Load()
	for range 16 {
		<-gone
	}
	if err := s.HTTPStart(ref(1), get(url), Sending{Asked: true}); err != nil {
		t.Error(err)
	}
	if err := s.PipeOpen(ref(1)); err != nil {
		t.Error(err)
	}
	s.HTTPAbort(ref(1))
	s.PipeWrite(ref(100), "late")
	s.PipeClose(ref(100))
	s.Close()
	if after := calls.Load(); after != before {
		t.Errorf("%d calls after Close", after-before)
	}
}

// counting counts the calls of a Sink.
type counting struct {
	*recorder
	calls *atomic.Int64
}

func (c counting) HTTPBody(ref Ref, chunk []byte) {
	c.calls.Add(1)
	c.recorder.HTTPBody(ref, chunk)
}
func (c counting) HTTPEnd(ref Ref, err *Error) { c.calls.Add(1); c.recorder.HTTPEnd(ref, err) }
func (c counting) PipeData(ref Ref, message string, more bool) {
	c.calls.Add(1)
	c.recorder.PipeData(ref, message, more)
}

func (c counting) PipeClosed(ref Ref, err *Error) { c.calls.Add(1); c.recorder.PipeClosed(ref, err) }

// The session has its own copy of what it was granted.
func TestGrantIsCopied(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("X-Key") }))
	defer server.Close()
	grant := Grant{URL: mustParse(t, server.URL), Header: http.Header{"X-Key": {"a"}}, Command: child(t, "out a\\n")}
	s, sink := start(t, grant, unhurried)
	grant.Header["X-Key"][0] = "b"
	grant.URL.Host = "b"
	grant.Command.Args[0] = "out b\\n"
	do(t, s, sink, 1, get(server.URL))
	if key := <-got; key != "a" {
		t.Errorf("header %q", key)
	}
	if err := s.PipeOpen(ref(2)); err != nil {
		t.Fatal(err)
	}
	events, _ := sink.ended(t, ref(2))
	if messages := messagesOf(events); len(messages) != 1 || messages[0] != "a" {
		t.Errorf("messages %q", messages)
	}
}
