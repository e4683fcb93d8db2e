package gateway

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Options say how a [Gateway] works. The zero value, or nil, serves everything to everybody who reaches it on this
// machine.
type Options struct {
	// ServerInfo is the name that the gateway tells downstream clients. Default: "caisson" and this module's version.
	ServerInfo *mcp.Implementation
	// Instructions stand before those of the servers at /mcp. Default: none.
	Instructions string
	// Client are the options of all upstream sessions: limits, policy, authorization. The gateway sets the
	// Principal where there is a Policy, Approve where it is nil (to elicit.Approve: an elicitation at the
	// client, whose answer counts where the policy's people have the principal and the client), the capabilities to what the downstream client declares, and the handlers
	// and the middleware, which must not be set. The ListCache keeps the lists of all servers for all clients, each
	// for itself, below the policy. Its Telemetry is for what downstream clients send, too. Default: the defaults of
	// package caisson, and a ListCache with its own.
	Client caisson.ClientOptions
	// Logger gets diagnostics. No content of a message is ever logged. Default: none.
	Logger *slog.Logger

	// Sources are tools beside those of the servers, such as plugins, by their names: /mcp lists them as it does a
	// server's, behind the same policy: as plugins, or as what their Caller's method SourceKind says. Default: none.
	Sources map[string]NewCaller
	// Endpoints are MCP servers with tools of their own, by their paths, such as /mcp/code. Default: none.
	Endpoints map[string]NewCaller

	// Authenticate wraps the HTTP handler: it answers requests that prove nothing with 401, and says who makes the
	// others with [WithPrincipal]. Default: none, and everybody is the principal "", or [Options].Principal.
	Authenticate func(http.Handler) http.Handler
	// Principal makes the requests that say no other: those over stdio, and all without Authenticate. Default: "".
	Principal string
	// AllowedHosts are names, without a port, by which clients may call an HTTP server beside localhost and the
	// addresses of this machine. Default: none.
	AllowedHosts []string
	// AllowedOrigins are origins of web pages that may call it, such as https://example.com, beside those of the
	// server itself. Default: none.
	AllowedOrigins []string

	// MaxRequestBytes bounds the body of an HTTP request. Default: 4 MiB.
	MaxRequestBytes int64
	// MaxSessions bounds the downstream clients that have sessions of their own, and those that share some, at
	// once; MaxSessionsOfPrincipal those of one principal. Where there are as many, the one ends that nobody has used
	// for longest, if not for a minute: of the principal's own, or of a principal that has more. One with a request, a
	// stream or a task underway does not. Where none may end a further one is refused. Defaults: 256 and 64.
	MaxSessions, MaxSessionsOfPrincipal int
	// MaxUpstreamSessionsOfPrincipal bounds the sessions with servers that one principal has at once, in all its
	// sessions: each takes a sandbox of [caisson.RuntimeOptions].MaxSessions, and a server that is a command a process.
	// Beyond it a server is as one that cannot be reached. Default: 500.
	MaxUpstreamSessionsOfPrincipal int
	// MaxRequestsOfPrincipal bounds the requests of one principal that the gateway works on at once, in all its
	// sessions and at all endpoints, and beside them its subscriptions/listen. A further one fails at once, with
	// [caisson.CodeLimit]. Code mode has a bound of its own, too. Default: 256.
	MaxRequestsOfPrincipal int
	// MaxEventBytes bounds the events of all event streams of the older revisions that are kept for clients that
	// lose their connections, and MaxEventBytesOfSession those of one session, in bytes. The oldest are forgotten
	// first, in the session that has most. Defaults: 64 MiB and 4 MiB.
	MaxEventBytes, MaxEventBytesOfSession int64
	// MaxSessionsOfServer bounds the upstream sessions with one server of the requests of one principal in revision
	// 2026-07-28 that declare the same capabilities: the one that they share, and those that calls have to themselves.
	// Further calls wait. Default: 8.
	MaxSessionsOfServer int
	// IdleTimeout ends a downstream session over HTTP, and upstream sessions that are shared, after so long without
	// a request. Default: 30 min.
	IdleTimeout time.Duration
	// MaxHeldCalls bounds the calls of revision 2026-07-28 that wait for what their client has been asked, and
	// MaxHeldCallsOfPrincipal those of one principal. Defaults: 256 and 32.
	MaxHeldCalls, MaxHeldCallsOfPrincipal int
	// MaxTasks bounds the tasks of servers that clients of revision 2026-07-28 know, and MaxTasksOfPrincipal those of
	// one principal. A call beyond is awaited, and its client gets the result. Tasks whose end the client has seen,
	// and those that it has not asked for during IdleTimeout, make room. Defaults: 1024 and 128.
	MaxTasks, MaxTasksOfPrincipal int
	// HoldTimeout is how long such a call waits, and a server's question to a client of an older revision. Default:
	// 10 min.
	HoldTimeout time.Duration
	// ConnectWait is how long a client's first request, and a list of all servers, wait for a server that is being
	// connected with. The tools of a slower one come later, and a notification tells of them; a call of one of its
	// tools waits for as long as Client.ConnectTimeout allows. Default: 5 s.
	ConnectWait time.Duration
	// MinBackoff and MaxBackoff are the first and the longest delay between two attempts to connect with a server.
	// Defaults: 1 s and 1 min.
	MinBackoff, MaxBackoff time.Duration
}

// NewCaller makes the tools of an endpoint or a source for one downstream client. The context ends with the client; all
// lists and calls everything that the client may, under the names that /mcp has; for a source, what the servers have. A
// call of the context that the Caller was called with has what its client has asked for, such as progress.
type NewCaller func(ctx context.Context, all *View) (caisson.Caller, error)

// Shared makes a NewCaller that gives each client the same Caller.
func Shared(caller caisson.Caller) NewCaller {
	if caller == nil {
		return nil
	}
	return func(context.Context, *View) (caisson.Caller, error) { return caller, nil }
}

const (
	defaultMaxRequestBytes = 4 << 20
	defaultMaxSessions     = 256
	defaultPrincipalMax    = 64
	defaultServerMax       = 8
	defaultUpstreamMax     = 500
	defaultRequestsMax     = 256
	defaultMaxEvents       = 64 << 20
	defaultSessionEvents   = 4 << 20
	defaultIdle            = 30 * time.Minute
	defaultMaxHeld         = 256
	defaultPrincipalHeld   = 32
	defaultMaxTasks        = 1024
	defaultPrincipalTasks  = 128
	defaultHold            = 10 * time.Minute
	defaultConnectWait     = 5 * time.Second
	defaultMinBackoff      = time.Second
	defaultMaxBackoff      = time.Minute
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.ServerInfo == nil {
		c.ServerInfo = &mcp.Implementation{Name: "caisson", Version: caisson.Version}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	set(&c.MaxRequestBytes, defaultMaxRequestBytes)
	c.MaxRequestBytes = min(c.MaxRequestBytes, math.MaxInt64-1) // One more is read, to see what is beyond.
	set(&c.MaxSessions, defaultMaxSessions)
	set(&c.MaxSessionsOfPrincipal, defaultPrincipalMax)
	set(&c.MaxSessionsOfServer, defaultServerMax)
	set(&c.MaxUpstreamSessionsOfPrincipal, defaultUpstreamMax)
	set(&c.MaxRequestsOfPrincipal, defaultRequestsMax)
	set(&c.MaxEventBytes, defaultMaxEvents)
	set(&c.MaxEventBytesOfSession, defaultSessionEvents)
	set(&c.IdleTimeout, defaultIdle)
	set(&c.MaxHeldCalls, defaultMaxHeld)
	set(&c.MaxHeldCallsOfPrincipal, defaultPrincipalHeld)
	set(&c.MaxTasks, defaultMaxTasks)
	set(&c.MaxTasksOfPrincipal, defaultPrincipalTasks)
	set(&c.HoldTimeout, defaultHold)
	set(&c.ConnectWait, defaultConnectWait)
	set(&c.MinBackoff, defaultMinBackoff)
	set(&c.MaxBackoff, defaultMaxBackoff)
	if c.Client.ListCache == nil {
		c.Client.ListCache = caisson.NewListCache(nil)
	}
	c.MaxBackoff = max(c.MaxBackoff, c.MinBackoff)
	return c
}

func set[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

func (o *Options) check() error {
	if o.MaxRequestBytes < 0 || o.MaxSessions < 0 || o.MaxSessionsOfPrincipal < 0 || o.MaxSessionsOfServer < 0 || o.MaxUpstreamSessionsOfPrincipal < 0 || o.IdleTimeout < 0 ||
		o.MaxTasks < 0 || o.MaxTasksOfPrincipal < 0 || o.MaxRequestsOfPrincipal < 0 || o.MaxEventBytes < 0 || o.MaxEventBytesOfSession < 0 ||
		o.MaxHeldCalls < 0 || o.MaxHeldCallsOfPrincipal < 0 || o.HoldTimeout < 0 || o.ConnectWait < 0 || o.MinBackoff < 0 || o.MaxBackoff < 0 {
		return invalid("a bound of gateway.Options is negative: leave it out for the default")
	}
	if o.Client.SendingMiddleware != nil || o.Client.ReceivingMiddleware != nil || o.Client.OnNotification != nil || o.Client.Capabilities != nil {
		return invalid("gateway.Options.Client has middleware, OnNotification or Capabilities: those are the gateway's own")
	}
	for name, source := range o.Sources {
		if err := checkName(name); err != nil {
			return err
		}
		if source == nil {
			return invalid("the source " + name + " of gateway.Options.Sources is nil")
		}
	}
	for path, endpoint := range o.Endpoints {
		if !ownPath(path) || endpoint == nil {
			return invalid("gateway.Options.Endpoints has " + path + ", which is nil, no path, or one of the gateway's own")
		}
	}
	return nil
}
