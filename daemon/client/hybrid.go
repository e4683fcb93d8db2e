package client

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A Place says where a call of a [Hybrid] is made.
type Place int

const (
	// RemoteFirst has the daemon make the call, and this process where the daemon, or the server behind it, is not
	// there. It is the default.
	RemoteFirst Place = iota
	// LocalFirst has this process make the call, and the daemon where the server is not there.
	LocalFirst
	// Remote has only the daemon make the call.
	Remote
	// Local has only this process make the call.
	Local
)

// A Call is what a [Hybrid] is asked to do.
type Call struct {
	Server string // as NewHybrid was told
	Method string // "tools/list" or "tools/call"
	Tool   string // the name of the tool; "" for a list
}

// An Opener gives the Caller of one place. It is called for each call, and by several goroutines at once: one that connects
// keeps what it has. An error with [caisson.CodeConnect] says that the place is not there.
type Opener func(context.Context) (caisson.Caller, error)

// Open gives the same Caller for each call.
func Open(c caisson.Caller) Opener {
	return func(context.Context) (caisson.Caller, error) { return c, nil }
}

// HybridOptions say how a [Hybrid] chooses.
type HybridOptions struct {
	// Place says where a call is made. It is called by several goroutines at once. Default: [RemoteFirst] for each call.
	Place func(Call) Place
	// Logger gets a warning for each call that falls back. Default: nothing is logged.
	Logger *slog.Logger
}

// A Hybrid is the Caller of one server that is reached in process, by a daemon, or by one where the other is not there.
// A call falls back only where nothing of it was sent ([caisson.CodeConnect]): what may have had an effect is not made
// twice. It is safe for concurrent use.
type Hybrid struct {
	server        string
	local, remote Opener
	place         func(Call) Place
	log           *slog.Logger

	locals, remotes, fellBack atomic.Uint64
}

var _ caisson.Caller = (*Hybrid)(nil)

// NewHybrid makes the Caller of a server. An Opener may be nil where no call is made at its place: such a call fails
// with [caisson.CodeConnect]. The options may be nil.
func NewHybrid(server string, local, remote Opener, options *HybridOptions) *Hybrid {
	h := &Hybrid{server: server, local: local, remote: remote, log: slog.New(slog.DiscardHandler), place: func(Call) Place { return RemoteFirst }}
	if options != nil && options.Place != nil {
		h.place = options.Place
	}
	if options != nil && options.Logger != nil {
		h.log = options.Logger
	}
	return h
}

// Counts are how many calls a [Hybrid] has made.
type Counts struct {
	Local, Remote uint64 // that were made at each place, also without success
	FellBack      uint64 // of them, those that were made at the second place
}

// Counts returns how many calls there were.
func (h *Hybrid) Counts() Counts {
	return Counts{Local: h.locals.Load(), Remote: h.remotes.Load(), FellBack: h.fellBack.Load()}
}

// ListTools lists the tools of the server, where the options say.
func (h *Hybrid) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return choose(ctx, h, Call{Server: h.server, Method: "tools/list"}, func(c caisson.Caller) (*mcp.ListToolsResult, error) { return c.ListTools(ctx, params) })
}

// CallTool calls a tool of the server, where the options say.
func (h *Hybrid) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	call := Call{Server: h.server, Method: "tools/call"}
	if params != nil {
		call.Tool = params.Name
	}
	return choose(ctx, h, call, func(c caisson.Caller) (*mcp.CallToolResult, error) { return c.CallTool(ctx, params) })
}

// A side is one of the two places.
type side struct {
	name  string
	open  Opener
	count *atomic.Uint64
}

// choose makes a call at its place, and at the other where it may.
func choose[R any](ctx context.Context, h *Hybrid, call Call, do func(caisson.Caller) (*R, error)) (*R, error) {
	local, remote := side{"local", h.local, &h.locals}, side{"remote", h.remote, &h.remotes}
	var order []side
	switch h.place(call) {
	case Local:
		order = []side{local}
	case Remote:
		order = []side{remote}
	case LocalFirst:
		order = []side{local, remote}
	default:
		order = []side{remote, local}
	}
	var first error
	for i, at := range order {
		c, err := at.caller(ctx, h.server, call.Method)
		if err == nil {
			at.count.Add(1)
			if i > 0 {
				h.fellBack.Add(1)
				h.log.Warn("a call falls back", "server", call.Server, "method", call.Method, "tool", call.Tool, "to", at.name, "error", first)
			}
			var result *R
			if result, err = do(c); err == nil {
				return result, nil
			}
		}
		if first == nil {
			first = err
		}
		if caisson.CodeOf(err) != caisson.CodeConnect || ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, first // It says what the preferred place lacks.
}

func (s side) caller(ctx context.Context, server, step string) (caisson.Caller, error) {
	if s.open == nil {
		return nil, &caisson.Error{Code: caisson.CodeConnect, Server: server, Step: step, Message: "the Hybrid has no " + s.name + " Caller"}
	}
	c, err := s.open(ctx)
	if err == nil && c == nil {
		return nil, &caisson.Error{Code: caisson.CodeConnect, Server: server, Step: step, Message: "the Opener of the " + s.name + " place has given no Caller"}
	}
	return c, err
}
