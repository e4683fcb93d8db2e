package codemode

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestKeptOfPrincipal has the clients of two principals keep more than there is room for: the oldest values of the
// principal go, those of the other stay, and the end of a client frees what it had.
func TestKeptOfPrincipal(t *testing.T) {
	t.Parallel()
	value := func(n int) json.RawMessage { return json.RawMessage(strings.Repeat("1", n)) }
	s := newStore(100)
	one, two, other := s.of("ada", 10, 60), s.of("ada", 10, 60), s.of("bob", 10, 60)
	first, _ := one.add(value(40))
	theirs, _ := other.add(value(60))
	second, _ := two.add(value(60))
	if _, ok := one.get(first); !ok {
		t.Error("there was room for the first value")
	}
	third, ok := one.add(value(20)) // 120 of 100
	if !ok {
		t.Fatal("the third value is not kept")
	}
	if _, ok := one.get(first); ok {
		t.Error("the oldest value of the principal is still kept")
	}
	for k, name := range map[*kept]string{two: second, one: third, other: theirs} {
		if _, ok := k.get(name); !ok {
			t.Errorf("%s of %s is not kept", name, k.principal)
		}
	}
	if _, ok := two.get(third); ok && third != second {
		t.Error("a client has another one's value")
	}
	if _, ok := one.add(value(61)); ok {
		t.Error("a value is kept that is larger than the room of a client")
	}
	if got := s.shelves["ada"].bytes; got != 80 {
		t.Errorf("the principal keeps %d bytes", got)
	}
	one.close()
	if _, ok := one.add(value(1)); ok || s.shelves["ada"].bytes != 60 {
		t.Errorf("after the end of a client its principal keeps %d bytes", s.shelves["ada"].bytes)
	}
	two.close()
	if s.shelves["ada"] != nil || s.shelves["bob"] == nil {
		t.Error("the ends of the clients of one principal leave something, or take another's")
	}
}
