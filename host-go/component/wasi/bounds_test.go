package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// hostOf makes the state behind a linker.
func hostOf(cfg Config) *host { return newHost(component.NewLinker(), &cfg) }

func TestTooManyRequests(t *testing.T) {
	h := hostOf(Config{
		AllowedOrigins: []string{"http://a"},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}),
	})
	request := func() (*exchange, error) {
		return h.handle(context.Background(), &outgoingRequest{
			method: component.Variant{Case: "get"}, headers: &fields{},
			scheme: component.Some(component.Variant{Case: "HTTP"}), authority: component.Some("a"),
		}, &requestOptions{})
	}
	var all []*exchange
	for range maxExchanges {
		e, err := request()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	var refused *httpError
	if _, err := request(); !errors.As(err, &refused) || refused.Case != "connection-limit-reached" {
		t.Error(err)
	}
	for _, e := range all {
		e.drop()
		<-e.done
	}
	underway := func() int {
		h.http.mu.Lock()
		defer h.http.mu.Unlock()
		return h.http.underway
	}
	for deadline := time.Now().Add(10 * time.Second); underway() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("requests that were dropped still count")
		}
	}
	if e, err := request(); err != nil {
		t.Error(err)
	} else {
		e.drop()
	}
}

// A component that breaks a rule traps.
func TestTraps(t *testing.T) {
	ctx := context.Background()
	h := hostOf(Config{})
	if _, err := h.poll(ctx, nil); err == nil {
		t.Error("a poll of nothing")
	}
	if _, err := h.poll(ctx, make([]any, maxPoll+1)); err == nil {
		t.Error("a poll of too many")
	}
	if _, err := h.poll(ctx, []any{component.Rep(7)}); err == nil {
		t.Error("an unknown pollable")
	}
	out := &outputStream{output: writer{io.Discard}}
	if _, err := h.permitted(ctx, out, make([]byte, chunk+1)); err == nil {
		t.Error("a write of more than check-write permits")
	}
	f := &fields{}
	if err := f.add("a", bytes.Repeat([]byte("x"), maxFields)); err == nil || errors.As(err, new(headerError)) {
		t.Error("fields larger than the limit", err)
	}
	b := newOutgoingBody(&fields{})
	b.open = true
	if err := b.finish(nil); err == nil {
		t.Error("a body finished while its stream is open")
	}
}

// A blocking write of any length succeeds. A reader that never returns anything is given up.
func TestLongWrites(t *testing.T) {
	var got bytes.Buffer
	s := &outputStream{output: writer{&got}}
	want := strings.Repeat("x", 3*chunk+1)
	if err := s.put(context.Background(), []byte(want)); err != nil || got.String() != want {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
	idle := &inputStream{input: &reader{from: readerFunc(func([]byte) (int, error) { return 0, nil })}}
	if _, err := idle.take(context.Background(), 1, true); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
