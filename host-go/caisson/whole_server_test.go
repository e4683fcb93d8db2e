//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// The whole servers have something of everything in the protocol, under the same names, so that one
// test can go over all of them: this one on the Go SDK, and those of test/servers on the others.

const docURI = "test://doc"

type said struct {
	Text string `json:"text"`
}

// newWholeServer makes one whose tools end when stop is closed, at the latest.
func newWholeServer(stop <-chan struct{}) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "whole", Version: "1"}, &mcp.ServerOptions{
		PageSize: 4,
		CompletionHandler: func(_ context.Context, r *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			result := &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{}}}
			for _, value := range []string{"ada", "adele", "bob"} {
				if strings.HasPrefix(value, r.Params.Argument.Value) {
					result.Completion.Values = append(result.Completion.Values, value)
				}
			}
			result.Completion.Total = len(result.Completion.Values)
			return result, nil
		},
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	mcp.AddTool(server, &mcp.Tool{Name: "echo"}, func(_ context.Context, _ *mcp.CallToolRequest, in said) (*mcp.CallToolResult, said, error) {
		return nil, in, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "ask"}, ask)
	mcp.AddTool(server, &mcp.Tool{Name: "progress"}, progress)
	mcp.AddTool(server, &mcp.Tool{Name: "log"}, func(ctx context.Context, r *mcp.CallToolRequest, in said) (*mcp.CallToolResult, any, error) {
		return done(r.Session.Log(ctx, &mcp.LoggingMessageParams{Level: "info", Logger: "whole", Data: in.Text}))
	})
	mcp.AddTool(server, &mcp.Tool{Name: "grow"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		mcp.AddTool(server, &mcp.Tool{Name: "grown"}, fail)
		return done(nil)
	})
	mcp.AddTool(server, &mcp.Tool{Name: "touch"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		return done(server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: docURI}))
	})
	mcp.AddTool(server, &mcp.Tool{Name: "wait"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		// The stateless server does not end a tool's context when its client has gone.
		select {
		case <-ctx.Done():
		case <-stop:
		}
		return nil, nil, ctx.Err()
	})
	read := func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.Params.URI, MIMEType: "text/plain", Text: "it is " + r.Params.URI}}}, nil
	}
	server.AddResource(&mcp.Resource{Name: "doc", URI: docURI, MIMEType: "text/plain"}, read)
	server.AddResourceTemplate(&mcp.ResourceTemplate{Name: "docs", URITemplate: docURI + "/{name}"}, read)
	server.AddPrompt(
		&mcp.Prompt{Name: "greet", Arguments: []*mcp.PromptArgument{{Name: "name", Required: true}}},
		func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			content := &mcp.TextContent{Text: "hello " + r.Params.Arguments["name"]}
			return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user", Content: content}}}, nil
		})
	return server
}

func done(err error) (*mcp.CallToolResult, any, error) { return say("done"), nil, err }

func say(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

// progress tells of three steps, where the caller wants to know.
func progress(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	for step := 1; step <= 3 && r.Params.GetProgressToken() != nil; step++ {
		p := &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: float64(step), Total: 3, Message: fmt.Sprint("step ", step)}
		if err := r.Session.NotifyProgress(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	return done(nil)
}

var (
	askSampling = &mcp.CreateMessageParams{MaxTokens: 7, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: "hi"}}}}
	askForm     = &mcp.ElicitParams{Mode: "form", Message: "who?", RequestedSchema: map[string]any{
		"type": "object",
		"properties": map[string]any{
			"name": map[string]any{"type": "string"},
			"age":  map[string]any{"type": "integer", "default": 42},
		},
	}}
	askURL = &mcp.ElicitParams{Mode: "url", Message: "go there", URL: "https://example.test/x", ElicitationID: "e1"}
)

// ask asks the client for what the argument says, in the way of the session's revision, and says
// what it was answered.
func ask(ctx context.Context, r *mcp.CallToolRequest, in said) (*mcp.CallToolResult, any, error) {
	var answer any
	var err error
	if r.Params.Meta["io.modelcontextprotocol/protocolVersion"] != nil {
		if answer = r.Params.InputResponses["q"]; answer == nil {
			questions := map[string]mcp.InputRequest{"sampling": askSampling, "elicitation": askForm, "url": askURL, "roots": &mcp.ListRootsParams{}}
			return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"q": questions[in.Text]}, RequestState: "as it was"}, nil, nil
		}
		if r.Params.RequestState != "as it was" {
			return nil, nil, fmt.Errorf("the state is %q", r.Params.RequestState)
		}
	} else {
		switch in.Text {
		case "sampling":
			answer, err = r.Session.CreateMessage(ctx, askSampling)
		case "elicitation":
			answer, err = r.Session.Elicit(ctx, askForm)
		case "url":
			answer, err = r.Session.Elicit(ctx, askURL)
		case "roots":
			answer, err = r.Session.ListRoots(ctx, nil)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(answer)
	return say(string(text)), nil, err
}

// serveWhole is the whole server on standard input and output.
func serveWhole() {
	if err := newWholeServer(nil).Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		os.Exit(1)
	}
}

// wholeGo starts the whole server on the Go SDK.
func wholeGo(t *testing.T, transport caisson.TransportType, revision string) caisson.Server {
	stop := make(chan struct{})
	server := newWholeServer(stop)
	get := func(*http.Request) *mcp.Server { return server }
	switch transport {
	case caisson.TransportStdio:
		return childServer(t, "whole")
	case caisson.TransportSSE:
		listener := httptest.NewServer(mcp.NewSSEHandler(get, nil))
		t.Cleanup(func() {
			close(stop)
			listener.CloseClientConnections()
			listener.Close()
		})
		return caisson.Server{URL: listener.URL + "/sse", Type: transport}
	default:
		listener := httptest.NewServer(mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{Stateless: revision == modern}))
		t.Cleanup(func() {
			close(stop)
			listener.CloseClientConnections()
			listener.Close()
		})
		return caisson.Server{URL: listener.URL, Type: transport}
	}
}
