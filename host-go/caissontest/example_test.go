package caissontest_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// total is the program to test: it adds with a tool.
func total(ctx context.Context, tools caisson.Caller, a, b int) (int, error) {
	result, _, err := caisson.CallToolAs[struct{ Sum int }](ctx, tools, &mcp.CallToolParams{
		Name: "add", Arguments: map[string]int{"a": a, "b": b},
	})
	return result.Sum, err
}

// TestTotal is the quick start of the package's documentation.
func TestTotal(t *testing.T) {
	server := caissontest.NewServer(t)
	server.AddTool(&mcp.Tool{Name: "add"}, func(call *caissontest.Call) (any, error) {
		return caissontest.Structured(map[string]int{"sum": 5}), nil
	})
	session, err := caissontest.Runtime(t).Connect(t.Context(), server.Caisson())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()

	if got, err := total(t.Context(), session, 2, 3); got != 5 || err != nil {
		t.Errorf("the total is %d, %v", got, err)
	}
	server.Called(t, "add", map[string]int{"a": 2, "b": 3})
}

// TestAskingHandler has the second example of the package's documentation, in both eras.
func TestAskingHandler(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		server, release := caissontest.NewServer(t, revision), make(chan struct{})
		server.Handle("resources/read", func(call *caissontest.Call) (any, error) {
			answer, err := call.Ask("elicitation/create", json.RawMessage(`{"message":"May I?","requestedSchema":{"type":"object","properties":{}}}`))
			if err != nil {
				return nil, err
			}
			if err := call.Wait(release); err != nil { // a channel that the test closes
				return nil, err
			}
			return map[string]any{"contents": []any{map[string]any{"uri": "test:answer", "text": string(answer)}}}, nil
		})
		asked := make(chan struct{})
		client := newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{
			ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
				close(asked)
				return &mcp.ElicitResult{Action: "decline"}, nil
			},
		}})
		session := connect(t, client, server)
		read := make(chan string, 1)
		go func() {
			result, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "test:answer"})
			if err != nil {
				t.Error(err)
				read <- ""
				return
			}
			read <- result.Contents[0].Text
		}()
		<-asked
		select {
		case <-read:
			t.Error("the answer has not waited")
		default:
		}
		close(release)
		if got := <-read; got != `{"action":"decline"}` {
			t.Errorf("%s: the answer is %s", revision, got)
		}
	}
}
