package gateway

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// sources are the tools of Options.Sources as one client has them: behind the policy.
type sources struct {
	client *caisson.Client
	group  *caisson.Group
}

// sources returns the client's; nil when there are none.
func (v *View) sources(ctx context.Context) (*sources, error) {
	c := v.client
	all := c.gateway.options.Sources
	if len(all) == 0 {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sources != nil || c.closed {
		return c.sources, nil
	}
	o := c.options()
	made, err := c.gateway.runtime.NewClient(&o)
	if err != nil {
		return nil, err
	}
	group, err := made.ConnectGroup(ctx, nil, &caisson.GroupOptions{Callers: all, Name: ToolName})
	if err != nil {
		_ = made.Close()
		return nil, err
	}
	c.sources = &sources{made, group}
	return c.sources, nil
}

func (s *sources) close() {
	_ = s.group.Close()
	_ = s.client.Close()
}

// sourceTools lists the tools of the sources.
func (v *View) sourceTools(ctx context.Context) ([]json.RawMessage, error) {
	s, err := v.sources(ctx)
	if s == nil || err != nil {
		return nil, err
	}
	page, err := s.group.ListTools(ctx, nil)
	if err != nil {
		v.client.gateway.options.Logger.Warn("the tools of the sources are left out", "error", err)
		return nil, nil
	}
	all := make([]json.RawMessage, len(page.Tools))
	for i, tool := range page.Tools {
		all[i] = marshal(tool)
	}
	return all, nil
}

// callSource calls a tool of a source, by its name at /mcp.
func (v *View) callSource(ctx context.Context, x *exchange, name string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	s, err := v.sources(ctx)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, invalidParams("unknown tool " + quote(name))
	}
	if _, _, token := x.round(); token != nil {
		ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: x.progress})
	}
	params := &mcp.CallToolParams{Name: name}
	if arguments := whole["arguments"]; arguments != nil {
		params.Arguments = arguments
	}
	result, err := s.group.CallTool(ctx, params)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}
