package server

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// TestResourceUpdates shows that a caller hears of changes of the resources that it has asked for, in the form of each
// revision, and that the server is asked once for all of a principal.
func TestResourceUpdates(t *testing.T) {
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			var asked, given atomic.Int64
			server := mcp.NewServer(&mcp.Implementation{Name: "resources", Version: "1"}, &mcp.ServerOptions{
				SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { asked.Add(1); return nil },
				UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { given.Add(1); return nil },
			})
			for _, name := range []string{"a", "b"} {
				server.AddResource(&mcp.Resource{URI: "x:" + name, Name: name}, func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
					return &mcp.ReadResourceResult{}, nil
				})
			}
			url := serveHTTP(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: revision >= listens}))
			d := start(t, "mcpServers: {up: {url: "+url+", protocolVersions: [\""+revision+"\"]}}\n")
			listen := func(uris ...string) *connect.ServerStreamForClient[caissonv1.SubscribeResponse] {
				t.Helper()
				stream, err := d.mcp(d.token("alice")).Subscribe(t.Context(), connect.NewRequest(&caissonv1.SubscribeRequest{Target: byServer("up"), Resources: uris}))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = stream.Close() })
				if !stream.Receive() || stream.Msg().GetMethod() != "" {
					t.Fatalf("the first message is %v, %v", stream.Msg(), stream.Err())
				}
				return stream
			}
			a, both := listen("x:a"), listen("x:a", "x:b")
			hears := func(stream *connect.ServerStreamForClient[caissonv1.SubscribeResponse], uri string) {
				t.Helper()
				if !stream.Receive() || stream.Msg().GetMethod() != "notifications/resources/updated" || !strings.Contains(string(stream.Msg().GetParams()), `"`+uri+`"`) {
					t.Errorf("of %s: %v, %v", uri, stream.Msg(), stream.Err())
				}
			}
			tell := func(uri string) {
				t.Helper()
				if err := server.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: uri}); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // Each hears once of each change.
				tell("x:b") // The one who listens to x:a alone does not hear of it.
				hears(both, "x:b")
				tell("x:a")
				hears(both, "x:a")
				hears(a, "x:a")
			}
			if n := asked.Load(); revision < listens && n != 2 {
				t.Errorf("the server is asked %d times for two resources", n)
			}
			if revision >= listens {
				return
			}
			_ = both.Close()
			for deadline := time.Now().Add(time.Minute); given.Load() != 1; time.Sleep(time.Millisecond) { // x:b; somebody listens to x:a.
				if time.Now().After(deadline) {
					t.Fatalf("the server is told %d times that nobody listens", given.Load())
				}
			}
		})
	}
}

// listens is the first revision whose servers tell only where they are asked to.
const listens = "2026-07-28"
