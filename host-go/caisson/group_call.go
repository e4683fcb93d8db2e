package caisson

import (
	"context"
	"iter"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// CallTool calls a tool by its name in the group; see [Session.CallTool]. Without [GroupOptions.Name] the
// group asks only the tool's own server, in whatever state the others are, and that server says whether it
// has the tool. CallTool fails with [CodeInvalidArgument] for a name without a server's prefix.
func (g *Group) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	caller, own, err := g.routeTool(ctx, params)
	if err != nil {
		return nil, err
	}
	return caller.CallTool(ctx, own)
}

// routeTool returns the session with a tool's server, or another caller that has the tool, and the params of a call
// there.
func (g *Group) routeTool(ctx context.Context, params *mcp.CallToolParams) (Caller, *mcp.CallToolParams, error) {
	p := mcp.CallToolParams{}
	if params != nil {
		p = *params
	}
	m, own, err := owner(g, "tools/call", p.Name, g.Tools(ctx))
	if err != nil {
		return nil, nil, err
	}
	p.Name = own
	caller, err := m.getCaller(ctx)
	return caller, &p, err
}

// GetPrompt gets a prompt by its name in the group, as [Group.CallTool] does.
func (g *Group) GetPrompt(ctx context.Context, params *mcp.GetPromptParams) (*mcp.GetPromptResult, error) {
	p := mcp.GetPromptParams{}
	if params != nil {
		p = *params
	}
	m, own, err := owner(g, "prompts/get", p.Name, g.Prompts(ctx))
	if err != nil {
		return nil, err
	}
	if m.caller != nil {
		return nil, g.unknown("prompts/get", m.name, "it is no server, and has no prompts")
	}
	session, err := m.get(ctx)
	if err != nil {
		return nil, err
	}
	p.Name = own
	return session.GetPrompt(ctx, &p)
}

// owner finds the member that has the tool or prompt of this name, and the server's own name for it.
func owner[T any](g *Group, step, name string, all iter.Seq2[Grouped[T], error]) (*member, string, error) {
	if g.options.Name == nil {
		if m, own := g.byPrefix(name); m != nil {
			return m, own, nil
		}
		return nil, "", g.unknown(step, "", "no server of the group has the prefix of "+name+": names are of the form server"+nameSeparator+"name")
	}
	var failed error
	for item, err := range all {
		switch {
		case err != nil:
			failed = err
		case nameOf(item.Item) == name:
			return g.member(item.Server), item.Name, nil
		}
	}
	if failed != nil { // The failed server may have the name.
		return nil, "", failed
	}
	return nil, "", g.unknown(step, "", "no server of the group has "+name)
}

func nameOf(item any) string {
	switch item := item.(type) {
	case *mcp.Tool:
		return item.Name
	case *mcp.Prompt:
		return item.Name
	}
	return ""
}

// ReadResource reads a resource of a server, by the server's name in the configuration; see
// [Session.ReadResource].
//
// Without a server's name, ReadResource takes the first server, in the order of their names, that lists the
// URI. If none does, it takes the server whose resource template begins with the longest literal that the URI
// begins with too. To find it, it asks all servers for their lists, and skips those that fail. It fails with
// [CodeInvalidArgument] when no server has the URI, and with a failed server's error when that server may
// have it.
func (g *Group) ReadResource(ctx context.Context, server string, params *mcp.ReadResourceParams) (*mcp.ReadResourceResult, error) {
	if server == "" && params != nil {
		var err error
		if server, err = g.whose(ctx, params.URI); err != nil {
			return nil, err
		}
	}
	session, err := g.Session(ctx, server)
	if err != nil {
		return nil, err
	}
	return session.ReadResource(ctx, params)
}

// whose finds the server that has a URI.
func (g *Group) whose(ctx context.Context, uri string) (string, error) {
	var failed error
	for resource, err := range g.Resources(ctx) {
		switch {
		case err != nil:
			failed = err
		case resource.Name == uri:
			return resource.Server, nil
		}
	}
	server, longest := "", 0
	for template, err := range g.ResourceTemplates(ctx) {
		if err != nil {
			failed = err
			continue
		}
		// A template that begins with a variable could match any URI.
		literal, _, _ := strings.Cut(template.Name, "{")
		if strings.HasPrefix(uri, literal) && len(literal) > longest {
			server, longest = template.Server, len(literal)
		}
	}
	switch {
	case server != "":
		return server, nil
	case failed != nil:
		return "", failed
	}
	return "", g.unknown("resources/read", "", "no server of the group lists the resource "+uri+": name the server")
}
