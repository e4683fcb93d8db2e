package caisson

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Group is several servers at once: the lists of all of them in one, and calls that find their
// server. One server's failure is that server's alone.
//
// A server is connected with when the group is made, and again, on demand, when something is asked
// of it after its session has ended. When connecting fails, it is not tried again before a delay
// that doubles with each failure in a row ([GroupOptions.MinBackoff], [GroupOptions.MaxBackoff]);
// until then what is asked of the server fails with the last failure. Nothing that was sent to a
// server is sent again.
//
// # Names
//
// Tools and prompts go by a name of the server's and their own with "__" between them, such as
// files__read. Of the server's name in the configuration, characters other than the letters and
// digits of ASCII and "-" become "-", a "_" is kept where it stands by itself inside of it, and
// where two servers come to the same name the later one, sorted, has "-2" after it, and so on; a
// server whose name needs no change always keeps it. So the first "__" ends the server's name, and
// no two servers share a name. [GroupOptions.Name] has other rules. Resources go by their URIs.
//
// A Group is safe for concurrent use.
type Group struct {
	client  *Client
	options GroupOptions
	ctx     context.Context // ends with the group
	cancel  context.CancelFunc
	members []*member // sorted by name

	calling sync.Mutex // held while OnChange is called
	ending  sync.WaitGroup
}

// GroupOptions say how a [Group] works. The zero value is what most programs want.
type GroupOptions struct {
	// Name gives the name that a tool or prompt goes by. Where it gives two the same one, the first
	// keeps it, in the order of the servers' names; the other is left out, and the iterators give an
	// error with [CodeInvalidArgument] in its place. With a rule of its own, a group lists the tools
	// of its servers before it can call one. Default: see [Group].
	Name func(server, name string) string
	// OnChange is called when a list of a server has changed, after it was listed anew if it had been
	// listed; and, with [GroupServer], that a server was connected with or that its session has
	// ended. It is called from a goroutine of the group's own, one change at a time. Changes of the
	// same kind that come faster lead to one call. It may call the group.
	OnChange func(ctx context.Context, server string, kind GroupKind)
	// MinBackoff and MaxBackoff are the delays between two attempts to connect with a server: the
	// first one, and the longest. Defaults: 1 s and 1 min.
	MinBackoff, MaxBackoff time.Duration
}

// A GroupKind is a sort of thing that changes in a [Group].
type GroupKind string

// What changes in a group.
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

// ConnectGroup connects with all servers at once, those that are disabled
// excepted, and returns when each is connected with or has failed, or when the context ends; what
// is then under way goes on. A server's failure does not fail the group: [Group.Servers] has it.
// The options may be nil. Each server takes at most [Limits.ConnectTimeout].
//
// It fails with [CodeInvalidArgument] for options that cannot be.
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
	if servers == nil || o.MinBackoff < 0 {
		return nil, &Error{Code: CodeInvalidArgument, Step: "group", Message: "there are no Servers, or GroupOptions.MinBackoff is negative"}
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	var names []string
	for _, name := range servers.Names() {
		if !servers.Disabled(name) {
			names = append(names, name)
		}
	}
	for i, prefix := range prefixes(names) {
		g.members = append(g.members, newMember(g, servers, names[i], prefix))
	}
	var all sync.WaitGroup
	for _, m := range g.members {
		all.Go(func() { _, _ = m.get(ctx) }) // Its failure stays with it.
	}
	all.Wait()
	return g, nil
}

// A ServerState is how one server of a [Group] is doing.
type ServerState struct {
	// Name is its name in the configuration, and Prefix what its tools and prompts go by; see
	// [Group].
	Name, Prefix string
	// Session is the open session, and nil where there is none.
	Session *Session
	// Err is why there is none: why connecting failed, or what ended the session. It is nil while
	// the server is connected with, for the first time or again.
	Err error
}

// Servers tells how the servers are doing, in the order of their names. It does not connect.
func (g *Group) Servers() []ServerState {
	states := make([]ServerState, len(g.members))
	for i, m := range g.members {
		states[i] = m.state()
	}
	return states
}

// Err joins the errors of all servers that have one; nil when none has.
func (g *Group) Err() error {
	var all []error
	for _, state := range g.Servers() {
		all = append(all, state.Err)
	}
	return errors.Join(all...)
}

// Session returns the session with a server, by its name in the configuration, and connects first
// where there is none. It fails with [CodeInvalidArgument] for a name that is not there, and else
// with what connecting failed with.
//
// A session that has ended is closed by the group, and belongs to it: do not close it.
func (g *Group) Session(ctx context.Context, server string) (*Session, error) {
	if m := g.member(server); m != nil {
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

// Close closes all sessions, gives up what is being connected, and waits until the servers'
// commands are gone. What is asked of the group afterwards fails with [CodeClosed]. It may be
// called more than once, and always gives nil. It does not wait for [GroupOptions.OnChange].
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
