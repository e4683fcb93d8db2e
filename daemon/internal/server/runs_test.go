package server

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// effects is a tool that has an effect, counts it, and waits then until it is released.
type effects struct {
	count   atomic.Int32
	begun   chan struct{}
	release chan struct{}
}

func addEffects(up *upstream) *effects {
	e := &effects{begun: make(chan struct{}, 10), release: make(chan struct{})}
	mcp.AddTool(up.server, &mcp.Tool{Name: "effect"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		n := e.count.Add(1)
		e.begun <- struct{}{}
		<-e.release
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: strings.Repeat("x", int(n))}}}, nil, nil
	})
	return e
}

func submitRun(t *testing.T, c caissonv1connect.ScriptServiceClient, r *caissonv1.SubmitRunRequest) *caissonv1.Run {
	t.Helper()
	done, err := c.SubmitRun(t.Context(), connect.NewRequest(r))
	if err != nil {
		t.Fatal(err)
	}
	return done.Msg.GetRun()
}

// watchRun waits for the end of a run.
func watchRun(t *testing.T, c caissonv1connect.ScriptServiceClient, id string) *caissonv1.Run {
	t.Helper()
	stream, err := c.WatchRun(t.Context(), connect.NewRequest(&caissonv1.WatchRunRequest{Id: id}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var last *caissonv1.Run
	for stream.Receive() {
		last = stream.Msg().GetRun()
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return last
}

func effectScript() *caissonv1.Script {
	return &caissonv1.Script{Source: "return await tools.up.effect({})", Servers: []string{"up"}}
}

// TestClusterRuns submits a run at one daemon, and asks another one about it; then it kills the daemon that runs one.
func TestClusterRuns(t *testing.T) {
	up := newUpstream(t)
	e := addEffects(up)
	_, all := several(t, 1, servers("up", up.url), quick)
	home := all[0]
	ctx := t.Context()
	run := submitRun(t, home.scripts(home.token("alice")), &caissonv1.SubmitRunRequest{Script: effectScript()})
	again := submitRun(t, home.scripts(home.token("alice")), &caissonv1.SubmitRunRequest{Script: effectScript(), Repeatable: true})
	<-e.begun
	<-e.begun
	other := startWith(t, servers("up", up.url)+"drainTimeout: 100ms\nnats: {url: '"+home.file.NATS.URL+"'}\n", Options{ClusterTimes: quick})
	alice := other.scripts(other.token("alice"))
	got, err := alice.GetRun(ctx, connect.NewRequest(&caissonv1.GetRunRequest{Id: run.GetId()}))
	if err != nil || got.Msg.GetRun().GetState() != caissonv1.RunState_RUN_STATE_RUNNING {
		t.Errorf("at another daemon: %v, %v", got, err)
	}
	if _, err := other.scripts(other.token("bob")).GetRun(ctx, connect.NewRequest(&caissonv1.GetRunRequest{Id: run.GetId()})); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("somebody else's: %v", err)
	}
	home.die()
	if done := watchRun(t, alice, run.GetId()); done.GetState() != caissonv1.RunState_RUN_STATE_ENDED || done.GetErrorDetail().GetCode() != caissonv1.Code_CODE_NOT_REPEATED || done.GetError() == "" {
		t.Errorf("the run of a daemon that has died: %v", done)
	}
	<-e.begun // The other one, a second time.
	close(e.release)
	if done := watchRun(t, alice, again.GetId()); done.GetErrorDetail() != nil || string(done.GetOutcome().GetValue()) != `"xxx"` {
		t.Errorf("what may be begun again: %v", done)
	}
	if n := e.count.Load(); n != 3 {
		t.Errorf("%d effects", n)
	}
	listed, err := alice.ListRuns(ctx, connect.NewRequest(&caissonv1.ListRunsRequest{}))
	if err != nil || len(listed.Msg.GetRuns()) != 2 || listed.Msg.GetRuns()[0].GetId() != again.GetId() {
		t.Errorf("the list: %v, %v", listed, err)
	}
}
