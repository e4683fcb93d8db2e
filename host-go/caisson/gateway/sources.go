package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// sources are the tools of Options.Sources as one client has them: behind the policy.
type sources struct {
	gateway *Gateway
	client  *caisson.Client
	callers map[string]caisson.Caller
	group   *caisson.Group // of all, under their names at /mcp
}

// ofSources returns the client's; nil when there are none.
func (v *View) ofSources(ctx context.Context) (*sources, error) {
	c := v.client
	if !v.sources || len(c.gateway.options.Sources) == 0 {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sources != nil || c.closed {
		return c.sources, nil
	}
	made, err := newSources(ctx, c)
	if err != nil {
		return nil, err
	}
	c.sources = made
	return made, nil
}

func newSources(ctx context.Context, c *client) (*sources, error) {
	o := c.options()
	client, err := c.gateway.newUpstreamClient(&o)
	if err != nil {
		return nil, err
	}
	s := &sources{gateway: c.gateway, client: client, callers: map[string]caisson.Caller{}}
	for name, make := range c.gateway.options.Sources {
		caller, err := make(c.ctx, &View{client: c})
		if err == nil && caller == nil {
			err = fmt.Errorf("the source %s has made no Caller", quote(name))
		}
		if err != nil {
			c.gateway.endUpstreamClient(client)
			return nil, err
		}
		kind := policy.Plugin
		if says, ok := caller.(interface{ SourceKind() policy.SourceKind }); ok {
			kind = says.SourceKind()
		}
		s.callers[name] = client.Guard(kind, name, caller)
	}
	if s.group, err = client.ConnectGroup(ctx, nil, &caisson.GroupOptions{Callers: s.callers, Name: ToolName}); err != nil {
		c.gateway.endUpstreamClient(client)
		return nil, err
	}
	return s, nil
}

func (s *sources) close() {
	_ = s.group.Close()
	s.gateway.endUpstreamClient(s.client)
}

// sourceTools lists the tools of the sources.
func (v *View) sourceTools(ctx context.Context) ([]json.RawMessage, error) {
	s, err := v.ofSources(ctx)
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
	s, err := v.ofSources(ctx)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, invalidParams("unknown tool " + quote(name))
	}
	if !x.own { // An endpoint of the program's may call several at once.
		x.own = true
	}
	ctx = x.withProgress(ctx)
	params := &mcp.CallToolParams{Name: name}
	if arguments := whole["arguments"]; arguments != nil {
		params.Arguments = arguments
	}
	result, err := s.group.CallTool(ctx, params)
	if caisson.CodeOf(err) == caisson.CodeInvalidArgument && !s.has(ctx, name) {
		return nil, invalidParams("unknown tool " + quote(name))
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// has reports whether a source may have a tool of this name.
func (s *sources) has(ctx context.Context, name string) bool {
	for tool, err := range s.group.Tools(ctx) {
		if err != nil || tool.Item.Name == name {
			return true
		}
	}
	return false
}
