package caisson_test

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// TestPinsOfOpenSession has a policy with pins replace one without: they count in a session that was open before.
func TestPinsOfOpenSession(t *testing.T) {
	t.Parallel()
	for _, era := range bothEras {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			server := offering(t, era, "1")
			c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{
				Policy: rules(t, strings.Replace(enforcingAll, "enforce", "'off'", 1)), Pins: pins.New(""),
			}})
			s := connect(t, c, server.Caisson())
			if _, err := call(t, s, "a", nil); err != nil {
				t.Fatal(err)
			}
			if err := c.SetPolicy(rules(t, enforcingAll)); err != nil {
				t.Fatal(err)
			}
			_, err := call(t, s, "a", nil)
			deniedFor(t, err, policy.NotPinned)
			if got := shownTools(t, s) + shownOthers(t, s); got != "" {
				t.Errorf("it lists %s", got)
			}
		})
	}
}

// TestInstructionsOnTheWire finds that no request of a program's own gets instructions that nobody has approved.
func TestInstructionsOnTheWire(t *testing.T) {
	t.Parallel()
	for mode, shown := range map[string]bool{"'off'": true, "warn": true, "enforce": false} {
		ours, theirs := mcp.NewInMemoryTransports()
		server := mcp.NewServer(&mcp.Implementation{Name: "s", Version: "1"}, &mcp.ServerOptions{Instructions: "evil"})
		session, err := server.Connect(testContext(t), ours, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = session.Close() })
		c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{
			Policy: rules(t, "version: 1\npins: {mode: "+mode+"}\nservers: {s: {}}\n"), Pins: pins.New(""),
		}})
		s := connect(t, c, caisson.Server{Name: "s", Transport: theirs})
		raw, err := s.Request(testContext(t), "server/discover", nil)
		if err != nil || strings.Contains(string(raw), "evil") != shown {
			t.Errorf("%s: %s, %v", mode, raw, err)
		}
	}
}
