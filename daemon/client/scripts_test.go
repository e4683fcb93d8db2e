package client_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// submit has a daemon run a script, and follows it to its end.
func submit(ctx context.Context, url, token string, script *caissonv1.Script) (*caissonv1.Run, error) {
	scripts := caissonv1connect.NewScriptServiceClient(http.DefaultClient, url) // such as http://127.0.0.1:3285
	request := connect.NewRequest(&caissonv1.SubmitRunRequest{Script: script})
	request.Header().Set("Authorization", "Bearer "+token)
	submitted, err := scripts.SubmitRun(ctx, request)
	if err != nil {
		return nil, err
	}
	watch := connect.NewRequest(&caissonv1.WatchRunRequest{Id: submitted.Msg.Run.Id})
	watch.Header().Set("Authorization", "Bearer "+token)
	states, err := scripts.WatchRun(ctx, watch)
	if err != nil {
		return nil, err
	}
	defer states.Close()
	for states.Receive() {
		if run := states.Msg().Run; run.Ended != nil {
			return run, nil
		}
	}
	return nil, states.Err()
}

// TestSubmit has docs/daemon.md's program run a script.
func TestSubmit(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	token, err := bearer.AddToken(t.Context(), tokens, "alice", []string{"caisson:scripts"})
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemonWith(t, t.TempDir(), tokens, one(serve(t, upstream(t))))
	run, err := submit(testContext(t), "http://"+d.address, token, &caissonv1.Script{Source: "await sleep(1); return Object.keys(tools)", Servers: []string{"up"}})
	if err != nil {
		t.Fatal(err)
	}
	if value := string(run.GetOutcome().GetValue()); value != `["up"]` {
		t.Errorf("it gives %s, %+v", value, run)
	}
}
