package server

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// TestPins approves what a server offers, sees how it changes, and takes the approval back.
func TestPins(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "caisson.policy.yaml")
	if err := os.WriteFile(path, []byte("version: 1\npins: {mode: enforce}\nservers: {up: {tools: [echo]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := newUpstream(t)
	d := start(t, "policy: "+path+"\n"+servers("up", up.url))
	ctx := t.Context()
	owner, alice := d.admin(d.token("owner")), d.mcp(d.token("alice"))
	compare := func() *caissonv1.ComparePinsResponse {
		t.Helper()
		r, err := owner.ComparePins(ctx, connect.NewRequest(&caissonv1.ComparePinsRequest{Server: "up"}))
		if err != nil {
			t.Fatal(err)
		}
		return r.Msg
	}
	echoOf := func(r *caissonv1.ComparePinsResponse) *caissonv1.OfferedPin {
		t.Helper()
		i := slices.IndexFunc(r.GetOffers(), func(o *caissonv1.OfferedPin) bool { return o.GetPin().GetName() == "echo" })
		if i < 0 {
			t.Fatalf("the tool is not there: %v", r)
		}
		return r.GetOffers()[i]
	}
	approve := func(all ...*caissonv1.Pin) error {
		_, err := owner.ApprovePins(ctx, connect.NewRequest(&caissonv1.ApprovePinsRequest{Server: "up", Pins: all}))
		return err
	}
	listed := func() []*caissonv1.Pin {
		t.Helper()
		r, err := owner.ListPins(ctx, connect.NewRequest(&caissonv1.ListPinsRequest{Server: "up"}))
		if err != nil {
			t.Fatal(err)
		}
		return r.Msg.GetPins()
	}
	callable := func() error {
		_, err := alice.CallTool(ctx, call("echo"))
		return err
	}

	first := compare()
	pending := echoOf(first)
	if first.GetServer() != "pending" || pending.GetState() != "pending" || len(pending.GetChanges()) == 0 || !json.Valid(pending.GetDefinition()) || len(listed()) != 0 {
		t.Errorf("at first: %v", first)
	}
	if err := callable(); detail(t, err).GetDenied().GetReason() == "" {
		t.Errorf("what nobody has approved is called: %v", err)
	}
	if err := approve(&caissonv1.Pin{Kind: "tool", Name: "echo", Hash: strings.Repeat("0", 64)}); connect.CodeOf(err) != connect.CodeFailedPrecondition || len(listed()) != 0 {
		t.Errorf("another hash is approved: %v", err)
	}
	if err := approve(pending.GetPin()); err != nil {
		t.Fatal(err)
	}
	if err := callable(); err != nil {
		t.Errorf("what is approved: %v", err)
	}
	lock, err := pins.Load(filepath.Join(folder, "caisson.lock"))
	if err != nil || !slices.Equal(lock.Names("up", pins.Tool), []string{"echo"}) {
		t.Errorf("the lock file has %v, %v", lock.Names("up", pins.Tool), err)
	}
	if got := listed(); len(got) != 1 || got[0].GetHash() != pending.GetPin().GetHash() {
		t.Errorf("the list has %v", got)
	}

	mcp.AddTool(up.server, &mcp.Tool{Name: "echo", Description: "Says it again, and sends it home."}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return nil, nil, nil
	})
	changed := echoOf(compare())
	if changed.GetState() != "changed" || !strings.Contains(strings.Join(changed.GetChanges(), "\n"), "home") {
		t.Errorf("after a change: %v", changed)
	}
	if err := approve(pending.GetPin()); connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("what it does not offer any more is approved: %v", err)
	}
	up.server.RemoveTools("echo")
	if gone := compare().GetGone(); len(gone) != 1 || gone[0].GetName() != "echo" {
		t.Errorf("gone are %v", gone)
	}
	forget := func(all ...*caissonv1.Pin) error {
		_, err := owner.ForgetPins(ctx, connect.NewRequest(&caissonv1.ForgetPinsRequest{Server: "up", Pins: all}))
		return err
	}
	if err := forget(&caissonv1.Pin{Kind: "tool", Name: "none"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("what is not approved is forgotten: %v", err)
	}
	if err := forget(&caissonv1.Pin{Kind: "tool", Name: "echo"}); err != nil || len(listed()) != 0 || lockState(t, folder, "up") != pins.Changed {
		t.Errorf("after the tool is forgotten: %v, %v", err, listed())
	}
	if err := forget(); err != nil || lockState(t, folder, "up") != pins.Pending {
		t.Errorf("after the server is forgotten: %v", err)
	}
	for name, err := range map[string]error{
		"ComparePins": second(d.admin(d.token("alice")).ComparePins(ctx, connect.NewRequest(&caissonv1.ComparePinsRequest{Server: "up"}))),
		"ApprovePins": second(d.admin(d.token("alice")).ApprovePins(ctx, connect.NewRequest(&caissonv1.ApprovePinsRequest{Server: "up"}))),
		"ForgetPins":  second(d.admin(d.token("alice")).ForgetPins(ctx, connect.NewRequest(&caissonv1.ForgetPinsRequest{Server: "up"}))),
		"Reload":      second(d.admin(d.token("alice")).Reload(ctx, connect.NewRequest(&caissonv1.ReloadRequest{}))),
		"GetPolicy":   second(d.admin(d.token("alice")).GetPolicy(ctx, connect.NewRequest(&caissonv1.GetPolicyRequest{}))),
	} {
		if connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s by somebody without the scope: %v", name, err)
		}
	}
}

// lockState is what the file says of a server that nobody is.
func lockState(t *testing.T, folder, server string) pins.State {
	t.Helper()
	lock, err := pins.Load(filepath.Join(folder, "caisson.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return lock.Server(server, &pins.Identity{Origin: "http://nobody.example"})
}

// TestNoPins shows that without a lock file nothing can be approved.
func TestNoPins(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	_, err := d.admin(d.token("owner")).ComparePins(t.Context(), connect.NewRequest(&caissonv1.ComparePinsRequest{Server: "up"}))
	if connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("%v", err)
	}
}

// TestAdminReload changes the policy, and has the daemon read it.
func TestAdminReload(t *testing.T) {
	line, _ := withPolicy(t, "  up: {tools: [echo]}\n")
	d := start(t, line+servers("up", newUpstream(t).url))
	ctx := t.Context()
	owner := d.admin(d.token("owner"))
	get := func() *caissonv1.GetPolicyResponse {
		t.Helper()
		r, err := owner.GetPolicy(ctx, connect.NewRequest(&caissonv1.GetPolicyRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		return r.Msg
	}
	before := get()
	if before.GetPolicy() == "" || !strings.Contains(string(before.GetRules()), `"echo"`) {
		t.Errorf("the policy is %v", before)
	}
	path := strings.TrimSpace(strings.TrimPrefix(line, "policy: "))
	write := func(text string) error {
		t.Helper()
		if err := os.WriteFile(path, []byte("version: 1\naudit: {file: audit.jsonl}\nservers: {up: {tools: ["+text+"]}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := owner.Reload(ctx, connect.NewRequest(&caissonv1.ReloadRequest{}))
		return err
	}
	if err := write("{nam: x}"); connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "nam") || get().GetPolicy() != before.GetPolicy() {
		t.Errorf("a mistake: %v", err)
	}
	if err := write("fail"); err != nil || get().GetPolicy() == before.GetPolicy() {
		t.Errorf("%v, the policy is the same", err)
	}
	if _, err := d.mcp(d.token("alice")).CallTool(ctx, call("echo")); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a call that is not granted any more: %v", err)
	}
}
