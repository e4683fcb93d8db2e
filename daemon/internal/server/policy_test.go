package server

import (
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// withPolicy writes a policy, and gives the line of the configuration for it, and the log that it names.
func withPolicy(t *testing.T, text string) (line, log string) {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "caisson.policy.yaml")
	if err := os.WriteFile(path, []byte("version: 1\naudit: {file: audit.jsonl}\nservers:\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "policy: " + path + "\n", filepath.Join(folder, "audit.jsonl")
}

func call(name string) *connect.Request[caissonv1.CallToolRequest] {
	return connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: name, Arguments: []byte(`{"text":"x"}`)})
}

// TestPolicy shows that what the policy does not grant is denied, by its own code, for who makes it, and is in the log.
func TestPolicy(t *testing.T) {
	line, log := withPolicy(t, "  up: {principals: [alice], callers: [rpc], tools: [echo, {name: progress, rate: {maxTokens: 1, refillPeriod: 1h}}]}\n")
	d := start(t, line+servers("up", newUpstream(t).url))
	ctx := t.Context()
	alice := d.mcp(d.token("alice"))
	if _, err := alice.CallTool(ctx, call("echo")); err != nil {
		t.Fatal(err)
	}
	_, err := alice.CallTool(ctx, call("fail"))
	if e := detail(t, err); connect.CodeOf(err) != connect.CodePermissionDenied || e.GetCode() != caissonv1.Code_CODE_DENIED || e.GetDenied().GetReason() != "not granted" || e.GetServer() != "up" {
		t.Errorf("what is not granted: %v, %v", err, e)
	}
	_, err = d.mcp(d.token("bob")).CallTool(ctx, call("echo"))
	if e := detail(t, err); e.GetCode() != caissonv1.Code_CODE_DENIED {
		t.Errorf("by bob: %v, %v", err, e)
	}
	progress := connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: "progress"})
	for range 2 {
		_, err = alice.CallTool(ctx, progress)
	}
	if e := detail(t, err); e.GetDenied().GetReason() != "rate" || e.GetDenied().GetRetryAfter().AsDuration() <= 0 {
		t.Errorf("too often: %v, %v", err, e)
	}
	listed, err := alice.ListTools(ctx, connect.NewRequest(&caissonv1.ListToolsRequest{Target: byServer("up")}))
	if err != nil {
		t.Fatal(err)
	}
	if got := toolNames(t, listed.Msg.GetResult()); len(got) != 2 || got[0] != "echo" || got[1] != "progress" {
		t.Errorf("the list has %q", got)
	}
	seen := map[string]bool{}
	for record, err := range audit.Records(log) {
		if err != nil {
			t.Fatal(err)
		}
		if record.Event == audit.Decision {
			seen[record.Principal+" "+record.Caller+" "+record.Name+" "+record.Effect] = true
		}
	}
	for _, want := range []string{"alice rpc echo allow", "alice rpc fail deny"} {
		if !seen[want] {
			t.Errorf("the log has no %q, but %v", want, seen)
		}
	}
	decided, err := d.admin(d.token("owner")).CheckPolicy(ctx, connect.NewRequest(&caissonv1.CheckPolicyRequest{Principal: "alice", Server: "up", Name: "fail"}))
	if err != nil || decided.Msg.GetEffect() != "deny" || decided.Msg.GetReason() != "not granted" || decided.Msg.GetPolicy() == "" {
		t.Errorf("the check says %v, %v", decided, err)
	}
}

// TestApproval has a call wait for the yes of somebody else.
func TestApproval(t *testing.T) {
	line, _ := withPolicy(t, "  up: {tools: [{name: echo, ask: {who: owner, text: Look.}}]}\n")
	d := start(t, line+"access: {tokens: tokens.json, scopes: {alice: [caisson:mcp, caisson:admin], bob: [caisson:admin]}}\n"+servers("up", newUpstream(t).url))
	ctx := t.Context()
	for name, test := range map[string]struct {
		yes  bool
		want caissonv1.Code
	}{"yes": {true, caissonv1.Code_CODE_UNSPECIFIED}, "no": {false, caissonv1.Code_CODE_DENIED}} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			go func() {
				_, err := d.mcp(d.token("alice")).CallTool(ctx, call("echo"))
				ended <- err
			}()
			owner := d.admin(d.token("owner"))
			var asked *caissonv1.Approval
			for asked == nil {
				listed, err := owner.ListApprovals(ctx, connect.NewRequest(&caissonv1.ListApprovalsRequest{}))
				if err != nil {
					t.Fatal(err)
				}
				if all := listed.Msg.GetApprovals(); len(all) == 1 {
					asked = all[0]
				}
				select {
				case err := <-ended:
					t.Fatalf("the call has not waited: %v", err)
				default:
				}
			}
			if asked.GetPrincipal() != "alice" || asked.GetName() != "echo" || asked.GetText() != "Look." || asked.GetWho() != "owner" || asked.GetCaller() != "rpc" {
				t.Errorf("the question is %v", asked)
			}
			_, err := d.admin(d.token("alice")).AnswerApproval(ctx, connect.NewRequest(&caissonv1.AnswerApprovalRequest{Id: asked.GetId(), Approve: true}))
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("alice says yes to her own call: %v", err)
			}
			_, err = d.admin(d.token("bob")).AnswerApproval(ctx, connect.NewRequest(&caissonv1.AnswerApprovalRequest{Id: asked.GetId(), Approve: true}))
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("bob says yes, whom the policy does not ask: %v", err)
			}
			if _, err := owner.AnswerApproval(ctx, connect.NewRequest(&caissonv1.AnswerApprovalRequest{Id: asked.GetId(), Approve: test.yes})); err != nil {
				t.Fatal(err)
			}
			switch err := <-ended; {
			case test.want == caissonv1.Code_CODE_UNSPECIFIED && err != nil:
				t.Error(err)
			case test.want != caissonv1.Code_CODE_UNSPECIFIED && detail(t, err).GetCode() != test.want:
				t.Errorf("%v", err)
			}
			if _, err := owner.AnswerApproval(ctx, connect.NewRequest(&caissonv1.AnswerApprovalRequest{Id: asked.GetId(), Approve: true})); connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("a second answer: %v", err)
			}
		})
	}
}
