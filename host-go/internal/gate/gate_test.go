package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
)

// tools are definitions that the test changes.
type tools struct {
	definition *pins.Definition
	listed     int
}

func (t *tools) Definition(context.Context, string, time.Duration) (*pins.Definition, error) {
	t.listed++
	return t.definition, nil
}
func (t *tools) Identity() *pins.Identity { return &pins.Identity{Origin: "https://a"} }

// TestOrder has a call that every check would deny, and takes one reason after the other away: the checks come
// in the order that is promised, and one that denies keeps the later ones from being made.
func TestOrder(t *testing.T) {
	now := time.Unix(1000, 0)
	asked := 0
	definition, err := pins.Define(json.RawMessage(`{"name":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	offered := &tools{definition: definition}
	lock := pins.New("")
	withRule := func(granted bool) *policy.Policy {
		rule := policy.Rule{
			Name: []string{"a"}, Deny: !granted,
		}
		if granted {
			rule.Arguments = json.RawMessage(`{"required":["x"]}`)
			rule.Ask = &policy.Ask{}
			rule.Limits = policy.Limits{Rate: &policy.Rate{MaxTokens: 1, RefillPeriod: policy.Duration(time.Minute)}, Concurrency: 1}
		}
		p, err := policy.New(policy.Rules{Version: 1, Pins: &policy.Pins{Mode: policy.PinsEnforce}, Servers: []policy.Source{{Name: "s", Tools: []policy.Rule{rule}}}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	yes := false
	g := gate.New(gate.Config{
		Policy: withRule(false), Pins: lock, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
			asked++
			if yes {
				return q.Yes(""), nil
			}
			return q.No(), nil
		},
	})
	enter := func(arguments string) (*gate.Pass, policy.Reason) {
		pass, err := g.Enter(t.Context(), &gate.Call{Call: policy.Call{Server: "s", Kind: policy.Tool, Name: "a", Arguments: json.RawMessage(arguments)}, Definitions: offered})
		var no *policy.DeniedError
		if errors.As(err, &no) {
			return nil, no.Reason
		} else if err != nil {
			t.Fatal(err)
		}
		return pass, ""
	}
	want := func(arguments string, reason policy.Reason) *gate.Pass {
		t.Helper()
		pass, got := enter(arguments)
		if got != reason {
			t.Errorf("it is denied for its %q, and not for its %q", got, reason)
		}
		return pass
	}
	want(`{}`, policy.NotGranted)
	if offered.listed != 0 {
		t.Error("the server was asked about what is not granted")
	}
	g.SetPolicy(withRule(true))
	want(`{}`, policy.NotPinned)
	lock.Approve("s", offered.Identity(), definition)
	want(`{}`, policy.BadArguments)
	if asked != 0 {
		t.Error("somebody was asked too early")
	}
	want(`{"x":1}`, policy.NoApproval)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	want(`{"x":1}`, policy.TooOften) // The token is taken before somebody is asked.
	if asked != 1 {
		t.Error("somebody was asked for a call without a token")
	}
	now, yes = now.Add(time.Hour), true
	first := want(`{"x":1}`, "")
	now = now.Add(time.Hour)
	want(`{"x":1}`, policy.TooMany)
	_ = first.Leave(nil, "")
	now = now.Add(time.Hour)
	_ = want(`{"x":1}`, "").Leave(nil, "")
}

// BenchmarkEnter is the price of a decision: without and with a log, and with a rule for arguments.
func BenchmarkEnter(b *testing.B) {
	for name, withLog := range map[string]bool{"without a log": false, "with a log": true} {
		b.Run(name, func(b *testing.B) {
			p, err := policy.New(policy.Rules{Version: 1, Servers: []policy.Source{{Name: "s", Tools: []policy.Rule{{Name: []string{"a"}, Arguments: json.RawMessage(`{"properties":{"x":{"maximum":5}}}`)}}}}})
			if err != nil {
				b.Fatal(err)
			}
			config := gate.Config{Policy: p, Logger: slog.New(slog.DiscardHandler)}
			if withLog {
				if config.Audit, err = audit.Open(filepath.Join(b.TempDir(), "audit.jsonl"), nil); err != nil {
					b.Fatal(err)
				}
				defer config.Audit.Close()
			}
			g := gate.New(config)
			for b.Loop() {
				pass, err := g.Enter(b.Context(), &gate.Call{Call: policy.Call{Server: "s", Kind: policy.Tool, Name: "a", Arguments: json.RawMessage(`{"x":1}`)}})
				if err != nil {
					b.Fatal(err)
				}
				_ = pass.Leave(nil, "")
			}
		})
	}
}
