package docs_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

// governed is the code of docs/policy.md.
func governed(runtime *caisson.Runtime, ask func(ctx context.Context, server, tool string, arguments json.RawMessage) bool) error {
	rules, err := policyfile.Load("caisson.policy.yaml")
	if err != nil {
		return err
	}
	lock, err := pins.Load("caisson.lock")
	if err != nil {
		return err
	}
	client, err := runtime.NewClient(&caisson.ClientOptions{Governance: caisson.Governance{
		Policy:    rules,
		Principal: "alice",
		Pins:      lock,
		Approve: func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
			if ask(ctx, q.Call.Server, q.Call.Name, q.Call.Arguments) {
				return q.Yes("alice"), nil
			}
			return q.No(), nil
		},
	}})
	if err != nil {
		return err
	}
	return client.Close()
}

// TestPolicies reads the policies that documents show.
func TestPolicies(t *testing.T) {
	if err := governed(nil, nil); err == nil || !strings.Contains(err.Error(), "caisson.policy.yaml") {
		t.Errorf("there is no policy here: %v", err)
	}
	shown := 0
	for _, document := range documents(t) {
		for _, part := range strings.Split(read(t, document), "\n```yaml\n")[1:] {
			text, _, _ := strings.Cut(part, "\n```")
			if !strings.Contains(text, "\nversion: 1\n") {
				continue
			}
			shown++
			p, err := policyfile.Parse("caisson.policy.yaml", []byte(text))
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			for path, want := range map[string]policy.Effect{"/work/a/b.txt": policy.NeedsAnswer, "/work/../etc/passwd": policy.Deny, "/etc/passwd": policy.Deny, "/work/a/..": policy.Deny, "/work/.a/b": policy.Deny} {
				arguments, _ := json.Marshal(map[string]string{"path": path, "content": ""})
				if d := p.Decide(&policy.Call{Server: "files", Kind: policy.Tool, Name: "write_file", Arguments: arguments}); d.Effect != want {
					t.Errorf("%s: %s is %s: %s", document, path, d.Effect, d.Message)
				}
			}
		}
	}
	if shown == 0 {
		t.Error("no document shows a policy")
	}
}
