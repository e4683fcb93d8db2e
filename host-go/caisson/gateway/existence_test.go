package gateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestExistenceOfOthers compares what a client hears of resources, prompts and arguments that it may not have with what
// it hears of those that are not there, at /mcp and of the server alone.
func TestExistenceOfOthers(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		server := caissontest.NewServer(t, up)
		listed := func(key string, of any) func(*caissontest.Call) (any, error) {
			return func(*caissontest.Call) (any, error) { return map[string]any{key: of}, nil }
		}
		server.Handle("resources/list", listed("resources", []any{map[string]any{"uri": "x:open", "name": "o"}, map[string]any{"uri": "x:hidden1", "name": "h"}}))
		server.Handle("resources/templates/list", listed("resourceTemplates", []any{map[string]any{"uriTemplate": "x:hidden1/{a}", "name": "h"}}))
		server.Handle("prompts/list", listed("prompts", []any{map[string]any{"name": "open"}, map[string]any{"name": "hidden1"}}))
		options := governed(rules(t, "version: 1\nservers: {s: {tools: ['**'], resources: ['x:open'], prompts: [open]}}\n"))
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options)
		ctx := testContext(t)
		for path, prefix := range map[string]string{"/mcp": "s__", "/servers/s": ""} {
			session := connectTo(t, g, path, down, transport, nil)
			for what, ask := range map[string]func(name string) error{
				"resources/read": func(name string) error {
					_, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "x:" + name})
					return err
				},
				"resources/read of a template": func(name string) error {
					_, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "x:" + name + "/a"})
					return err
				},
				"prompts/get": func(name string) error {
					_, err := session.GetPrompt(ctx, &mcp.GetPromptParams{Name: prefix + name})
					return err
				},
				"completion/complete of a prompt": func(name string) error {
					_, err := session.Complete(ctx, &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: prefix + name}, Argument: mcp.CompleteParamsArgument{Name: "a", Value: "v"}})
					return err
				},
				"completion/complete of a resource": func(name string) error {
					_, err := session.Complete(ctx, &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/resource", URI: "x:" + name + "/{a}"}, Argument: mcp.CompleteParamsArgument{Name: "a", Value: "v"}})
					return err
				},
			} {
				told := func(name string) string {
					var e *jsonrpc.Error
					if err := ask(name); !errors.As(err, &e) {
						t.Errorf("%s, %s of %s gets %v", path, what, name, err)
						return ""
					}
					return strings.ReplaceAll(fmt.Sprint(e.Code, e.Message, string(e.Data)), name, "NAME")
				}
				if there, not := told("hidden1"), told("hidden2"); there != not {
					t.Errorf("%s, %s: it gets %q, and what is not there %q", path, what, there, not)
				}
			}
		}
		for _, method := range []string{"resources/read", "prompts/get", "completion/complete"} {
			if n := len(server.Requests(method)); n > 0 {
				t.Errorf("the server got %s %d times", method, n)
			}
		}
	})
}
