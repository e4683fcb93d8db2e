package gateway_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestExistenceOfOthers compares what a client hears of tools, resources, prompts and arguments that it may not have with
// what it hears of those that are not there, at /mcp and of the server alone. No list has them.
func TestExistenceOfOthers(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		server := caissontest.NewServer(t, up)
		listed := func(key string, of any) func(*caissontest.Call) (any, error) {
			return func(*caissontest.Call) (any, error) { return map[string]any{key: of}, nil }
		}
		server.Handle("resources/list", listed("resources", []any{map[string]any{"uri": "x:open", "name": "o"}, map[string]any{"uri": "x:hidden1", "name": "h"}}))
		server.Handle("resources/templates/list", listed("resourceTemplates", []any{map[string]any{"uriTemplate": "x:hidden1/{a}", "name": "h"}}))
		server.Handle("prompts/list", listed("prompts", []any{map[string]any{"name": "open"}, map[string]any{"name": "hidden1"}}))
		for _, name := range []string{"open", "hidden1"} {
			server.AddTool(&mcp.Tool{Name: name}, says("x"))
		}
		options := governed(rules(t, "version: 1\nservers: {s: {tools: [open], resources: ['x:open'], prompts: [open]}}\n"))
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options)
		ctx := testContext(t)
		for path, prefix := range map[string]string{"/mcp": "s__", "/servers/s": ""} {
			session := connectTo(t, g, path, down, transport, nil)
			if got, want := listedAll(ctx, t, session), prefix+"open x:open "+prefix+"open"; got != want {
				t.Errorf("%s lists %s, want %s", path, got, want)
			}
			for what, ask := range map[string]func(name string) error{
				"tools/call": func(name string) error {
					_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: prefix + name})
					return err
				},
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
				answered := func(name string) string {
					var e *jsonrpc.Error
					if err := ask(name); !errors.As(err, &e) {
						t.Errorf("%s, %s of %s gets %v", path, what, name, err)
						return ""
					}
					return told(e, name)
				}
				if there, not := answered("hidden1"), answered("hidden2"); there != not {
					t.Errorf("%s, %s: it gets %q, and what is not there %q", path, what, there, not)
				}
			}
		}
		for _, method := range []string{"tools/call", "resources/read", "prompts/get", "completion/complete"} {
			if n := len(server.Requests(method)); n > 0 {
				t.Errorf("the server got %s %d times", method, n)
			}
		}
	})
}

// listedAll are the names in all lists: of tools, resources, templates and prompts.
func listedAll(ctx context.Context, t testing.TB, session *mcp.ClientSession) string {
	t.Helper()
	return strings.Join(slices.Concat(
		namesIn(t, session.Tools(ctx, nil), func(tool *mcp.Tool) string { return tool.Name }),
		namesIn(t, session.Resources(ctx, nil), func(resource *mcp.Resource) string { return resource.URI }),
		namesIn(t, session.ResourceTemplates(ctx, nil), func(template *mcp.ResourceTemplate) string { return template.URITemplate }),
		namesIn(t, session.Prompts(ctx, nil), func(prompt *mcp.Prompt) string { return prompt.Name }),
	), " ")
}

func namesIn[T any](t testing.TB, list iter.Seq2[*T, error], name func(*T) string) (names []string) {
	t.Helper()
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name(item))
	}
	return names
}
