package pool

import (
	"context"
	"fmt"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestAgain shows what is made again, and where: nothing that may have had an effect.
func TestAgain(t *testing.T) {
	failures := map[caisson.Code]error{}
	for _, code := range []caisson.Code{caisson.CodeConnect, caisson.CodeTransport, caisson.CodeRPC, caisson.CodeNotRepeated, caisson.CodeTimeout, caisson.CodeTrap} {
		failures[code] = &caisson.Error{Code: code}
	}
	failures[caisson.CodeHTTP] = &caisson.Error{Code: caisson.CodeHTTP, HTTPStatus: 503}
	for _, test := range []struct {
		target, method string
		code           caisson.Code
		want           string // the servers that have got it
	}{
		{"any", "tools/call", caisson.CodeConnect, "ab"},
		{"any", "tools/call", caisson.CodeTransport, "a"},
		{"any", "tools/call", caisson.CodeHTTP, "a"},
		{"any", "tools/call", caisson.CodeNotRepeated, "a"},
		{"any", "tools/call", caisson.CodeTimeout, "a"},
		{"any", "x/unknown", caisson.CodeTransport, "a"},
		{"any", "tools/list", caisson.CodeConnect, "ab"},
		{"any", "tools/list", caisson.CodeTransport, "ab"},
		{"any", "tools/list", caisson.CodeHTTP, "ab"},
		{"any", "tools/list", caisson.CodeRPC, "a"},
		{"any", "tools/list", caisson.CodeTrap, "a"},
		{"a", "tools/call", caisson.CodeConnect, "a"},
		{"a", "tools/call", caisson.CodeTransport, "a"},
		{"a", "tools/list", caisson.CodeTransport, "aaa"},
		{"own", "tools/list", caisson.CodeConnect, "a"},
	} {
		t.Run(fmt.Sprintf("%s %s %s", test.target, test.method, test.code), func(t *testing.T) {
			p, _ := withDoors(t, Options{Settings: map[string]Settings{"any": {Servers: []string{"a", "b"}, Stateless: true}}}, "a", "b")
			target := Target{Server: test.target}
			if test.target == "own" {
				_, release, err := p.Connect(t.Context(), "alice", ConnectOptions{ID: "own", Server: "any"})
				if err != nil {
					t.Fatal(err)
				}
				release()
				target = Target{ID: "own"}
			}
			got := ""
			err := p.Call(t.Context(), "alice", target, test.method, func(s *Session) error {
				got += s.Server
				return failures[test.code]
			})
			if got != test.want || caisson.CodeOf(err) != test.code {
				t.Errorf("it is made at %q, want %q; and ends with %v", got, test.want, err)
			}
		})
	}
}

// TestEnded shows that what only asks finds another session where its own has ended, and a tool's call does not.
func TestEnded(t *testing.T) {
	for method, want := range map[string]int{"tools/list": 2, "tools/call": 1} {
		t.Run(method, func(t *testing.T) {
			p, servers := newPool(t, Options{}, "a")
			n := 0
			err := p.Call(t.Context(), "alice", Target{Server: "a"}, method, func(s *Session) error {
				if n++; n == 1 {
					servers["a"].End()
					_ = s.Caisson().Wait()
				}
				return s.Caisson().Ping(t.Context(), nil)
			})
			if n != want || (err == nil) != (want == 2) {
				t.Errorf("it is made %d times, and ends with %v", n, err)
			}
		})
	}
}

// TestGivenUp shows that nothing is made again for one who has given up.
func TestGivenUp(t *testing.T) {
	p, _ := newPool(t, Options{}, "a")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := p.Call(ctx, "alice", Target{Server: "a"}, "tools/list", func(*Session) error {
		n++
		cancel()
		return &caisson.Error{Code: caisson.CodeTransport}
	})
	if n != 1 || caisson.CodeOf(err) != caisson.CodeTransport {
		t.Errorf("it is made %d times, and ends with %v", n, err)
	}
}
