package caisson

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Group connects with several servers at once. It merges their lists into one, and routes each call to its
// server. The failure of one server does not affect the others. Members that are no servers, such as plugins, are in
// [GroupOptions.Callers].
//
// A group connects with its servers when it is made. It connects with a server again, on demand, at the
// first call after the server's session has ended. When connecting fails, the next attempt waits for a
// delay that doubles with each failure in a row ([GroupOptions.MinBackoff], [GroupOptions.MaxBackoff]);
// until then calls to the server fail with the last failure. A group never sends a call twice.
//
// # Names
//
// The name of a tool or a prompt is the server's prefix, "__" and its own name, such as files__read. The
// prefix is the server's name in the configuration. Characters other than the letters and digits of ASCII and
// "-" become "-"; a single "_" inside the name stays. When two servers would get the same prefix, the later
// one, in sorted order, gets "-2" after it, and so on. A server whose name needs no change always keeps it.
// So the first "__" ends the prefix, and no two servers share a prefix. [GroupOptions.Name] sets another
// rule. Resources keep their URIs.
//
// A Group is safe for concurrent use.
type Group struct {
	client  *Client
	options GroupOptions
	ctx     context.Context // ends with the group
	cancel  context.CancelFunc
	members []*member // sorted by name

	toolChanges atomic.Uint64 // of the tools of its members, as they have told

	calling sync.Mutex // locked while OnChange runs
	ending  sync.WaitGroup
}

// GroupOptions say how a [Group] works. The zero value suits most programs.
type GroupOptions struct {
	// Name returns the name of a tool or prompt in the group. When two get the same name, the first in the
	// order of the servers' names keeps it. The other is left out, and the iterators return an error with
	// [CodeInvalidArgument] in its place. With Name, a group must list the tools of its servers before it can
	// call one. Default: see [Group].
	Name func(server, name string) string
	// OnChange is called when a list of a server has changed; a list that was listed before is listed anew
	// first. It is called with [GroupServer] when a server was connected or its session has ended. A
	// goroutine of the group calls it, for one change at a time. Several changes of the same kind in quick
	// succession lead to one call. OnChange may call the group.
	OnChange func(ctx context.Context, server string, kind GroupKind)
	// Callers are members of the group beside the servers, by their names, such as plugins. The group lists and calls
	// their tools. They have no sessions, and the group does not close them. It asks a caller for its list each
	// time, within [Limits].MaxListItems. Default: none.
	Callers map[string]Caller
	// MinBackoff and MaxBackoff are the first and the longest delay between two attempts to connect with a
	// server. Defaults: 1 s and 1 min.
	MinBackoff, MaxBackoff time.Duration
}

// A GroupKind says what has changed in a [Group].
type GroupKind string

// These are the kinds of changes.
const (
	GroupTools     GroupKind = "tools"
	GroupPrompts   GroupKind = "prompts"
	GroupResources GroupKind = "resources" // and resource templates
	GroupServer    GroupKind = "server"
)

const (
	defaultMinBackoff = time.Second
	defaultMaxBackoff = time.Minute
)

// ConnectGroup connects with all servers that are not disabled, at the same time. It returns when each server
// is connected or has failed, or when the context ends; attempts that still run then go on. The failure of a
// server does not fail the group: [Group.Servers] returns it. The options may be nil. Each server takes at
// most [Limits.ConnectTimeout].
//
// It fails with [CodeInvalidArgument] for invalid options.
func (c *Client) ConnectGroup(ctx context.Context, servers Servers, options *GroupOptions) (*Group, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	g := &Group{client: c}
	if options != nil {
		g.options = *options
	}
	o := &g.options
	o.MinBackoff = orDefault(o.MinBackoff, defaultMinBackoff)
	o.MaxBackoff = max(orDefault(o.MaxBackoff, defaultMaxBackoff), o.MinBackoff)
	if servers == nil && len(o.Callers) == 0 || o.MinBackoff < 0 {
		return nil, g.unknown("group", "", "there are neither Servers nor GroupOptions.Callers, or GroupOptions.MinBackoff is negative")
	}
	var names []string
	if servers != nil {
		for _, name := range servers.Names() {
			if !servers.Disabled(name) {
				names = append(names, name)
			}
		}
	}
	for name, caller := range o.Callers {
		if caller == nil || slices.Contains(names, name) {
			return nil, g.unknown("group", name, "this one of GroupOptions.Callers is nil, or has the name of a server")
		}
	}
	names = slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(o.Callers))))
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for i, prefix := range prefixes(names) {
		g.members = append(g.members, newMember(g, servers, names[i], prefix))
	}
	var all sync.WaitGroup
	for _, m := range g.members {
		if m.caller == nil {
			all.Go(func() { _, _ = m.get(ctx) }) // The member keeps its failure.
		}
	}
	all.Wait()
	return g, nil
}

// A ServerState is the state of one server of a [Group].
type ServerState struct {
	// Name is the server's name in the configuration. Prefix begins the names of its tools and prompts; see
	// [Group].
	Name, Prefix string
	// Session is the open session, or nil.
	Session *Session
	// Err is the reason that there is no session: the error of connecting, or of the session's end. It is nil
	// while the group connects with the server.
	Err error
}

// Servers returns the states of the servers, in the order of their names. It does not connect.
func (g *Group) Servers() []ServerState {
	states := make([]ServerState, 0, len(g.members))
	for _, m := range g.members {
		if m.caller == nil {
			states = append(states, m.state())
		}
	}
	return states
}

// Err joins the errors of all servers that have one. It returns nil when none has.
func (g *Group) Err() error {
	var all []error
	for _, state := range g.Servers() {
		all = append(all, state.Err)
	}
	return errors.Join(all...)
}

// Session returns the session with a server, by the server's name in the configuration. It connects first
// when there is none. It fails with [CodeInvalidArgument] for an unknown name, and otherwise with the error
// of connecting.
//
// The session belongs to the group: do not close it. The group closes a session that has ended.
func (g *Group) Session(ctx context.Context, server string) (*Session, error) {
	if m := g.member(server); m != nil && m.caller == nil {
		return m.get(ctx)
	}
	return nil, g.unknown("session", server, "there is no such server in the group")
}

func (g *Group) member(name string) *member {
	i, ok := slices.BinarySearchFunc(g.members, name, func(m *member, name string) int { return strings.Compare(m.name, name) })
	if !ok {
		return nil
	}
	return g.members[i]
}

func (g *Group) unknown(step, server, message string) error {
	return &Error{Code: CodeInvalidArgument, Server: server, Step: step, Message: message}
}

// Close closes all sessions, aborts the attempts to connect, and waits until the servers' commands have
// ended. Calls of the group fail with [CodeClosed] afterwards. It may be called more than once, and always
// returns nil. It does not wait for [GroupOptions.OnChange].
func (g *Group) Close() error {
	if g.cancel == nil {
		return nil
	}
	g.cancel()
	var all sync.WaitGroup
	for _, m := range g.members {
		all.Go(m.close)
	}
	all.Wait()
	g.ending.Wait()
	return nil
}
