// Command conformance is the client that the official conformance suite tests: `make conformance`
// runs it once for each scenario. It uses nothing but the public API.
//
// The suite gives the server's URL as the last argument, and the scenario in the environment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// timeout is shorter than the suite's own, which says nothing about where the client hangs.
const timeout = 25 * time.Second

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := run(ctx, os.Args[len(os.Args)-1], os.Getenv("MCP_CONFORMANCE_SCENARIO")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, name string) error {
	s, ok := scenarios[name]
	if !ok {
		s = scenario{run: callTestTool} // Authorization: what they do is the same, and how they get there is not.
	}
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		return err
	}
	defer runtime.Close()
	method, err := methodFor(name)
	if err != nil {
		return err
	}
	client, err := runtime.NewClient(&caisson.ClientOptions{
		Auth:     method,
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Handlers: s.handlers,
	})
	if err != nil {
		return err
	}
	session, err := client.Connect(ctx, caisson.Server{URL: url})
	if err != nil {
		return err
	}
	fmt.Println("revision", session.ProtocolVersion())
	if err := s.run(ctx, session); err != nil {
		return err
	}
	return session.Close()
}

// suiteContext is what a scenario tells its client (MCP_CONFORMANCE_CONTEXT).
type suiteContext struct {
	ToolCalls []struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"toolCalls"`
}

func readContext() (suiteContext, error) {
	var c suiteContext
	err := json.Unmarshal([]byte(os.Getenv("MCP_CONFORMANCE_CONTEXT")), &c)
	return c, err
}

// listTools returns the tools of all pages.
func listTools(ctx context.Context, s *caisson.Session) ([]*mcp.Tool, error) {
	var tools []*mcp.Tool
	for tool, err := range s.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool)
	}
	return tools, nil
}

// call calls a tool, and shows what it gave.
func call(ctx context.Context, s *caisson.Session, name string, arguments any) error {
	result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		return err
	}
	if result.IsError {
		return fmt.Errorf("%s: the tool failed", name)
	}
	text, err := json.Marshal(result)
	fmt.Println(name, string(text))
	return err
}
