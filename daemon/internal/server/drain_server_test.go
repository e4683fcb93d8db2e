package server

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// waiting adds a tool that says when it has begun, and waits for the test.
func waiting(u *upstream) (begun chan struct{}, release chan struct{}) {
	begun, release = make(chan struct{}, 8), make(chan struct{})
	mcp.AddTool(u.server, &mcp.Tool{Name: "wait"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		begun <- struct{}{}
		select {
		case <-release:
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "waited"}}}, nil, nil
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	})
	return begun, release
}

func drainServer(t *testing.T, d *daemon, server, on string) *caissonv1.DrainServerResponse {
	t.Helper()
	r, err := d.admin(d.token("owner")).DrainServer(t.Context(), connect.NewRequest(&caissonv1.DrainServerRequest{Server: server, Daemon: on}))
	if err != nil {
		t.Fatal(err)
	}
	return r.Msg
}

func resumeServer(t *testing.T, d *daemon, server, on string) *caissonv1.ResumeServerResponse {
	t.Helper()
	r, err := d.admin(d.token("owner")).ResumeServer(t.Context(), connect.NewRequest(&caissonv1.ResumeServerRequest{Server: server, Daemon: on}))
	if err != nil {
		t.Fatal(err)
	}
	return r.Msg
}

// TestDrainServer drains a server: what is underway is answered, nothing new comes to it, and its sessions end.
func TestDrainServer(t *testing.T) {
	up := newUpstream(t)
	begun, release := waiting(up)
	other := newUpstream(t)
	d := start(t, servers("up", up.url, "other", other.url)+"pools: {either: {servers: [up, other], balance: order, stateless: true}}\ndrainTimeout: 1m\n")
	ctx := t.Context()
	alice, owner := d.mcp(d.token("alice")), d.admin(d.token("owner"))
	connectAs(t, alice, "idle", "up", "")
	connectAs(t, alice, "busy", "up", "")
	connectAs(t, alice, "elsewhere", "other", "")
	ended := make(chan error, 2)
	for _, target := range []*caissonv1.Target{byServer("up"), bySession("busy")} {
		go func() {
			r, err := alice.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: target, Name: "wait"}))
			if err == nil && echo(t, r.Msg.GetResult()) != "waited" {
				t.Errorf("the answer is %s", r.Msg.GetResult())
			}
			ended <- err
		}()
		<-begun
	}
	connectAs(t, alice, "listening", "up", "")
	stream, err := alice.Subscribe(ctx, connect.NewRequest(&caissonv1.SubscribeRequest{Target: bySession("listening"), Tools: true}))
	if err != nil || !stream.Receive() {
		t.Fatalf("%v, %v", err, stream.Err())
	}

	left := drainServer(t, d, "up", "").GetServers()
	if len(left) != 1 || !left[0].GetDraining() || left[0].GetName() != "up" || left[0].GetUnderway() < 2 {
		t.Errorf("what is left: %v", left)
	}
	if stream.Receive() || codeOf(t, stream.Err()) != caissonv1.Code_CODE_CONNECT {
		t.Errorf("a stream ends with %v", stream.Err())
	}
	_ = stream.Close()
	if _, err := alice.CallTool(ctx, call("echo")); codeOf(t, err) != caissonv1.Code_CODE_CONNECT || connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("a new call: %v", err)
	}
	_, err = alice.Connect(ctx, connect.NewRequest(&caissonv1.ConnectRequest{Id: "new", Of: &caissonv1.ConnectRequest_Server{Server: "up"}}))
	if codeOf(t, err) != caissonv1.Code_CODE_CONNECT {
		t.Errorf("a new session: %v", err)
	}
	if _, err := say(ctx, alice, "busy", "x"); codeOf(t, err) != caissonv1.Code_CODE_CONNECT {
		t.Errorf("a new call of a session with calls underway: %v", err)
	}
	if _, err := say(ctx, alice, "idle", "x"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("an idle session: %v", err)
	}
	if _, err := say(ctx, alice, "elsewhere", "x"); err != nil {
		t.Errorf("another server: %v", err)
	}
	either := &caissonv1.CallToolRequest{Target: byServer("either"), Name: "echo", Arguments: []byte(`{"text":"x"}`)}
	if _, err := alice.CallTool(ctx, connect.NewRequest(either)); err != nil {
		t.Errorf("an equivalent server: %v", err)
	}
	close(release)
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Errorf("what was underway: %v", err)
		}
	}
	storetest.Until(t, func() bool {
		r, err := owner.ListAllSessions(ctx, connect.NewRequest(&caissonv1.ListAllSessionsRequest{Server: "up"}))
		return err == nil && len(r.Msg.GetSessions()) == 0
	})

	if r := resumeServer(t, d, "up", "").GetServers(); len(r) != 1 || r[0].GetDraining() {
		t.Errorf("after it is resumed: %v", r)
	}
	if _, err := alice.CallTool(ctx, call("echo")); err != nil {
		t.Errorf("after it is resumed: %v", err)
	}
	connectAs(t, alice, "idle", "up", "")
	_, err = owner.DrainServer(ctx, connect.NewRequest(&caissonv1.DrainServerRequest{Server: "none"}))
	if codeOf(t, err) != caissonv1.Code_CODE_INVALID_ARGUMENT {
		t.Errorf("a server that is not there: %v", err)
	}
	_, err = d.admin(d.token("alice")).DrainServer(ctx, connect.NewRequest(&caissonv1.DrainServerRequest{Server: "up"}))
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("without the scope: %v", err)
	}
}

// TestDrainServerTimeout ends what takes longer than drainTimeout.
func TestDrainServerTimeout(t *testing.T) {
	up := newUpstream(t)
	begun, _ := waiting(up)
	d := start(t, servers("up", up.url)+"drainTimeout: 1ms\n")
	ended := make(chan error, 1)
	go func() {
		_, err := d.mcp(d.token("alice")).CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: "wait"}))
		ended <- err
	}()
	<-begun
	drainServer(t, d, "up", "")
	if err := <-ended; codeOf(t, err) != caissonv1.Code_CODE_CLOSED {
		t.Errorf("a call that does not end: %v", err)
	}
}

// TestClusterDrainServer drains a server on one daemon, and then on all.
func TestClusterDrainServer(t *testing.T) {
	_, all := several(t, 2, servers("up", newUpstream(t).url), cluster.Times{})
	ctx := t.Context()
	calls := func(d *daemon) bool {
		t.Helper()
		_, err := d.mcp(d.token("alice")).CallTool(ctx, call("echo"))
		if err != nil && codeOf(t, err) != caissonv1.Code_CODE_CONNECT {
			t.Errorf("%v", err)
		}
		return err == nil
	}
	if r := drainServer(t, all[0], "up", all[1].cluster.Node); len(r.GetServers()) != 1 || r.GetServers()[0].GetDaemon() != all[1].cluster.Node {
		t.Errorf("on the other daemon: %v", r)
	}
	if !calls(all[0]) || calls(all[1]) {
		t.Error("it is drained on another daemon than the one that was named")
	}
	if r := drainServer(t, all[0], "up", "*"); len(r.GetServers()) != 2 || len(r.GetFailures()) != 0 {
		t.Errorf("on all: %v", r)
	}
	if calls(all[0]) || calls(all[1]) {
		t.Error("it is not drained on all")
	}
	if r := resumeServer(t, all[1], "up", "*"); len(r.GetServers()) != 2 {
		t.Errorf("on all: %v", r)
	}
	if !calls(all[0]) || !calls(all[1]) {
		t.Error("it is not resumed on all")
	}
}

// TestDrainServerRemembered drains a server, and starts the daemon again: it is drained until it is resumed, and a start
// later it is not.
func TestDrainServerRemembered(t *testing.T) {
	up := newUpstream(t)
	text := servers("up", up.url) + "pools: {up: {warm: [alice]}}\nstore: " + t.TempDir() + "\n"
	calls := func(d *daemon) bool {
		t.Helper()
		_, err := d.mcp(d.token("alice")).CallTool(t.Context(), call("echo"))
		if err != nil && codeOf(t, err) != caissonv1.Code_CODE_CONNECT {
			t.Errorf("%v", err)
		}
		return err == nil
	}
	again := func(d *daemon) *daemon {
		t.Helper()
		hangUp()
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		return start(t, text)
	}
	d := start(t, text)
	drainServer(t, d, "up", "")
	d = again(d)
	if calls(d) || d.pool.Count() != 0 {
		t.Error("a daemon that was started again calls a server that was drained")
	}
	if err := d.Reload(t.Context()); err != nil || calls(d) {
		t.Errorf("a reload resumes it: %v", err)
	}
	resumeServer(t, d, "up", "*")
	if !calls(d) {
		t.Error("it is not resumed")
	}
	if d = again(d); !calls(d) {
		t.Error("it is drained after it was resumed")
	}
}

// TestClusterDrainServerRemembered drains a server on all daemons: one that starts afterwards, and one that was cut off
// meanwhile, do not call it, until it is resumed.
func TestClusterDrainServerRemembered(t *testing.T) {
	nats, all := several(t, 2, servers("up", newUpstream(t).url), quick)
	text := servers("up", newUpstream(t).url) + "drainTimeout: 100ms\nnats: {url: '" + nats.URL() + "'}\n"
	draining := func(d *daemon) bool {
		t.Helper()
		for _, s := range d.pool.Servers() {
			if s.Name == "up" {
				return s.Draining
			}
		}
		t.Fatal("the server is not there")
		return false
	}
	drainServer(t, all[0], "up", all[1].cluster.Node)
	if third := startWith(t, text, Options{ClusterTimes: quick}); draining(third) || draining(all[0]) || !draining(all[1]) {
		t.Error("what is said of one daemon is not of that one alone")
	}
	drainServer(t, all[0], "up", "*")
	late := startWith(t, text, Options{ClusterTimes: quick})
	if !draining(late) {
		t.Error("a daemon that starts later calls it")
	}
	if _, err := late.mcp(late.token("alice")).CallTool(t.Context(), call("echo")); codeOf(t, err) != caissonv1.Code_CODE_CONNECT {
		t.Errorf("a call at the daemon that was started later: %v", err)
	}
	resumeServer(t, all[0], "up", late.cluster.Node)
	if draining(late) || !draining(all[0]) {
		t.Error("one daemon resumes, and it is not that one alone")
	}

	// Nobody tells the others: they hear it from the store.
	if err := all[0].drained.Remove(t.Context(), "up"); err != nil {
		t.Fatal(err)
	}
	storetest.Until(t, func() bool { return !draining(all[0]) && !draining(all[1]) })
	if err := late.drained.Add(t.Context(), "up"); err != nil {
		t.Fatal(err)
	}
	storetest.Until(t, func() bool { return draining(all[0]) && draining(all[1]) && draining(late) })
	nats.Stop()
	r := resumeServer(t, all[0], "up", "*")
	if draining(all[0]) || !draining(all[1]) || len(r.GetFailures()) == 0 {
		t.Errorf("without NATS: %v", r)
	}
	nats.Restart()
	storetest.Until(t, func() bool { return late.drained.Remove(t.Context(), "up") == nil })
	storetest.Until(t, func() bool { return !draining(all[1]) && !draining(late) })
}
