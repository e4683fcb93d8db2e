//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package caisson

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/propagation"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
)

// ClientOptions say how a [Client] works. The zero value, or nil, is what most programs want.
type ClientOptions struct {
	// ClientInfo is the name that the client tells servers. Default: "caisson" and this
	// module's version.
	ClientInfo *mcp.Implementation
	// Logger gets diagnostics, and the lines that a server's command writes to its standard error (at
	// level Info, with the attribute "server"). No content of a message is ever logged. The lines that one
	// server causes are bounded: 1000 at once, 100 more each second, of 4 KiB; a line says when others
	// were left out. Default: [RuntimeOptions].Logger.
	Logger *slog.Logger
	// Stderr, when set, gets what servers' commands write to their standard error as it is, in
	// place of Logger. Writes come from several goroutines, one at a time.
	Stderr io.Writer

	// Limits bound what one server may cost.
	Limits
	// Governance says what may be called. Default: everything.
	Governance
	// Telemetry says where spans and metrics go. Default: nowhere.
	Telemetry
	// Sleeping says how scripts sleep. Default: they do not.
	Sleeping

	// HTTPTransport carries the HTTP requests. Default: one of Caisson's own, with HTTP/1.1 and HTTP/2 and
	// the proxy that the environment names. It must not follow redirects, and must enforce
	// PrivateAddresses itself.
	HTTPTransport http.RoundTripper
	// Auth is how to prove to servers with a URL who the user is, for those that have no [Server].Auth and no
	// Authorization header: see package auth. Default: none, and a server that asks for authorization is an
	// error with [CodeAuthorizationRequired].
	Auth auth.Method
	// PrivateAddresses lets the name of a server lead to an address that is not of the internet: loopback,
	// private, link-local, shared by a provider, reserved, or an IPv6 form of one. Without it such a name
	// fails with [CodeRefused]: its owner could otherwise send the user's headers and calls to a machine
	// behind the user's firewall. An address in [Server].URL is always allowed. A name of the local
	// network may always lead to a private address, except to the metadata service of a cloud: a name
	// without a dot, or one that ends in .localhost, .local, .internal or .home.arpa. With a proxy, the
	// proxy resolves the name, and this option has no effect. Default: false.
	PrivateAddresses bool

	// Propagator writes parts of a call's context into the call's `_meta`, for servers of revision
	// 2026-07-28 (specification, "Trace Context"). Caisson does not use OpenTelemetry's global propagator:
	// what a program tells its own services, baggage above all, is not meant for every server. A program
	// that wants it sets otel.GetTextMapPropagator() here. Default: only the W3C trace context,
	// propagation.TraceContext.
	Propagator propagation.TextMapPropagator

	// Handlers answer servers' questions, and get their notifications.
	Handlers
	// Capabilities are declared to servers beside those that follow from the Handlers, and in their place
	// where both are there: experimental ones, or one whose questions a ReceivingMiddleware answers. RootsV2
	// declares roots, as in the Go SDK. Default: none.
	Capabilities *mcp.ClientCapabilities
	// Extensions are those that the program takes part in: Caisson declares them, and their handlers
	// answer servers. The Tasks extension is always declared. Default: none.
	Extensions []Extension
	// Roots are the folders that servers may work in, when there is no ListRootsHandler: see
	// [Client.AddRoots]. A slice that is not nil, even an empty one, declares roots. Default: nil, not
	// declared.
	Roots []*mcp.Root
	// SendingMiddleware sees what the program sends, the first one first: each call and notification, but
	// for what the core sends by itself, such as the handshake and cancellations. A middleware may call the
	// next one more than once: each is a call of its own to the server. It may also give a result of its own,
	// or an error, which the program gets as it is. Default: none.
	SendingMiddleware []Middleware
	// ReceivingMiddleware sees servers' questions and notifications, the first one first, before the
	// Handlers and OnNotification, and in their goroutines. Default: none.
	ReceivingMiddleware []Middleware
	// KeepAlive is how often each server is pinged ([Session.Ping]), and how long it may take to answer.
	// When a server does not answer in time, its session ends with [CodeTimeout]. Default: never.
	KeepAlive time.Duration
	// OnNotification gets every notification of a server, untouched and in order, besides the handlers. It
	// is called from a goroutine of the session's own, one notification at a time, and may call the
	// session. Default: none.
	OnNotification func(ctx context.Context, session *Session, method string, params json.RawMessage)
	// NoResultCache turns the cache of results off. Without it each session keeps the results to which a
	// server gave a time to live, for that time (revision 2026-07-28, "Caching").
	NoResultCache bool
	// ListCache keeps what servers list. Clients may share one. Default: none, and each list is fetched when it is asked
	// for.
	ListCache *ListCache

	// Record, when set, returns a writer for the recording of each session, by its server's name. Caisson
	// writes everything that crosses the sandbox's boundary to it, with secrets hidden, for
	// [Client.Replay]; docs/recording.md says what is hidden. It may be called by several goroutines at
	// once. When Record fails, [Client.Connect] fails. When the writer fails or is too slow, only the
	// recording ends, and the log says so once. The writer is closed with the session. [RecordTo] makes
	// files in a folder. Default: no recording.
	Record func(server string) (io.WriteCloser, error)
	// RecordSecrets are hidden in recordings wherever they occur, besides the secrets in the Server.
	// Secrets shorter than 8 bytes or longer than 16 KiB are not hidden. Default: none.
	RecordSecrets []string
}

// orDefault returns value, or the default when value is the zero value.
func orDefault[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

// copyOf copies what a pointer leads to.
func copyOf[T any](value *T) *T {
	if value == nil {
		return nil
	}
	c := *value
	return &c
}

// withDefaults copies the options, so that a later change of the caller's has no effect, and
// fills in the defaults.
func (o *ClientOptions) withDefaults(logger *slog.Logger) ClientOptions {
	var c ClientOptions
	if o != nil {
		c = *o
	}
	c.ClientInfo = copyOf(c.ClientInfo)
	if c.ClientInfo == nil {
		c.ClientInfo = &mcp.Implementation{Name: "caisson", Version: Version}
	}
	c.Roots = slices.Clone(c.Roots)
	for i, root := range c.Roots {
		c.Roots[i] = copyOf(root)
	}
	c.RecordSecrets = slices.Clone(c.RecordSecrets)
	if c.Propagator == nil {
		c.Propagator = propagation.TraceContext{}
	}
	c.Logger = orDefault(c.Logger, logger)
	c.Limits = c.Limits.withDefaults()
	c.Sleeping = c.Sleeping.withDefaults()
	c.SendingMiddleware, c.ReceivingMiddleware = slices.Clone(c.SendingMiddleware), slices.Clone(c.ReceivingMiddleware)
	extensions := make([]Extension, len(c.Extensions))
	for i, e := range c.Extensions {
		extensions[i] = e.clone()
	}
	c.Extensions = extensions
	return c
}

// check finds an invalid option.
func (o *ClientOptions) check() error {
	if err := o.Limits.check(); err != nil {
		return err
	}
	if err := o.Governance.check(); err != nil {
		return err
	}
	if err := o.Sleeping.check(); err != nil {
		return err
	}
	if o.ClientInfo.Name == "" || o.ClientInfo.Version == "" {
		return errOption("ClientOptions.ClientInfo needs a name and a version")
	}
	if o.KeepAlive < 0 {
		return errOption("ClientOptions.KeepAlive is negative")
	}
	if o.ListRootsHandler != nil && o.Roots != nil {
		return errOption("ClientOptions.ListRootsHandler and Roots are both set: set one")
	}
	if slices.Contains(o.Roots, nil) {
		return errOption("ClientOptions.Roots has a nil")
	}
	if err := o.checkExtensions(); err != nil {
		return err
	}
	if o.Auth != nil {
		if err := authorization.Check(o.Auth); err != nil {
			return errOption(err.Error())
		}
	}
	return o.Handlers.check()
}

func errOption(message string) error {
	return &Error{Code: CodeInvalidArgument, Step: "options", Message: message}
}
