package egress

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// event is one call of a Sink.
type event struct {
	kind    string // head, body, end, data or closed
	ref     Ref
	status  int
	header  [][2]string
	chunk   []byte
	message string
	err     *Error
}

// recorder is a Sink that keeps what it is told.
type recorder struct {
	mu     sync.Mutex
	events []event
	whole  []Ref         // of the responses that came whole
	signal chan struct{} // closed, and replaced, at each event
}

func newRecorder() *recorder { return &recorder{signal: make(chan struct{})} }

func (r *recorder) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	close(r.signal)
	r.signal = make(chan struct{})
}

func (r *recorder) HTTPHead(ref Ref, status int, header [][2]string) {
	r.add(event{kind: "head", ref: ref, status: status, header: header})
}

func (r *recorder) HTTPBody(ref Ref, chunk []byte) {
	r.add(event{kind: "body", ref: ref, chunk: chunk})
}

// HTTPResponse keeps the events that it stands for, and that it came.
func (r *recorder) HTTPResponse(ref Ref, status int, header [][2]string, body string) {
	r.mu.Lock()
	r.whole = append(r.whole, ref)
	r.mu.Unlock()
	r.HTTPHead(ref, status, header)
	if body != "" {
		r.HTTPBody(ref, []byte(body))
	}
	r.HTTPEnd(ref, nil)
}

func (r *recorder) HTTPEnd(ref Ref, err *Error) { r.add(event{kind: "end", ref: ref, err: err}) }
func (r *recorder) PipeData(ref Ref, message string, _ bool) {
	r.add(event{kind: "data", ref: ref, message: message})
}

func (r *recorder) PipeClosed(ref Ref, err *Error) { r.add(event{kind: "closed", ref: ref, err: err}) }

// of returns the events of ref, so far.
func (r *recorder) of(ref Ref) []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var events []event
	for _, e := range r.events {
		if e.ref == ref {
			events = append(events, e)
		}
	}
	return events
}

// until waits until done is true of the events of ref, and returns them.
func (r *recorder) until(t testing.TB, ref Ref, done func([]event) bool) []event {
	t.Helper()
	timeout := time.After(patience)
	for {
		r.mu.Lock()
		signal := r.signal
		r.mu.Unlock()
		events := r.of(ref)
		if done(events) {
			return events
		}
		select {
		case <-signal:
		case <-timeout:
			t.Fatalf("%v: still waiting after %v; %d events so far", ref, patience, len(events))
		}
	}
}

// ended waits for the end of ref, and returns its events without it, and its error.
func (r *recorder) ended(t testing.TB, ref Ref) ([]event, *Error) {
	t.Helper()
	events := r.until(t, ref, func(events []event) bool {
		return len(events) > 0 && strings.Contains("end closed", events[len(events)-1].kind)
	})
	last := len(events) - 1
	return events[:last], events[last].err
}

// bodyOf returns the body that events have.
func bodyOf(events []event) []byte {
	var body bytes.Buffer
	for _, e := range events {
		body.Write(e.chunk)
	}
	return body.Bytes()
}

// messagesOf returns the messages that events have.
func messagesOf(events []event) []string {
	var messages []string
	for _, e := range events {
		if e.kind == "data" {
			messages = append(messages, e.message)
		}
	}
	return messages
}

// ref is a Ref of the first generation.
func ref(id uint32) Ref { return Ref{ID: id, Generation: 1} }

// start returns a session with a recorder, closed at the end of the test.
func start(t testing.TB, grant Grant, opts Options) (*Broker, *recorder) {
	t.Helper()
	sink := newRecorder()
	s := NewBroker(grant, sink, opts)
	t.Cleanup(s.Close)
	return s, sink
}

func mustParse(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// noError fails the test for an error.
func noError(t testing.TB, err *Error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error of kind %v: %v", err.Kind, err)
	}
}

// wantError fails the test when err is not of kind or does not say all of parts.
func wantError(t testing.TB, err *Error, kind Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %v", kind)
	}
	if err.Kind != kind {
		t.Errorf("kind %v, want %v: %v", err.Kind, kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q: %v", part, err)
		}
	}
}

// wantRefused is wantError for what is refused at once.
func wantRefused(t testing.TB, err error, kind Kind, parts ...string) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("it is not refused: %v", err)
	}
	wantError(t, refused, kind, parts...)
}
