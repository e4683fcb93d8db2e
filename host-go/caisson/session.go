package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/confinement"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A Session is an open connection with one server. Its methods are safe for concurrent use; any
// number of calls may be in flight.
//
// A call whose context ends returns the context's error at once; the core tells the server in the way its
// revision prescribes, and the session goes on.
type Session struct {
	*session
	options *CallOptions // of [Session.With]; nil without
}

// session is what a Session and all that [Session.With] makes of it share.
type session struct {
	client       *Client
	name         string
	custom       bool            // it is spoken to over Server.Transport
	core         *engine.Session // nil until opened is closed, and then where it could not be opened
	opened       chan struct{}
	introduction atomic.Pointer[introduction] // never nil; changes when the session is begun anew

	// listChanged, when set, is called for every list of the server that changes; see [Group].
	listChanged func(method string)
	// toolChanges counts the changes of the tools that the server has told of.
	toolChanges atomic.Uint64
	following   chan struct{} // holds one while followTools asks
	followed    bool          // it has asked

	secrets       atomic.Pointer[[]string] // of the server, for recordings of scripts
	authorization *authorization.Flow      // nil where there is none
	wants         atomic.Pointer[string]   // what the server said of the authorization that it wants, where there is none

	peer []attribute.KeyValue // the server, for telemetry

	identity  *pins.Identity             // nil where nobody asks for it
	confined  *confinement.Rules         // what its command is confined to; nil for nothing
	caller    policy.Caller              // who connected
	defined   map[pins.Kind]*definitions // for the policy
	begun     begunTasks
	asking    asking
	listening atomic.Pointer[Subscription] // to the changes of lists; nil where there is none

	declaresRoots bool         // set before ready is
	ready         atomic.Bool  // Connect has brought it about: handlers may hear of it
	untold        atomic.Int64 // changes of the roots that the server is still to be told of

	tokens atomic.Uint64 // progress tokens given out
	end    sync.Once
}

// introduction is the value that the core's connect settles with; see connect in wit/client.wit.
type introduction struct {
	ProtocolVersion string                  `json:"protocolVersion"`
	ServerInfo      *mcp.Implementation     `json:"serverInfo"`
	Capabilities    *mcp.ServerCapabilities `json:"capabilities"`
	Instructions    string                  `json:"instructions"`
	Transport       TransportType           `json:"transport"`
	SessionID       string                  `json:"sessionId"`

	runsTasks bool // as a server of 2025-11-25 declares it; the Go SDK's type does not have it
}

func newSession(c *Client, name string) *Session {
	s := &Session{session: &session{client: c, name: name, opened: make(chan struct{}), defined: newDefinitions(), following: make(chan struct{}, 1)}}
	s.introduction.Store(&introduction{Capabilities: &mcp.ServerCapabilities{}})
	return s
}

// connect opens the session in the core. After an error everything is freed, or is being freed
// while Client.Close waits for it.
func (s *Session) connect(ctx context.Context, server *Server, transport TransportType, u *url.URL) error {
	s.custom = transport == TransportCustom
	core, err := s.open(ctx, server, transport, u)
	s.core = core
	close(s.opened)
	if err != nil {
		s.client.remove(s)
		return err
	}
	handshake, observed := ctx, func(error) {}
	if t := s.client.telemetry; t != nil {
		s.peer = peer(s.name, transport, u)
		handshake, observed = t.connects(ctx, s)
	}
	result, failure := core.Connect(handshake)
	if failure == nil {
		if err := s.introduce([]byte(result)); err != nil {
			failure = &engine.Failure{Kind: engine.Protocol, Step: "connect", Message: "the server's introduction is not what the protocol says: " + err.Error(), Err: err}
		}
	}
	if failure != nil {
		if failure.Kind == engine.Timeout {
			failure.Message += "; ClientOptions.ConnectTimeout bounds connecting"
		}
		s.end.Do(func() {
			// Ending a command can take seconds, and a caller whose context ended is not made to wait.
			go s.free()
		})
		err := s.error(failure, "connect")
		observed(err)
		return err
	}
	observed(nil)
	s.ready.Store(true)
	core.Ready()
	s.listenForHandlers(ctx)
	if interval := s.client.options.KeepAlive; interval > 0 {
		go s.keepAlive(interval) // Close does not wait for it: it runs the user's middleware, which may call Close.
	}
	return nil
}

// open makes the core's session.
func (s *Session) open(ctx context.Context, server *Server, transport TransportType, u *url.URL) (*engine.Session, error) {
	o := &s.client.options
	options := s.client.egress
	if server.HTTPTransport != nil {
		options.Transport = server.HTTPTransport
	}
	options.Challenged = func(challenge string) { s.wants.Store(&challenge) }
	capabilities := s.declare()
	recording, err := o.recording(s.name)
	if err != nil {
		return nil, err
	}
	_, none := server.Auth.(*auth.None)
	if !none {
		s.authorization = s.client.authorization(server, u, s.name)
	}
	grant := server.grant(u, s.confined)
	secrets := grant.Secrets()
	s.secrets.Store(&secrets)
	core, failure := s.client.runtime.engine.Open(ctx, engine.SessionConfig{
		Authorization:     s.authorization,
		NoLogin:           none,
		Inspect:           s.client.inspect,
		Limits:            s.client.limits(),
		Logger:            o.Logger,
		Egress:            options,
		Endpoint:          endpoint(transport, u),
		ClientInfo:        engine.Implementation{Name: o.ClientInfo.Name, Version: o.ClientInfo.Version, Title: o.ClientInfo.Title},
		ConnectTimeout:    o.ConnectTimeout,
		Grant:             grant,
		ProtocolVersions:  server.ProtocolVersions,
		Capabilities:      capabilities,
		InputRounds:       o.InputRounds,
		RetryBudget:       o.RetryBudget,
		Restarts:          o.Restarts,
		CacheResults:      !o.NoResultCache,
		Notified:          s.notified,
		Notify:            s.notifier(),
		NotificationQueue: o.NotificationQueue,
		Ask:               s.answer,
		Renewed: func(introduction []byte) {
			s.listsStale("")
			s.forgetDefinitions("")
			_ = s.introduce(introduction)
		},
		Record: recording,
	})
	if failure != nil {
		return nil, s.error(failure, "connect")
	}
	return core, nil
}

// challenge is what the server has said last of the authorization that it wants.
func (s *Session) challenge() string {
	if said := s.wants.Load(); said != nil {
		return *said
	}
	return ""
}

// introduce keeps the server's introduction, at first and when the session was begun anew.
func (s *Session) introduce(text []byte) error {
	h := &introduction{}
	if err := exact.Unmarshal(text, h); err != nil {
		return err
	}
	if h.Capabilities == nil {
		h.Capabilities = &mcp.ServerCapabilities{}
	}
	h.runsTasks = declaresTasks(text)
	s.introduction.Store(h)
	return nil
}

// introduced returns the server's introduction.
func (s *Session) introduced() *introduction {
	if s.session != nil {
		return s.introduction.Load()
	}
	return &introduction{Capabilities: &mcp.ServerCapabilities{}} // Of the zero Session.
}

func endpoint(transport TransportType, u *url.URL) engine.Endpoint {
	switch transport {
	case TransportStdio, TransportCustom:
		return engine.Endpoint{Kind: engine.Stdio}
	case TransportHTTP:
		return engine.Endpoint{Kind: engine.HTTP, URL: egress.GuestURL(u)}
	case TransportSSE:
		return engine.Endpoint{Kind: engine.SSE, URL: egress.GuestURL(u)}
	}
	return engine.Endpoint{Kind: engine.HTTPOrSSE, URL: egress.GuestURL(u)}
}

// Name is the server's name, as the configuration has it.
func (s *Session) Name() string {
	if s.session == nil {
		return ""
	}
	return s.name
}

// ID is the session id that the server gave (specification, basic/transports, "Session
// Management"), and "" where it gave none.
func (s *Session) ID() string { return s.introduced().SessionID }

// ProtocolVersion is the revision of the protocol that was negotiated, such as "2025-11-25".
func (s *Session) ProtocolVersion() string { return s.introduced().ProtocolVersion }

// TransportType is the transport in use: [TransportStdio], [TransportHTTP], [TransportSSE] or
// [TransportCustom].
func (s *Session) TransportType() TransportType {
	if s.session != nil && s.custom {
		return TransportCustom
	}
	return s.introduced().Transport
}

// ServerInfo is what the server says of itself, and nil where a server of revision 2026-07-28 says
// nothing. It belongs to the session: do not change it.
func (s *Session) ServerInfo() *mcp.Implementation { return s.introduced().ServerInfo }

// Capabilities are what the server says it can do. They belong to the session: do not change them.
func (s *Session) Capabilities() *mcp.ServerCapabilities { return s.introduced().Capabilities }

// Instructions are the server's instructions for its use; "" where it gave none, and where the policy enforces
// pins and they are not approved.
func (s *Session) Instructions() string {
	text := s.introduced().Instructions
	if s.session != nil && s.client.gate != nil && !s.client.gate.Instructions(s.name, s.identified(), text) {
		return ""
	}
	return text
}

// Issuer is who has issued the token that the session uses; "" where there is none, or where nobody knows. A
// program compares it with [pins.Identity].Issuer.
func (s *Session) Issuer() string {
	if s.session == nil || s.authorization == nil {
		return ""
	}
	return s.authorization.Issuer()
}

// InitializeResult returns the server's introduction in the Go SDK's form.
func (s *Session) InitializeResult() *mcp.InitializeResult {
	h := s.introduced()
	return &mcp.InitializeResult{
		ProtocolVersion: h.ProtocolVersion,
		ServerInfo:      h.ServerInfo,
		Capabilities:    h.Capabilities,
		Instructions:    s.Instructions(),
	}
}

// Request sends any request of the protocol, or of an extension of it, and returns the untouched result.
// The params are anything that marshals to a JSON object; nil sends none. Use it for methods, and for
// fields, that the types of the Go SDK do not know.
//
// It fails with [CodeInvalidArgument] for params that are not a JSON object and for a method that
// the session's revision does not have.
func (s *Session) Request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	return s.call(ctx, engine.Operation{Method: method}, params)
}

// Ping asks the server whether it is there (specification, basic/utilities/ping). Revision
// 2026-07-28 has no ping; there it is a server/discover. The params may be nil.
func (s *Session) Ping(ctx context.Context, params *mcp.PingParams) error {
	_, err := s.call(ctx, engine.Operation{Export: "ping", Method: "ping"}, params)
	return err
}

// call runs one operation of the core.
func (s *Session) call(ctx context.Context, op engine.Operation, params any) (json.RawMessage, error) {
	if s.session == nil {
		return nil, errZero("Session", "Client.Connect")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, err := marshalParams(params)
	if err != nil {
		if p, ok := params.(*mcp.CallToolParams); ok {
			err = fmt.Errorf("the params of the tool %q: %w", p.Name, err)
		}
		return nil, &Error{Code: CodeInvalidArgument, Server: s.name, Step: op.Method, Message: err.Error(), Err: err}
	}
	op.Params = text
	if s.client.sending == nil {
		return s.send(ctx, op)
	}
	return through(ctx, s.client.sending, s, op.Method, json.RawMessage(text), func(ctx context.Context, _ *Session, _ string, params json.RawMessage) (json.RawMessage, error) {
		op := op
		op.Params = string(params)
		return s.send(ctx, op)
	})
}

// send sends an operation where the policy allows it. No other function but the gate's reaches the core.
func (s *Session) send(ctx context.Context, op engine.Operation) (json.RawMessage, error) {
	if s.client.gate != nil {
		return s.pass(ctx, op)
	}
	answer, _, err := s.obtain(ctx, op)
	return answer, err
}

// reach brings an operation to the core.
func (s *Session) reach(ctx context.Context, op engine.Operation) (answer json.RawMessage, err error) {
	if t := s.client.telemetry; t != nil {
		var observed func(json.RawMessage, error)
		ctx, observed = t.sends(ctx, s, op.Method, op.Params)
		defer func() { observed(answer, err) }()
	}
	ctx, done, err := s.apply(ctx, &op)
	if err != nil {
		return nil, err
	}
	defer done()
	defer s.asking.called(ctx)()
	result, failure := s.core.Call(ctx, op)
	if failure != nil {
		if late := timedOut(ctx); late != nil {
			failure = late
		}
		return nil, s.error(failure, op.Method)
	}
	if o := s.callOptions(ctx); o != nil && o.AfterNotifications {
		s.core.Heard(ctx)
	}
	return json.RawMessage(result), nil
}

// callAs is call with its result decoded into a type of the Go SDK's.
func callAs[T any](ctx context.Context, s *Session, op engine.Operation, params any) (*T, error) {
	raw, err := s.call(ctx, op, params)
	if err != nil {
		return nil, err
	}
	return decodeAs[T](s, op, raw)
}

// decodeAs decodes a result into a type of the Go SDK's.
func decodeAs[T any](s *Session, op engine.Operation, raw json.RawMessage) (*T, error) {
	result := new(T)
	if err := exact.Unmarshal(raw, result); err != nil {
		return nil, &Error{
			Code: CodeProtocol, Server: s.name, Step: op.Method, Err: err,
			Message: "the result does not fit the Go SDK's type (" + err.Error() + "): Session.Request gives it as it is",
		}
	}
	return result, nil
}

// Wait blocks until the session has ended, and says why: nil after [Session.Close], and otherwise
// what ended it.
func (s *Session) Wait() error {
	if s.session == nil {
		return errZero("Session", "Client.Connect")
	}
	failure := s.core.Wait()
	if failure == nil {
		return nil
	}
	return s.error(failure, "session")
}

// Close ends the session: it tells the server if the transport can, ends the server's command, and waits
// until the command has ended, which takes a few seconds when it must be killed. Calls in flight fail with
// [CodeClosed]. It may be called more than once, and always returns nil.
func (s *Session) Close() error {
	if s.session == nil {
		return nil
	}
	s.end.Do(s.free)
	return nil
}

func (s *Session) free() {
	<-s.opened // The runtime may be closed while a session is opened.
	if s.core != nil {
		s.core.Close()
		s.client.remove(s)
	}
}

// error returns a failure of the engine's the form that users see.
func (s *Session) error(failure *engine.Failure, step string) error {
	if failure.Kind == engine.ContextEnded {
		return failure.Err
	}
	shown := *failure // Others are told of the same failure.
	failure = &shown
	if failure.Step != "" {
		step = failure.Step
	}
	cause := failure.Err
	if file, ok := cause.(*engine.UnverifiedFile); ok {
		cause = &SkillError{Reason: SkillReason(file.Reason), URI: file.URI}
	}
	s.explain(failure, &cause)
	return &Error{
		Code:       codes[failure.Kind],
		Server:     s.name,
		Step:       step,
		Message:    failure.Message,
		HTTPStatus: failure.HTTPStatus,
		Err:        cause,
	}
}

var codes = map[engine.Kind]Code{
	engine.Internal:        CodeInternal,
	engine.InvalidArgument: CodeInvalidArgument,
	engine.Refused:         CodeRefused,
	engine.Unreachable:     CodeConnect,
	engine.Transport:       CodeTransport,
	engine.HTTPStatus:      CodeHTTP,
	engine.Protocol:        CodeProtocol,
	engine.RPC:             CodeRPC,
	engine.Timeout:         CodeTimeout,
	engine.Cancelled:       CodeCancelled,
	engine.Closed:          CodeClosed,
	engine.Limit:           CodeLimit,
	engine.OutputSchema:    CodeOutputSchema,
	engine.NotRepeated:     CodeNotRepeated,
	engine.Unverified:      CodeProtocol,
	engine.Unauthorized:    CodeAuthorizationRequired,
	engine.Trap:            CodeTrap,
}

var errNotObject = errors.New("the params are not a JSON object")

// marshalParams makes the params' JSON text. A nil pointer is no params, as in the Go SDK.
func marshalParams(params any) (string, error) {
	if params == nil {
		return "{}", nil
	}
	text, err := json.Marshal(params)
	switch {
	case err != nil:
		return "", err
	case string(text) == "null":
		return "{}", nil
	case len(text) == 0 || text[0] != '{':
		return "", errNotObject
	}
	return string(text), nil
}
