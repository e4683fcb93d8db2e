package server

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// TestSubscribe shows that a caller hears of the changes that it has asked for, and of no others.
func TestSubscribe(t *testing.T) {
	up := newUpstream(t)
	d := start(t, servers("up", up.url))
	listen := func(request *caissonv1.SubscribeRequest) *connect.ServerStreamForClient[caissonv1.SubscribeResponse] {
		t.Helper()
		request.Target = byServer("up")
		stream, err := d.mcp(d.token("alice")).Subscribe(t.Context(), connect.NewRequest(request))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stream.Close() })
		if !stream.Receive() || stream.Msg().GetMethod() != "" {
			t.Fatalf("the first message is %v, %v", stream.Msg(), stream.Err())
		}
		return stream
	}
	tools, prompts := listen(&caissonv1.SubscribeRequest{Tools: true}), listen(&caissonv1.SubscribeRequest{Prompts: true})
	mcp.AddTool(up.server, &mcp.Tool{Name: "new"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return nil, nil, nil
	})
	if !tools.Receive() || tools.Msg().GetMethod() != "notifications/tools/list_changed" {
		t.Errorf("of tools: %v, %v", tools.Msg(), tools.Err())
	}
	up.server.AddPrompt(&mcp.Prompt{Name: "p"}, func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{}, nil
	})
	if !prompts.Receive() || prompts.Msg().GetMethod() != "notifications/prompts/list_changed" {
		t.Errorf("of prompts: %v, %v", prompts.Msg(), prompts.Err())
	}
	nothing, err := d.mcp(d.token("alice")).Subscribe(t.Context(), connect.NewRequest(&caissonv1.SubscribeRequest{Target: byServer("up")}))
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	if nothing.Receive() || connect.CodeOf(nothing.Err()) != connect.CodeInvalidArgument {
		t.Errorf("of nothing: %v", nothing.Err())
	}
}
