package engine

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// TestTrapGivesTheTurnBack has a core trap in its turn, and be closed in it: another session gets the turn.
func TestTrapGivesTheTurnBack(t *testing.T) {
	e := newHostileEngine(t, hostile(t), io.Discard, patience)
	u, _ := url.Parse("https://server.example/mcp")
	store := auth.NewMemoryStore()
	flow := func() *authorization.Flow {
		return authorization.New(authorization.Config{Server: "s", URL: u, Method: &auth.OAuth{}, Store: store})
	}
	for name, inTurn := range map[string]func(*script){
		"trapped": func(s *script) { s.trap() },
		"closed":  func(*script) {},
	} {
		t.Run(name, func(t *testing.T) {
			does := first().begin(1).settle().on(onDeliver)
			inTurn(does)
			own := flow()
			s, f := e.open(testContext(t), SessionConfig{
				Endpoint: Endpoint{Kind: Stdio}, Grant: egress.Grant{Server: "s", URL: u}, ConnectTimeout: patience,
				Capabilities: does.String(), Authorization: own,
			})
			if f != nil {
				t.Fatal(f)
			}
			if _, f := s.Connect(testContext(t)); f != nil {
				t.Fatal(f)
			}
			if name == "trapped" {
				if f := s.Wait(); f == nil || !strings.Contains(f.Message, "stopped") {
					t.Errorf("the session ends with %v", f)
				}
			} else {
				s.Close()
			}
			next := flow()
			if _, err := next.Begin(testContext(t), authorization.Challenge{Status: 401}); err != nil {
				t.Errorf("the next session does not get the turn: %v", err)
			}
			next.End()
			s.Close()
		})
	}
}
