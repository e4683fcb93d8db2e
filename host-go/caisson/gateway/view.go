package gateway

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A View is what one downstream client sees at an endpoint: the tools, prompts and resources of all servers, or of one
// alone. It is a [caisson.Caller], for the programs of [Options].Endpoints: what it calls is decided about for the
// client. In the context of a call of the endpoint's, what the servers ask and tell reaches the client of that call.
type View struct {
	client  *client
	only    string // the server that is alone; "" for all
	sources bool   // there are Options.Sources beside the servers
}

var _ caisson.Caller = (*View)(nil)

// Principal is on whose behalf the client makes its calls.
func (v *View) Principal() string { return v.client.principal }

// Servers returns the names of the servers, sorted.
func (v *View) Servers() []string {
	if v.only != "" {
		return []string{v.only}
	}
	return v.client.gateway.Servers()
}

func (v *View) has(server string) bool {
	return slices.Contains(v.Servers(), server) || v.isSource(server)
}

func (v *View) isSource(name string) bool {
	return v.sources && v.client.gateway.options.Sources[name] != nil
}

// exchange is the exchange of a context, or one for a program's own call.
func (v *View) exchange(ctx context.Context) *exchange {
	if x := exchangeOf(ctx); x != nil {
		return x
	}
	return &exchange{client: v.client, view: v, modern: v.client.session == nil, over: true}
}

// ListTools lists the tools under the names that /mcp has. All are on one page. A server that cannot be reached has none.
func (v *View) ListTools(ctx context.Context, _ *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	text, err := v.list(ctx, v.exchange(ctx), toolList, nil)
	if err != nil {
		return nil, err
	}
	return decode[mcp.ListToolsResult](text)
}

// CallTool calls a tool by its name at /mcp.
func (v *View) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	if params == nil {
		params = &mcp.CallToolParams{}
	}
	text, err := json.Marshal(params)
	if err != nil {
		return nil, invalid("the arguments cannot be made JSON: " + err.Error())
	}
	whole, err := members(text)
	if err != nil {
		return nil, err
	}
	if text, err = v.callTool(ctx, v.exchange(ctx), params.Name, whole); err != nil {
		return nil, err
	}
	return decode[mcp.CallToolResult](text)
}

func decode[T any](text json.RawMessage) (*T, error) {
	value := new(T)
	if err := exact.Unmarshal(text, value); err != nil {
		return nil, &caisson.Error{Code: caisson.CodeProtocol, Step: "serve", Message: "the result does not fit the Go SDK's type: " + err.Error(), Err: err}
	}
	return value, nil
}

// callTool calls a tool of a server, or of a source.
func (v *View) callTool(ctx context.Context, x *exchange, name string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	server, own, err := v.resolve(ctx, x, toolList, name)
	if err != nil {
		return nil, err
	}
	whole["name"] = marshal(own)
	if v.isSource(server) {
		if x.wantsTask() {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the tool " + quote(name) + " does not run as a task"}
		}
		return v.callSource(ctx, x, name, whole)
	}
	return v.send(ctx, x, server, "tools/call", whole)
}

// getPrompt gets a prompt of a server.
func (v *View) getPrompt(ctx context.Context, x *exchange, name string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	server, own, err := v.resolve(ctx, x, promptList, name)
	if err != nil {
		return nil, err
	}
	whole["name"] = marshal(own)
	return v.send(ctx, x, server, "prompts/get", whole)
}

// send sends a request to a server, and learns of the resources that its result links to.
func (v *View) send(ctx context.Context, x *exchange, server, method string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	text, err := x.send(ctx, server, method, whole)
	if err == nil {
		v.client.routes.learn(server, text)
	}
	return text, err
}

// resolve finds the server of a tool or prompt, and its own name there.
func (v *View) resolve(ctx context.Context, x *exchange, of *listing, name string) (server, own string, err error) {
	if v.only != "" {
		return v.only, name, nil
	}
	unknown := func() (string, string, error) {
		return "", "", invalidParams("unknown " + of.item + " " + quote(name))
	}
	server, own, ok := splitName(name)
	if !ok || !v.has(server) {
		return unknown()
	}
	if !shortened(own) || v.isSource(server) {
		return server, own, nil
	}
	// It may be the name that another one was given, and only the server's list says of which.
	items, err := v.items(ctx, x, of, server, (*upstream).get)
	if err != nil {
		return "", "", err
	}
	found := ""
	for _, item := range items {
		other := item.name
		if ToolName(server, other) == name {
			if found != "" && found != other {
				return unknown() // The list has neither.
			}
			found = other
		}
	}
	if found == "" {
		return unknown()
	}
	return server, found, nil
}
