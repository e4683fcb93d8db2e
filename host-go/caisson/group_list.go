package caisson

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A list has all pages of one list of a server. The group keeps the list for the session, until the server
// announces a change. It does not keep the list of a server that announces no changes.
type list[T any] struct {
	fetch func(context.Context, *Session) (items iter.Seq2[*T, error], announced bool)
	ask   func(context.Context) ([]*T, error) // of a member that is no server; nil where such a one has none

	mu      sync.Mutex
	session *Session // the session in which the items were listed; nil when they are not kept
	view    view     // for whom they were listed
	changes int
	items   []*T // the items of the last listing
	listed  bool
}

// get returns the kept items, or lists them.
func (l *list[T]) get(ctx context.Context, m *member) ([]*T, error) {
	if m.caller != nil {
		if l.ask == nil {
			return nil, nil
		}
		return l.ask(ctx)
	}
	session, err := m.get(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	view := session.view(ctx)
	items, kept, changes := l.items, l.session == session && l.view == view, l.changes
	l.mu.Unlock()
	if kept {
		return items, nil
	}
	items = nil
	all, announced := l.fetch(ctx, session)
	for item, err := range all {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items, l.listed = items, true
	if announced && l.changes == changes {
		l.session, l.view = session, view
	}
	return items, nil
}

// forget makes the next get list anew.
func (l *list[T]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = nil
	l.changes++
}

// refresh lists anew what was listed before. The next get reports a failure.
func (l *list[T]) refresh(ctx context.Context, m *member) {
	l.mu.Lock()
	listed := l.listed
	l.mu.Unlock()
	if listed {
		_, _ = l.get(ctx, m)
	}
}

// none is the list of a server that does not have the capability.
func none[T any](func(*T, error) bool) {}

// askTools returns the tools of all pages of a caller.
func (m *member) askTools(ctx context.Context) ([]*mcp.Tool, error) {
	caller, err := m.getCaller(ctx)
	if err != nil {
		return nil, err
	}
	var tools []*mcp.Tool
	for tool, err := range toolsOf(ctx, caller) {
		if most := m.group.client.options.MaxListItems; err == nil && len(tools) >= most {
			err = &Error{Code: CodeLimit, Server: m.name, Step: "tools/list", Message: fmt.Sprintf("the list has more tools than ClientOptions.MaxListItems of %d", most)}
		}
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool)
	}
	return tools, nil
}

func fetchTools(ctx context.Context, s *Session) (iter.Seq2[*mcp.Tool, error], bool) {
	if can := s.Capabilities().Tools; can != nil {
		return s.Tools(ctx, nil), can.ListChanged
	}
	return none[mcp.Tool], false
}

func fetchPrompts(ctx context.Context, s *Session) (iter.Seq2[*mcp.Prompt, error], bool) {
	if can := s.Capabilities().Prompts; can != nil {
		return s.Prompts(ctx, nil), can.ListChanged
	}
	return none[mcp.Prompt], false
}

func fetchResources(ctx context.Context, s *Session) (iter.Seq2[*mcp.Resource, error], bool) {
	if can := s.Capabilities().Resources; can != nil {
		return s.Resources(ctx, nil), can.ListChanged
	}
	return none[mcp.Resource], false
}

func fetchTemplates(ctx context.Context, s *Session) (iter.Seq2[*mcp.ResourceTemplate, error], bool) {
	if can := s.Capabilities().Resources; can != nil {
		return s.ResourceTemplates(ctx, nil), can.ListChanged
	}
	return none[mcp.ResourceTemplate], false
}

// Grouped is an item of one server in a [Group].
type Grouped[T any] struct {
	// Server is the server's name in the configuration.
	Server string
	// Name is the server's own name for the item. For a resource it is the URI, or the URI template.
	Name string
	// Item is as the server sent it, except that the name of a tool or a prompt is the group's. Item belongs
	// to the group: do not change it.
	Item *T
}

// Tools iterates over the tools of all servers, in the order of the servers' names, and within a server in
// the server's order. It asks the servers at the same time. For a server that cannot be asked, or does not
// answer before the context ends, it returns an [*Error] with the server's name, and goes on.
func (g *Group) Tools(ctx context.Context) iter.Seq2[Grouped[mcp.Tool], error] {
	return merge(ctx, g, "tools/list", func(m *member) *list[mcp.Tool] { return &m.tools },
		func(m *member, tool *mcp.Tool) (string, string, *mcp.Tool) {
			renamed := *tool
			renamed.Name = m.rename(tool.Name)
			return tool.Name, renamed.Name, &renamed
		})
}

// ListTools returns the tools of all servers in one page, under their names in the group. A server that
// cannot be asked is left out, and the client's logger gets its error. When no server can be asked,
// ListTools fails with the errors of all. [Group.Tools] returns each error. It fails with
// [CodeInvalidArgument] for a cursor: there is one page.
func (g *Group) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	if g.client == nil {
		return nil, errZero("Group", "Client.ConnectGroup")
	}
	if params != nil && params.Cursor != "" {
		return nil, g.unknown("tools/list", "", "there is no page at this cursor: a group gives one page")
	}
	page := &mcp.ListToolsResult{Tools: []*mcp.Tool{}}
	var failed []error
	for tool, err := range g.Tools(ctx) {
		if err != nil {
			failed = append(failed, err)
			continue
		}
		page.Tools = append(page.Tools, tool.Item)
	}
	if len(page.Tools) == 0 && len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	for _, err := range failed {
		g.client.options.Logger.Warn("the tools of a server are left out", "error", err)
	}
	return page, nil
}

// Prompts iterates over the prompts of all servers, as [Group.Tools] does.
func (g *Group) Prompts(ctx context.Context) iter.Seq2[Grouped[mcp.Prompt], error] {
	return merge(ctx, g, "prompts/list", func(m *member) *list[mcp.Prompt] { return &m.prompts },
		func(m *member, prompt *mcp.Prompt) (string, string, *mcp.Prompt) {
			renamed := *prompt
			renamed.Name = m.rename(prompt.Name)
			return prompt.Name, renamed.Name, &renamed
		})
}

// Resources iterates over the resources of all servers, as [Group.Tools] does. Several
// servers may have the same URI; [Group.ReadResource] takes the first.
func (g *Group) Resources(ctx context.Context) iter.Seq2[Grouped[mcp.Resource], error] {
	return merge(ctx, g, "resources/list", func(m *member) *list[mcp.Resource] { return &m.resources },
		func(_ *member, resource *mcp.Resource) (string, string, *mcp.Resource) {
			return resource.URI, "", resource
		})
}

// ResourceTemplates iterates over the resource templates of all servers, as [Group.Tools] does.
func (g *Group) ResourceTemplates(ctx context.Context) iter.Seq2[Grouped[mcp.ResourceTemplate], error] {
	return merge(ctx, g, "resources/templates/list", func(m *member) *list[mcp.ResourceTemplate] { return &m.templates },
		func(_ *member, template *mcp.ResourceTemplate) (string, string, *mcp.ResourceTemplate) {
			return template.URITemplate, "", template
		})
}

// merge asks all servers and iterates over their items. name returns an item's own name. It also returns the
// name that must be unique in the group, if the item has one.
func merge[T any](ctx context.Context, g *Group, step string, of func(*member) *list[T], name func(*member, *T) (own, unique string, item *T)) iter.Seq2[Grouped[T], error] {
	return func(yield func(Grouped[T], error) bool) {
		items, errs := make([][]*T, len(g.members)), make([]error, len(g.members))
		var all sync.WaitGroup
		for i, m := range g.members {
			all.Go(func() { items[i], errs[i] = of(m).get(ctx, m) })
		}
		all.Wait()
		taken := map[string]string{}
		for i, m := range g.members {
			if errs[i] != nil && !yield(Grouped[T]{Server: m.name}, m.fail(errs[i], step)) {
				return
			}
			for _, item := range items[i] {
				own, unique, item := name(m, item)
				grouped := Grouped[T]{Server: m.name, Name: own, Item: item}
				var err error
				switch first, twice := taken[unique]; {
				case twice:
					grouped.Item = nil
					err = g.unknown(step, m.name, own+" is left out: its name in the group, "+unique+", is taken by "+first)
				case unique != "":
					taken[unique] = m.name + "'s " + own
				}
				if !yield(grouped, err) {
					return
				}
			}
		}
	}
}
