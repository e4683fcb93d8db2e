package caissontest_test

import (
	"errors"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestFailure has a tool report its own failure. For CallTool this is a result, and for CallToolAs an error.
func TestFailure(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, _ bool) {
		server.AddTool(&mcp.Tool{Name: "print"}, func(*caissontest.Call) (any, error) { return caissontest.Failure("out of paper"), nil })
		params := &mcp.CallToolParams{Name: "print"}
		for name, caller := range callers(t, server) {
			result, err := caller.CallTool(t.Context(), params)
			if err != nil || !result.IsError || result.Content[0].(*mcp.TextContent).Text != "out of paper" {
				t.Errorf("%s: CallTool gives %+v, %v", name, result, err)
			}
			_, _, err = caisson.CallToolAs[struct{}](t.Context(), caller, params)
			var failed *caisson.ToolError
			if !errors.As(err, &failed) || failed.Tool != "print" {
				t.Errorf("%s: CallToolAs gives %v", name, err)
			}
		}
	})
}
