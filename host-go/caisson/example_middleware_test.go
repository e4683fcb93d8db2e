package caisson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// logged prints each method that the program sends.
func logged(next caisson.MethodHandler) caisson.MethodHandler {
	return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
		result, err := next(ctx, s, method, params)
		fmt.Println("sent", method, string(params), err)
		return result, err
	}
}

// allowed refuses every tool but those it names. A refused call never reaches the server.
func allowed(tools ...string) caisson.Middleware {
	return func(next caisson.MethodHandler) caisson.MethodHandler {
		return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
			if method != "tools/call" {
				return next(ctx, s, method, params)
			}
			var call struct {
				Name string `json:"name"`
			}
			if err := json.Unmarshal(params, &call); err != nil {
				return nil, err
			}
			if !slices.Contains(tools, call.Name) {
				return nil, fmt.Errorf("the tool %s is not allowed", call.Name)
			}
			return next(ctx, s, method, params)
		}
	}
}

// One middleware prints what is sent, and one refuses tools. The first one sees a call first.
func ExampleMiddleware() {
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	ctx := context.Background()
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	client, err := runtime.NewClient(&caisson.ClientOptions{
		SendingMiddleware: []caisson.Middleware{logged, allowed("add")},
	})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Connect(ctx, caisson.Server{URL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	for _, tool := range []string{"add", "echo"} {
		_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"a": 2, "b": 3}})
		fmt.Println(tool, err)
	}
	// Output:
	// sent tools/call {"name":"add","arguments":{"a":2,"b":3}} <nil>
	// add <nil>
	// sent tools/call {"name":"echo","arguments":{"a":2,"b":3}} the tool echo is not allowed
	// echo the tool echo is not allowed
}
