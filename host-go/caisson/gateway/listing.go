package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A listing is one of the four lists of the protocol.
type listing struct {
	method string
	list   string // the member of the result
	key    string // the member of an item that names it
	item   string // what an item is called
	named  bool   // items get the server's name before theirs
}

var (
	toolList     = &listing{method: "tools/list", list: "tools", key: "name", item: "tool", named: true}
	promptList   = &listing{method: "prompts/list", list: "prompts", key: "name", item: "prompt", named: true}
	resourceList = &listing{method: "resources/list", list: "resources", key: "uri", item: "resource"}
	templateList = &listing{method: "resources/templates/list", list: "resourceTemplates", key: "uriTemplate", item: "resource template"}
)

var listings = map[string]*listing{
	toolList.method: toolList, promptList.method: promptList, resourceList.method: resourceList, templateList.method: templateList,
}

// An item is one of a list, as its server has it.
type item struct {
	name string
	text json.RawMessage
}

// pageSize bounds the items of one page at /mcp.
const pageSize = 1000

// offered reports whether a server has such a list at all.
func (l *link) offered(of *listing) bool {
	can := l.session.Capabilities()
	switch of {
	case toolList:
		return can.Tools != nil
	case promptList:
		return can.Prompts != nil
	default:
		return can.Resources != nil
	}
}

// items lists all items of one server. get waits for its session.
func (v *View) items(ctx context.Context, x *exchange, of *listing, server string, get func(*upstream, context.Context) (*link, error)) ([]item, error) {
	u := v.client.upstream(server)
	l, done, err := u.use(ctx, func(ctx context.Context) (*link, error) { return get(u, ctx) })
	if err != nil {
		return nil, err
	}
	defer done(false)
	if !l.offered(of) {
		return nil, nil
	}
	if u.client.session != nil {
		defer l.enter(x)()
	}
	var all []item
	for page, err := range l.session.Pages(ctx, of.method, nil) {
		if err != nil {
			return nil, err
		}
		var whole map[string]json.RawMessage
		var items []json.RawMessage
		if json.Unmarshal(page, &whole) != nil || whole[of.list] != nil && json.Unmarshal(whole[of.list], &items) != nil {
			return nil, &caisson.Error{Code: caisson.CodeProtocol, Server: server, Step: of.method, Message: "the result is no list"}
		}
		for _, text := range items {
			var name string
			parts, err := members(text)
			if err != nil || json.Unmarshal(parts[of.key], &name) != nil {
				v.client.gateway.options.Logger.Warn("an item of a list is left out: it has no "+of.key, "server", server, "list", of.list)
				continue
			}
			if of == toolList && x.shownAsTasks(l) {
				text = withTaskSupport(parts)
			}
			all = append(all, item{name, text})
		}
	}
	if !of.named {
		v.client.routes.list(of, server, all)
	}
	return all, nil
}

// list lists what all servers have. The cursor is where a page begins.
func (v *View) list(ctx context.Context, x *exchange, of *listing, whole map[string]json.RawMessage) (json.RawMessage, error) {
	if v.only != "" {
		return v.listAlone(ctx, x, of, whole)
	}
	begin := 0
	var cursor string
	if whole["cursor"] != nil {
		if json.Unmarshal(whole["cursor"], &cursor) == nil {
			var err error
			if begin, err = strconv.Atoi(cursor); err != nil || begin < 0 {
				return nil, invalidParams("the cursor is not one of this server's")
			}
		}
	}
	merged, err := v.merged(ctx, x, of)
	if err != nil {
		return nil, err
	}
	result := map[string]any{}
	page := merged[min(begin, len(merged)):]
	if len(page) > pageSize {
		page = page[:pageSize]
		result["nextCursor"] = strconv.Itoa(begin + pageSize)
	}
	if page == nil {
		page = []json.RawMessage{}
	}
	result[of.list] = page
	return marshal(result), nil
}

// merged lists the items of all servers, in the order of the servers' names.
func (v *View) merged(ctx context.Context, x *exchange, of *listing) ([]json.RawMessage, error) {
	servers := v.Servers()
	lists := make([][]item, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() {
			items, err := v.items(ctx, x, of, server, (*upstream).soon)
			if err != nil && ctx.Err() == nil { // Its failure is its own.
				v.client.gateway.options.Logger.Warn("a server's list is left out", "server", server, "principal", v.client.principal, "list", of.list, "error", err)
			}
			lists[i] = items
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var merged []json.RawMessage
	seen := map[string]int{} // where an item of this name is; -1 when it is left out
	for i, items := range lists {
		for _, one := range items {
			text, name := one.text, one.name
			if of.named {
				name = ToolName(servers[i], one.name)
				text = renamed(text, name)
			}
			at, twice := seen[name]
			switch {
			case !twice:
				seen[name] = len(merged)
				merged = append(merged, text)
			case !of.named:
				v.client.gateway.options.Logger.Warn("two servers have the same "+of.item+": the first has it, the other's is left out", "server", servers[i], of.key, one.name)
			default:
				v.client.gateway.options.Logger.Error("two "+of.list+" get the same name: both are left out", "server", servers[i], "name", name)
				if at >= 0 {
					merged[at], seen[name] = nil, -1
				}
			}
		}
	}
	kept := merged[:0]
	for _, text := range merged {
		if text != nil {
			kept = append(kept, text)
		}
	}
	if of == toolList && v.sources {
		own, err := v.sourceTools(ctx)
		if err != nil {
			return nil, err
		}
		kept = append(kept, own...)
	}
	return kept, nil
}

func renamed(text json.RawMessage, name string) json.RawMessage {
	whole, err := members(text)
	if err != nil {
		return text // It is an object: items has read it.
	}
	whole["name"] = marshal(name)
	return marshal(whole)
}

// listAlone passes a page of one server on, as it is.
func (v *View) listAlone(ctx context.Context, x *exchange, of *listing, whole map[string]json.RawMessage) (json.RawMessage, error) {
	page, err := x.send(ctx, v.only, of.method, whole)
	if l := v.client.upstream(v.only).now(); err == nil && of == toolList && l != nil && x.shownAsTasks(l) {
		page = pageWithTaskSupport(page)
	}
	return page, err
}

// shownAsTasks reports whether the client is told of each tool that its calls may be tasks: a server of 2026-07-28 says so
// of none, and a client of 2025-11-25 asks for no task of another tool.
func (x *exchange) shownAsTasks(l *link) bool {
	return x.client.version == experimental && l.modern() && l.session.RunsTasks()
}

func withTaskSupport(tool map[string]json.RawMessage) json.RawMessage {
	execution, err := members(tool["execution"])
	if err != nil {
		return marshal(tool)
	}
	execution["taskSupport"] = marshal("optional")
	tool["execution"] = marshal(execution)
	return marshal(tool)
}

func pageWithTaskSupport(page json.RawMessage) json.RawMessage {
	whole, err := members(page)
	if err != nil {
		return page
	}
	var tools []json.RawMessage
	if json.Unmarshal(whole["tools"], &tools) != nil {
		return page
	}
	for i, text := range tools {
		if tool, err := members(text); err == nil {
			tools[i] = withTaskSupport(tool)
		}
	}
	whole["tools"] = marshal(tools)
	return marshal(whole)
}
