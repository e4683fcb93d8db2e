package demoserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func addTools(server *mcp.Server) {
	harmless := &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: new(bool)}
	mcp.AddTool(server, &mcp.Tool{
		Name: "echo", Title: "Echo", Annotations: harmless,
		Description: "Gives the message back, as text.",
	}, echo)
	mcp.AddTool(server, &mcp.Tool{
		Name: "add", Title: "Add", Annotations: harmless,
		Description: "Adds two numbers. The result is structured.",
	}, add)
	mcp.AddTool(server, &mcp.Tool{
		Name: "countdown", Title: "Countdown", Annotations: harmless,
		Description: "Counts down to zero and reports its progress at each step.",
	}, countdown)
	mcp.AddTool(server, &mcp.Tool{
		Name: "fail", Title: "Fail", Annotations: harmless,
		Description: "Fails, in the way a tool does: with a result that says so.",
	}, fail)
}

type echoArgs struct {
	Message string `json:"message" jsonschema:"what to give back"`
}

func echo(_ context.Context, _ *mcp.CallToolRequest, args echoArgs) (*mcp.CallToolResult, any, error) {
	return text(args.Message), nil, nil
}

type addArgs struct {
	A float64 `json:"a" jsonschema:"the first number"`
	B float64 `json:"b" jsonschema:"the second number"`
}

type addResult struct {
	Sum float64 `json:"sum" jsonschema:"a plus b"`
}

func add(_ context.Context, _ *mcp.CallToolRequest, args addArgs) (*mcp.CallToolResult, addResult, error) {
	return nil, addResult{Sum: args.A + args.B}, nil
}

// These bound a countdown: a demo must not keep a server busy for ever.
const (
	maxCountdownFrom  = 1000
	maxCountdownPause = 60_000
)

type countdownArgs struct {
	From    int `json:"from" jsonschema:"the number to begin at, 1 to 1000"`
	PauseMS int `json:"pause_ms,omitempty" jsonschema:"milliseconds between two steps; 0 when absent"`
}

func countdown(ctx context.Context, request *mcp.CallToolRequest, args countdownArgs) (*mcp.CallToolResult, any, error) {
	if args.From < 1 || args.From > maxCountdownFrom {
		return nil, nil, fmt.Errorf("from is %d: it must be from 1 to %d", args.From, maxCountdownFrom)
	}
	if args.PauseMS < 0 || args.PauseMS > maxCountdownPause {
		return nil, nil, fmt.Errorf("pause_ms is %d: it must be from 0 to %d", args.PauseMS, maxCountdownPause)
	}
	token := request.Params.GetProgressToken()
	for done := 1; done <= args.From; done++ {
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(time.Duration(args.PauseMS) * time.Millisecond):
		}
		if token == nil {
			continue
		}
		err := request.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: token,
			Progress:      float64(done),
			Total:         float64(args.From),
			Message:       fmt.Sprintf("%d to go", args.From-done),
		})
		if err != nil {
			return nil, nil, fmt.Errorf("reporting progress: %w", err)
		}
	}
	return text("liftoff"), nil, nil
}

type failArgs struct {
	Message string `json:"message,omitempty" jsonschema:"what to fail with"`
}

func fail(_ context.Context, _ *mcp.CallToolRequest, args failArgs) (*mcp.CallToolResult, any, error) {
	if args.Message == "" {
		args.Message = "this tool always fails"
	}
	// The SDK turns the error of a tool into a result with isError.
	return nil, nil, errors.New(args.Message)
}

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}
