package caisson

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/propagation"
)

// Options say how a [Runtime] works. The zero value, or nil, is what most programs want.
type Options struct {
	// ClientInfo is the name the client gives itself to servers. Default: "caisson" and this
	// module's version.
	ClientInfo *mcp.Implementation
	// Logger gets diagnostics, and the lines that a server's command writes to its standard error
	// (at level Info, with the attribute "server"). No content of a message is ever logged. What one
	// server brings about is bounded: 1000 lines at once, 100 more each second, of 4 KiB; what is left
	// out is said.
	// Default: nothing is logged.
	Logger *slog.Logger
	// Stderr, when set, gets what servers' commands write to their standard error as it is, in
	// place of Logger. Writes come from several goroutines, one at a time.
	Stderr io.Writer

	// CacheDir is the folder that keeps the compiled core, about 80 MB; several processes may share
	// it. One that cannot be written to is read. One that another user could have put code into is not
	// used: see [component.Config]. Both are told to Logger, once. Default: "caisson" in the user's
	// cache folder.
	CacheDir string
	// NoCache compiles the core in every process, which takes seconds. CacheDir is ignored.
	NoCache bool
	// CompileFirst has [New] compile what the core needs at its start before it returns. Without
	// it, and without compiled code in the cache, sessions begin in an interpreter while the core
	// is compiled, and go on in compiled code when that is done.
	CompileFirst bool
	// Interpreter interprets the core in place of compiling it: quick to start, and about 60 times
	// slower after. It is what runs on platforms that the compiler does not know.
	Interpreter bool

	// ConnectTimeout bounds [Runtime.Connect] from its first message to its last. Default: 60 s.
	// Calls have no bound but their context.
	ConnectTimeout time.Duration
	// MaxMessageBytes bounds one message of a server's. Default: 32 MiB.
	MaxMessageBytes int64
	// MaxMemoryBytes bounds the sandbox of one session, rounded up to pages of 64 KiB. The core takes
	// about 30 MB of it to start, and several times the size of a message to read one; what needs more
	// ends the session, or Connect, with [CodeTrap]. Default: 512 MiB.
	MaxMemoryBytes int64
	// MaxGuestTime bounds how long the core may compute without returning, for one call or one
	// batch of events. What takes longer ends the session with [CodeTrap]. Default: 30 s.
	MaxGuestTime time.Duration

	// MaxListPages, MaxListItems and MaxListBytes bound the pages of one list of a server's, taken
	// together, in what fetches all of them: the iterators of a [Session], and a [Group]. One more ends
	// the iteration with [CodeLimit]. Defaults: 1000 pages, 100,000 items, 64 MiB.
	MaxListPages int
	MaxListItems int
	MaxListBytes int64

	// HTTPTransport carries the HTTP requests. Default: one of Caisson's own, with HTTP/1.1 and
	// HTTP/2 and the proxy that the environment names. It must not follow redirects, and it has to see
	// to PrivateAddresses itself.
	HTTPTransport http.RoundTripper
	// PrivateAddresses lets the name of a server lead to an address that is not of the internet:
	// loopback, private, link-local, shared by a provider, reserved, or an IPv6 form of one. Without it
	// a name that does so fails with [CodeRefused], lest its owner sends the headers and calls of the
	// user to a machine behind the user's firewall. An address in [Server].URL is meant, and connected
	// to in any case. So may be a name of one's own network: one without a dot, or that ends in
	// .localhost, .local, .internal or .home.arpa; but for the addresses of clouds' metadata. Where
	// there is a proxy, the proxy resolves the name, and this has no effect. Default: false.
	PrivateAddresses bool

	// Propagator says what of a call's context goes to servers of revision 2026-07-28, as members of
	// the call's `_meta` (specification, "Trace Context"). OpenTelemetry's global propagator is not
	// asked: what a program hands to its own services, baggage above all, is not meant for every
	// server. A program that wants that sets otel.GetTextMapPropagator() here. Default: the trace
	// context of W3C alone, propagation.TraceContext.
	Propagator propagation.TextMapPropagator

	// Handlers answer servers, and hear from them.
	Handlers
	// OnNotification gets every notification of a server's, untouched and in order, beside the
	// handlers. It is called from a goroutine of the session's own, one notification at a time, and
	// may call the session. Default: none.
	OnNotification func(ctx context.Context, session *Session, method string, params json.RawMessage)
	// NotificationQueue is how many notifications may wait for the handlers. When there are more,
	// the session ends with [CodeLimit]; progress of one call waits by itself, and ends that call.
	// Default: 1024.
	NotificationQueue int
	// MaxQueuedBytes bounds what a server has sent and the handlers have not done with: notifications,
	// progress and questions, counted together for one session. A notification that does not fit ends
	// the session with [CodeLimit], progress ends its call, and a question is answered with an error.
	// One message of MaxMessageBytes always fits into an empty queue: where this is less than that, that
	// is the bound. Default: 64 MiB.
	MaxQueuedBytes int64
	// InputRounds is how many rounds of questions one call, and its task, may each lead to in revision
	// 2026-07-28 (specification, "Multi Round-Trip Requests"; the Tasks extension). One more fails the
	// call with [CodeProtocol].
	// Default: 10.
	InputRounds int

	// RetryBudget is how long one call may wait in all where a server answers 429 or 503 and says
	// when to try again (Retry-After). Negative: never. Default: 30 s.
	RetryBudget time.Duration
	// Restarts is how often, one time after the other, a server's command that ended by itself is
	// started again, with growing delays. Calls in flight fail with [CodeTransport], save for those
	// that only ask, which are sent again. Default: 0.
	Restarts int
	// NoResultCache asks servers anew for results that they gave a time to live (revision
	// 2026-07-28, "Caching"). Without it such results are kept for as long, per session.
	NoResultCache bool

	// Record, when set, is asked where each session is recorded, by its server's name: all that
	// crosses the sandbox's boundary is written there, secrets hidden, for [Runtime.Replay]; see
	// docs/recording.md for what is hidden. It may be called by several goroutines at once. An error
	// of its own fails [Runtime.Connect]; a failing or slow writer only costs the recording, and is
	// logged once. The writer is closed with the session. [RecordTo] makes files in a folder.
	// Default: nothing is recorded.
	Record func(server string) (io.WriteCloser, error)
	// MaxRecordBytes bounds one recording. A longer one is cut, with a mark at its end.
	// Default: 256 MiB.
	MaxRecordBytes int64
	// RecordSecrets are hidden in recordings wherever they occur, beside the secrets that are known
	// from the Server. What is shorter than 8 bytes, or longer than 16 KiB, is not. Default: none.
	RecordSecrets []string
}

const (
	defaultConnectTimeout    = 60 * time.Second
	defaultMaxMessageBytes   = 32 << 20
	defaultMaxMemoryBytes    = 512 << 20
	defaultMaxGuestTime      = 30 * time.Second
	defaultNotificationQueue = 1024
	defaultMaxQueuedBytes    = 64 << 20
	defaultInputRounds       = 10
	defaultRetryBudget       = 30 * time.Second
	defaultMaxRecordBytes    = 256 << 20
	defaultMaxListPages      = 1000
	defaultMaxListItems      = 100_000
	defaultMaxListBytes      = 64 << 20
)

// orDefault gives value, or the default where value is the zero value.
func orDefault[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

// withDefaults copies the options, so that a later change of the caller's has no effect, and
// fills in the defaults.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.ClientInfo == nil {
		c.ClientInfo = &mcp.Implementation{Name: "caisson", Version: Version}
	}
	if c.Propagator == nil {
		c.Propagator = propagation.TraceContext{}
	}
	c.Logger = orDefault(c.Logger, slog.New(slog.DiscardHandler))
	c.ConnectTimeout = orDefault(c.ConnectTimeout, defaultConnectTimeout)
	c.MaxMessageBytes = orDefault(c.MaxMessageBytes, defaultMaxMessageBytes)
	c.MaxMemoryBytes = orDefault(c.MaxMemoryBytes, defaultMaxMemoryBytes)
	c.MaxGuestTime = orDefault(c.MaxGuestTime, defaultMaxGuestTime)
	c.NotificationQueue = orDefault(c.NotificationQueue, defaultNotificationQueue)
	c.MaxQueuedBytes = orDefault(c.MaxQueuedBytes, defaultMaxQueuedBytes)
	c.InputRounds = orDefault(c.InputRounds, defaultInputRounds)
	c.MaxRecordBytes = orDefault(c.MaxRecordBytes, defaultMaxRecordBytes)
	c.MaxListPages = orDefault(c.MaxListPages, defaultMaxListPages)
	c.MaxListItems = orDefault(c.MaxListItems, defaultMaxListItems)
	c.MaxListBytes = orDefault(c.MaxListBytes, defaultMaxListBytes)
	c.RetryBudget = max(0, orDefault(c.RetryBudget, defaultRetryBudget))
	return c
}

// check finds an option that cannot be.
func (o *Options) check() error {
	for _, option := range []struct {
		name  string
		value int64
	}{
		{"ConnectTimeout", int64(o.ConnectTimeout)},
		{"MaxMessageBytes", o.MaxMessageBytes},
		{"MaxMemoryBytes", o.MaxMemoryBytes},
		{"MaxGuestTime", int64(o.MaxGuestTime)},
		{"NotificationQueue", int64(o.NotificationQueue)},
		{"MaxQueuedBytes", o.MaxQueuedBytes},
		{"InputRounds", int64(o.InputRounds)},
		{"Restarts", int64(o.Restarts)},
		{"MaxRecordBytes", o.MaxRecordBytes},
		{"MaxListPages", int64(o.MaxListPages)},
		{"MaxListItems", int64(o.MaxListItems)},
		{"MaxListBytes", o.MaxListBytes},
	} {
		if option.value < 0 {
			return &Error{Code: CodeInvalidArgument, Step: "options", Message: "Options." + option.name + " is negative"}
		}
	}
	if o.ClientInfo.Name == "" || o.ClientInfo.Version == "" {
		return &Error{Code: CodeInvalidArgument, Step: "options", Message: "Options.ClientInfo needs a name and a version"}
	}
	return o.Handlers.check()
}
