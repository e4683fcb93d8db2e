package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/caisson/scan"
)

// TestWritePolicy reads what is written for odd offers: each tool is granted, asked about or denied as it says of itself,
// under its own name alone, and what is left out is said.
func TestWritePolicy(t *testing.T) {
	t.Parallel()
	o := &offer{server: "yes: #1", identity: &pins.Identity{Command: `/a "b"/c`}}
	odd := []string{"plain", "a*b", "true", "- x: [", "é\u202e", `"`}
	for i, hint := range []string{`{"readOnlyHint":true}`, `{"destructiveHint":true}`, `{}`} {
		for _, name := range odd {
			text, err := json.Marshal(map[string]any{"name": name + fmt.Sprint(i), "inputSchema": map[string]any{"type": "object"}, "annotations": json.RawMessage(hint)})
			if err != nil {
				t.Fatal(err)
			}
			d, err := pins.Define(text)
			if err != nil {
				t.Fatal(err)
			}
			o.definitions = append(o.definitions, d)
		}
	}
	for i := range mostWritten + 3 {
		o.items = append(o.items, scan.Item{Kind: "resource", Name: fmt.Sprintf("x:%d", i)})
	}
	o.items = append(o.items, scan.Item{Kind: "resource", Name: "x:{a}"}, scan.Item{Kind: "prompt", Name: "p*"})
	text := writePolicy([]*offer{o})
	p, err := policyfile.Parse("caisson.policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i, want := range []policy.Effect{policy.Allow, policy.Deny, policy.NeedsAnswer} {
		for _, name := range odd {
			call := &policy.Call{Server: o.server, Kind: policy.Tool, Name: name + fmt.Sprint(i), Arguments: json.RawMessage(`{}`), ReadOnly: i == 0}
			if got := p.Decide(call); got.Effect != want {
				t.Errorf("%s is decided as %s, want %s\n%s", call.Name, got.Effect, want, text)
			}
		}
	}
	for name, kind := range map[string]policy.Kind{"axb0": policy.Tool, "x:102": policy.Resource, "px": policy.Prompt} {
		if got := p.Decide(&policy.Call{Server: o.server, Kind: kind, Name: name}); got.Effect != policy.Deny {
			t.Errorf("%s is granted", name)
		}
	}
	if !strings.Contains(text, "# 4 further resources, templates among them, are not granted") {
		t.Errorf("it does not say what it leaves out:\n%s", text)
	}
}
