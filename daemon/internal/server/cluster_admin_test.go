package server

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
)

// TestClusterAdmin asks one daemon about all.
func TestClusterAdmin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "caisson.policy.yaml")
	if err := os.WriteFile(path, []byte("version: 1\npins: {mode: warn}\nservers: {up: {tools: [echo]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, all := several(t, 3, "policy: "+path+"\n"+servers("up", newUpstream(t).url), cluster.Times{})
	ctx := t.Context()
	owner := all[0].admin(all[0].token("owner"))
	var names []string
	for _, d := range all {
		names = append(names, d.cluster.Node)
	}
	slices.Sort(names[1:]) // The one that is asked is the first one.
	connectAs(t, all[1].mcp(all[1].token("alice")), "mine", "up", "")
	connectAs(t, all[2].mcp(all[2].token("bob")), "mine", "up", "")
	// listed gives the daemons of a list, and those that have failed.
	type items []interface{ GetDaemon() string }
	listed := func(of items, failures []*caissonv1.DaemonFailure) (daemons, failed []string) {
		for _, one := range of {
			daemons = append(daemons, one.GetDaemon())
		}
		for _, f := range failures {
			failed = append(failed, f.GetDaemon())
			if f.GetError().GetMessage() == "" {
				t.Errorf("it is not said why %s has not answered", f.GetDaemon())
			}
		}
		return daemons, failed
	}
	lists := map[string]func(daemon string) (items, []*caissonv1.DaemonFailure, error){
		"ListServers": func(daemon string) (of items, _ []*caissonv1.DaemonFailure, _ error) {
			r, err := owner.ListServers(ctx, connect.NewRequest(&caissonv1.ListServersRequest{Daemon: daemon}))
			if err != nil {
				return nil, nil, err
			}
			for _, one := range r.Msg.GetServers() {
				of = append(of, one)
			}
			return of, r.Msg.GetFailures(), nil
		},
		"GetPolicy": func(daemon string) (of items, _ []*caissonv1.DaemonFailure, _ error) {
			r, err := owner.GetPolicy(ctx, connect.NewRequest(&caissonv1.GetPolicyRequest{Daemon: daemon}))
			if err != nil {
				return nil, nil, err
			}
			if r.Msg.GetPolicy() == "" || len(r.Msg.GetRules()) == 0 {
				t.Errorf("the policy is %v", r.Msg)
			}
			for _, one := range r.Msg.GetHeld() {
				if of = append(of, one); one.GetPolicy() != r.Msg.GetPolicy() {
					t.Errorf("another policy: %v", one)
				}
			}
			return of, r.Msg.GetFailures(), nil
		},
	}
	for name, list := range lists {
		of, failures, err := list("")
		if got, failed := listed(of, failures); err != nil || !slices.Equal(got, names) || failed != nil {
			t.Errorf("%s of all has %q, %q, %v", name, got, failed, err)
		}
		of, failures, err = list(names[2])
		if got, failed := listed(of, failures); err != nil || !slices.Equal(got, names[2:]) || failed != nil {
			t.Errorf("%s of one has %q, %q, %v", name, got, failed, err)
		}
		for _, nobody := range []string{"nobody", "a.b", ">"} {
			if _, _, err := list(nobody); connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("%s of %q: %v", name, nobody, err)
			}
		}
	}

	daemons, err := owner.ListDaemons(ctx, connect.NewRequest(&caissonv1.ListDaemonsRequest{}))
	if err != nil || len(daemons.Msg.GetDaemons()) != 3 || len(daemons.Msg.GetFailures()) != 0 {
		t.Fatalf("%v, %v", daemons, err)
	}
	for i, d := range daemons.Msg.GetDaemons() {
		if d.GetName() != names[i] || d.GetVersion() == "" || d.GetStarted() == nil || d.GetDraining() || d.GetPolicy() == "" {
			t.Errorf("daemon %d is %v", i, d)
		}
	}
	sessions := func(r *caissonv1.ListAllSessionsRequest) (all []string) {
		t.Helper()
		listed, err := owner.ListAllSessions(ctx, connect.NewRequest(r))
		if err != nil || len(listed.Msg.GetFailures()) != 0 {
			t.Fatalf("%v, %v", listed, err)
		}
		for _, s := range listed.Msg.GetSessions() {
			all = append(all, s.GetDaemon()+" "+s.GetPrincipal()+" "+s.GetServer()+" "+s.GetId())
		}
		slices.Sort(all)
		return all
	}
	want := []string{all[1].cluster.Node + " alice up mine", all[2].cluster.Node + " bob up mine"}
	if got := sessions(&caissonv1.ListAllSessionsRequest{Principal: "bob"}); !slices.Equal(got, want[1:]) {
		t.Errorf("bob's sessions are %q", got)
	}
	slices.Sort(want)
	if got := sessions(&caissonv1.ListAllSessionsRequest{}); !slices.Equal(got, want) {
		t.Errorf("the sessions are %q", got)
	}

	// Pins are in files, here in the same one: what is said to one daemon is done by it, by the one that is named, or by all.
	compare := func(daemon string) *caissonv1.ComparePinsResponse {
		t.Helper()
		r, err := owner.ComparePins(ctx, connect.NewRequest(&caissonv1.ComparePinsRequest{Server: "up", Daemon: daemon}))
		if err != nil || len(r.Msg.GetFailures()) != 0 {
			t.Fatalf("%v, %v", r, err)
		}
		return r.Msg
	}
	pinned := func() (daemons []string) {
		t.Helper()
		r, err := all[1].admin(all[1].token("owner")).ListPins(ctx, connect.NewRequest(&caissonv1.ListPinsRequest{}))
		if err != nil || len(r.Msg.GetFailures()) != 0 {
			t.Fatalf("%v, %v", r, err)
		}
		for _, p := range r.Msg.GetPins() {
			daemons = append(daemons, p.GetDaemon())
		}
		slices.Sort(daemons)
		return daemons
	}
	sorted := slices.Sorted(slices.Values(names))
	offered := compare("*")
	if got := offered.GetCompared(); len(got) != 3 || offered.GetServer() != "pending" || len(offered.GetOffers())%3 != 0 {
		t.Errorf("all daemons compare: %v", offered)
	}
	if got := compare(names[1]).GetCompared(); len(got) != 1 || got[0].GetDaemon() != names[1] {
		t.Errorf("one daemon compares: %v", got)
	}
	approve := func(daemon string) {
		t.Helper()
		r, err := owner.ApprovePins(ctx, connect.NewRequest(&caissonv1.ApprovePinsRequest{Server: "up", Pins: []*caissonv1.Pin{offered.GetOffers()[0].GetPin()}, Daemon: daemon}))
		if err != nil || len(r.Msg.GetFailures()) != 0 {
			t.Fatalf("%v, %v", r, err)
		}
	}
	approve(names[2])
	if got := pinned(); !slices.Equal(got, names[2:]) {
		t.Errorf("the pins are of %q", got)
	}
	if got := compare("*"); got.GetServer() != "pending" || len(got.GetCompared()) != 3 {
		t.Errorf("where one daemon has approved: %v", got)
	}
	approve("*")
	if got := pinned(); !slices.Equal(got, sorted) {
		t.Errorf("after all have approved, the pins are of %q", got)
	}
	if got := compare("*"); got.GetServer() != "approved" {
		t.Errorf("after all have approved: %v", got)
	}
	forget := func(daemon string) error {
		t.Helper()
		r, err := owner.ForgetPins(ctx, connect.NewRequest(&caissonv1.ForgetPinsRequest{Server: "up", Daemon: daemon}))
		if err == nil && len(r.Msg.GetFailures()) != 0 {
			t.Errorf("%v", r)
		}
		return err
	}
	if err := forget("*"); err != nil || len(pinned()) != 0 {
		t.Errorf("after all have forgotten: %v, %q", err, pinned())
	}
	if err := forget("*"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("what nobody has approved: %v", err)
	}
	if r, err := owner.Reload(ctx, connect.NewRequest(&caissonv1.ReloadRequest{Daemon: "*"})); err != nil || len(r.Msg.GetFailures()) != 0 {
		t.Errorf("%v, %v", r, err)
	}
	for _, daemon := range []string{"", names[1]} {
		r, err := owner.CheckPolicy(ctx, connect.NewRequest(&caissonv1.CheckPolicyRequest{Server: "up", Name: "echo", Daemon: daemon}))
		if err != nil || r.Msg.GetEffect() != "allow" {
			t.Errorf("the policy of %q: %v, %v", daemon, r, err)
		}
	}
	if _, err := owner.CheckPolicy(ctx, connect.NewRequest(&caissonv1.CheckPolicyRequest{Server: "up", Name: "echo", Daemon: "*"})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("the policy of all: %v", err)
	}

	if _, err := all[0].admin(all[0].token("alice")).ListDaemons(ctx, connect.NewRequest(&caissonv1.ListDaemonsRequest{})); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("without the scope: %v", err)
	}

	// A daemon that does not answer is named, and the others are there.
	gone := all[2].cluster.Node
	all[2].die()
	mine, err := all[0].mcp(all[0].token("bob")).ListSessions(ctx, connect.NewRequest(&caissonv1.ListSessionsRequest{}))
	if err != nil || len(mine.Msg.GetSessions()) != 0 || len(mine.Msg.GetFailures()) != 1 || mine.Msg.GetFailures()[0].GetDaemon() != gone {
		t.Errorf("bob's sessions, of which one is there: %v, %v", mine, err)
	}
	for name, list := range lists {
		of, failures, err := list("")
		got, failed := listed(of, failures)
		if err != nil || len(got) != 2 || slices.Contains(got, gone) || !slices.Equal(failed, []string{gone}) {
			t.Errorf("%s without one has %q, %q, %v", name, got, failed, err)
		}
		if _, _, err := list(gone); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%s of the one that is gone: %v", name, err)
		}
	}
}

// TestClusterAdminAlone asks a daemon while NATS is away: it answers for itself, and says that it cannot speak for others.
func TestClusterAdminAlone(t *testing.T) {
	nats, all := several(t, 2, servers("up", newUpstream(t).url), cluster.Times{})
	nats.Stop()
	r, err := all[0].admin(all[0].token("owner")).ListServers(t.Context(), connect.NewRequest(&caissonv1.ListServersRequest{}))
	if err != nil || len(r.Msg.GetServers()) != 1 {
		t.Fatalf("%v, %v", r, err)
	}
	if failures := r.Msg.GetFailures(); len(failures) != 1 || failures[0].GetDaemon() != "*" || failures[0].GetError().GetCode() != caissonv1.Code_CODE_CONNECT {
		t.Errorf("the failures are %v", failures)
	}
}

// TestClusterApproval has a call wait on one daemon, and be answered through another one.
func TestClusterApproval(t *testing.T) {
	line, _ := withPolicy(t, "  up: {tools: [{name: echo, ask: {text: Look.}}]}\n")
	_, all := several(t, 3, line+"access: {tokens: tokens.json, scopes: {alice: [caisson:mcp, caisson:admin]}}\n"+servers("up", newUpstream(t).url), cluster.Times{})
	ctx := t.Context()
	ended := make(chan error, 1)
	go func() {
		_, err := all[0].mcp(all[0].token("alice")).CallTool(ctx, call("echo"))
		ended <- err
	}()
	owner := all[1].admin(all[1].token("owner"))
	var asked *caissonv1.Approval
	for asked == nil {
		listed, err := owner.ListApprovals(ctx, connect.NewRequest(&caissonv1.ListApprovalsRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		if open := listed.Msg.GetApprovals(); len(open) == 1 {
			asked = open[0]
		}
		select {
		case err := <-ended:
			t.Fatalf("the call has not waited: %v", err)
		default:
		}
	}
	if asked.GetDaemon() != all[0].cluster.Node || asked.GetPrincipal() != "alice" {
		t.Errorf("the question is %v", asked)
	}
	yes := func(ctx context.Context, d *daemon, who string) error {
		_, err := d.admin(d.token(who)).AnswerApproval(ctx, connect.NewRequest(&caissonv1.AnswerApprovalRequest{Id: asked.GetId(), Approve: true}))
		return err
	}
	if err := yes(ctx, all[2], "alice"); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("alice says yes to her own call through another daemon: %v", err)
	}
	if err := yes(ctx, all[1], "owner"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the call: %v", err)
	}
	if err := yes(ctx, all[2], "owner"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("a second answer: %v", err)
	}
}

// TestClusterLimits has a rate and a concurrency hold for all daemons, and each daemon count for itself without NATS.
func TestClusterLimits(t *testing.T) {
	up := newUpstream(t)
	begun, release := waiting(up)
	line, _ := withPolicy(t, "  up: {tools: [{name: echo, rate: {maxTokens: 2, refillPeriod: 1h}}, {name: wait, concurrency: 1}]}\n")
	nats, all := several(t, 2, line+servers("up", up.url), cluster.Times{})
	ctx := t.Context()
	on := func(n int, name, arguments string) error {
		_, err := all[n].mcp(all[n].token("alice")).CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: name, Arguments: []byte(arguments)}))
		return err
	}
	echoes := func(n int) error { return on(n, "echo", `{"text":"x"}`) }
	for n := range all {
		if err := echoes(n); err != nil {
			t.Fatal(err)
		}
	}
	for n := range all {
		if e := detail(t, echoes(n)); e.GetDenied().GetReason() != "rate" || e.GetDenied().GetRetryAfter().AsDuration() <= 0 {
			t.Errorf("a third call, on daemon %d: %v", n, e)
		}
	}
	if err := all[1].Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if e := detail(t, echoes(1)); e.GetDenied().GetReason() != "rate" {
		t.Errorf("after the policy was read again: %v", e)
	}

	ended := make(chan error, 1)
	go func() { ended <- on(0, "wait", "{}") }()
	<-begun
	if e := detail(t, on(1, "wait", "{}")); e.GetDenied().GetReason() != "concurrency" {
		t.Errorf("a second call at once, on another daemon: %v", e)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := on(1, "wait", "{}"); err != nil {
		t.Errorf("after the first one has ended: %v", err)
	}

	nats.Stop()
	if err := echoes(0); err != nil { // It has one left of its own.
		t.Errorf("without NATS: %v", err)
	}
	if e := detail(t, echoes(0)); e.GetDenied().GetReason() != "rate" {
		t.Errorf("more than one daemon may on its own: %v", e)
	}
}

// TestClusterDrainByName drains one daemon through another one, and then all that are left.
func TestClusterDrainByName(t *testing.T) {
	_, all := several(t, 3, servers("up", newUpstream(t).url), cluster.Times{})
	ctx := t.Context()
	drain := func(name string) *caissonv1.DrainResponse {
		t.Helper()
		r, err := all[0].admin(all[0].token("owner")).Drain(ctx, connect.NewRequest(&caissonv1.DrainRequest{Daemon: name}))
		if err != nil {
			t.Fatal(err)
		}
		return r.Msg
	}
	if r := drain(all[1].cluster.Node); len(r.GetDaemons()) != 1 || r.GetDaemons()[0].GetName() != all[1].cluster.Node || !r.GetDaemons()[0].GetDraining() {
		t.Errorf("one drains: %v", r)
	}
	<-all[1].draining
	for _, d := range []*daemon{all[0], all[2]} {
		select {
		case <-d.draining:
			t.Error("another one drains")
		default:
		}
	}
	err := <-all[1].ended
	if all[1].ended <- err; err != nil {
		t.Errorf("it ends with %v", err)
	}
	if r := drain("*"); len(r.GetDaemons()) != 2 || len(r.GetFailures()) != 0 {
		t.Errorf("the others drain: %v", r)
	}
	<-all[0].draining
	<-all[2].draining
}
