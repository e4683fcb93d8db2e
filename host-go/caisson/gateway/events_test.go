package gateway

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEventsAreBounded plays random sequences against what a stream has carried. What is kept never exceeds the bounds,
// and what is given is everything after a place, or an error.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	const most, mostOfOne = 5000, 2000
	ctx := t.Context()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		e := newEvents(most, mostOfOne)
		carried := map[[2]string][]string{}
		resumed, refused := 0, 0
		for range 500 {
			session, stream := fmt.Sprint("s", random.IntN(4)), fmt.Sprint("r", random.IntN(5))
			at := [2]string{session, stream}
			switch random.IntN(10) {
			case 0, 1:
				if err := e.Open(ctx, session, stream); err != nil {
					t.Fatal(err)
				}
				if carried[at] == nil {
					carried[at] = []string{}
				}
			case 2:
				place := random.IntN(len(carried[at]) + 1)
				var got []string
				var failed error
				for data, err := range e.After(ctx, session, stream, place) {
					got, failed = append(got, string(data)), err
				}
				switch {
				case failed != nil:
					refused++
				case place >= len(carried[at]) || fmt.Sprint(got) != fmt.Sprint(carried[at][place+1:]):
					t.Fatalf("seed %d: after %d of %v there is %v", seed, place, carried[at], got)
				default:
					resumed++
				}
			case 3:
				if random.IntN(20) == 0 {
					_ = e.SessionClosed(ctx, session)
					for other := range carried {
						if other[0] == session {
							delete(carried, other)
						}
					}
				}
			default:
				if carried[at] == nil {
					if e.Append(ctx, session, stream, []byte("x")) == nil {
						t.Fatal("a stream that is not open keeps something")
					}
					continue
				}
				size := random.IntN(300)
				if random.IntN(30) == 0 {
					size = mostOfOne
				}
				data := fmt.Sprintf("%0*d", size, len(carried[at]))
				err := e.Append(ctx, session, stream, []byte(data))
				if (err != nil) != (cost([]byte(data)) > mostOfOne) {
					t.Fatalf("seed %d: %d bytes: %v", seed, size, err)
				}
				carried[at] = append(carried[at], data)
			}
			var sum int64
			for name, of := range e.sessions {
				var own int64
				events := 0
				for _, s := range of.streams {
					events += len(s.kept)
					for _, data := range s.kept {
						own += cost(data)
					}
				}
				if own != of.size || own > mostOfOne || events != len(of.order) {
					t.Fatalf("seed %d: %s keeps %d bytes in %d events, and counts %d in %d", seed, name, own, events, of.size, len(of.order))
				}
				sum += own
			}
			if sum != e.size || sum > most {
				t.Fatalf("seed %d: %d bytes are kept, and %d counted", seed, sum, e.size)
			}
		}
		if resumed == 0 || refused == 0 {
			t.Fatalf("seed %d: %d resumed, %d refused", seed, resumed, refused)
		}
	}
}

// TestStreamsAreBounded opens more streams than a session may resume: the oldest are gone.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := newEvents(1<<20, 1<<20)
	const more = 10
	for i := range maxStreams + more {
		stream := fmt.Sprint(i)
		_ = e.Open(ctx, "s", stream)
		if err := e.Append(ctx, "s", stream, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	of := e.sessions["s"]
	if len(of.streams) != maxStreams || len(of.opened) != maxStreams || len(of.order) != maxStreams || of.size != maxStreams*cost([]byte("x")) {
		t.Errorf("there are %d streams, %d events, %d bytes", len(of.streams), len(of.order), of.size)
	}
	for i, gone := range map[int]bool{0: true, more - 1: true, more: false} {
		if err := e.Append(ctx, "s", fmt.Sprint(i), []byte("y")); (err != nil) != gone {
			t.Errorf("stream %d: %v", i, err)
		}
	}
}

// TestStandalone shows what the stream of notifications gives: to a client that opens it anew nothing old, and to one
// that comes back what it has missed, as far as that is kept, under the places that it counts.
func TestStandalone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := newEvents(10*(eventCost+1), 10*(eventCost+1))
	_ = e.Open(ctx, "s", standalone)
	tell := func(text string) error { return e.Append(ctx, "s", standalone, []byte(text)) }
	after := func(place int) (all string) {
		for data, err := range e.After(ctx, "s", standalone, place) {
			if err != nil {
				return err.Error()
			}
			all += string(data)
		}
		return all
	}
	if err := tell("a"); err == nil {
		t.Error("what nobody listens to is kept")
	}
	if got := after(-1); got != "" {
		t.Errorf("who opens it gets %q", got)
	}
	for _, text := range []string{"a", "b", "c"} { // The places 0, 1, and 2.
		if err := tell(text); err != nil {
			t.Fatal(err)
		}
	}
	if got := after(0); got != "bc" {
		t.Errorf("after a there is %q", got)
	}
	for i := range 20 { // Those before the last ten are lost.
		if err := tell(string(rune('d' + i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := after(2); got != "nopqrstuvw" {
		t.Errorf("after c there is %q", got)
	}
	if got := after(2 + 10); got != "" { // w has the place 12 now.
		t.Errorf("after w there is %q", got)
	}
	if err := tell("x"); err != nil {
		t.Fatal(err)
	}
	if got := after(2 + 10); got != "x" {
		t.Errorf("after w there is %q", got)
	}
	if got := after(-1); got != "" {
		t.Errorf("who opens it anew gets %q", got)
	}
	if _ = tell("y"); after(0) != "" {
		t.Error("the places do not begin anew")
	}
}
