//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// modern is the first revision of the new era: without sessions, and with rounds.
const modern = "2026-07-28"

// An endpoint is one MCP server of the gateway's. Its requests go to the middleware, and but for a few no further.
type endpoint struct {
	gateway *Gateway
	path    string
	only    string // the server that is alone
	server  *mcp.Server

	stateful, stateless *mcp.StreamableHTTPHandler

	mu      sync.Mutex
	clients map[*mcp.ServerSession]*client // those of the older revisions
	ids     map[string]*client             // by the ids of their sessions
}

func newEndpoint(g *Gateway, path, only string) *endpoint {
	e := &endpoint{gateway: g, path: path, only: only, clients: map[*mcp.ServerSession]*client{}, ids: map[string]*client{}}
	e.server = mcp.NewServer(g.options.ServerInfo, &mcp.ServerOptions{
		Logger: g.options.Logger,
		// What the Go SDK has to allow. What clients are told is in introduction.
		Capabilities: &mcp.ServerCapabilities{
			Tools:       &mcp.ToolCapabilities{ListChanged: true},
			Prompts:     &mcp.PromptCapabilities{ListChanged: true},
			Resources:   &mcp.ResourceCapabilities{ListChanged: true, Subscribe: true},
			Completions: &mcp.CompletionCapabilities{},
			Logging:     &mcp.LoggingCapabilities{},
		},
		SubscribeHandler:        e.subscribe,
		UnsubscribeHandler:      e.unsubscribe,
		RootsListChangedHandler: e.rootsChanged,
	})
	acceptMore(e.server)
	e.server.AddReceivingMiddleware(e.observing, e.receiving)
	e.server.AddSendingMiddleware(sending)
	get := func(*http.Request) *mcp.Server { return e.server }
	e.stateful = mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
		EventStore: g.events,
		Logger:     g.options.Logger, SessionTimeout: g.options.IdleTimeout, MaxRequestBodyBytes: g.options.MaxRequestBytes,
		DisableLocalhostProtection: true, // The gateway's handler checks it.
	})
	e.stateless = mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
		Logger: g.options.Logger, Stateless: true, MaxRequestBodyBytes: g.options.MaxRequestBytes,
		DisableLocalhostProtection: true, PropagateRequestCancellation: true,
	})
	return e
}

func (e *endpoint) close() {
	for session := range e.server.Sessions() {
		_ = session.Close()
	}
}

// receiving answers the requests of clients.
func (e *endpoint) receiving(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		session, _ := request.GetSession().(*mcp.ServerSession) // It is a server's.
		switch method {
		case "initialize":
			return e.initialize(ctx, session, request, next)
		case carriedNotice:
			if params, err := members(marshal(request.GetParams())); err == nil {
				if c := carriedIn(params); c.Method != "" {
					e.heardOf(ctx, session, c)
					return nil, nil
				}
			}
			return next(ctx, method, request)
		case "ping", "notifications/initialized", "notifications/cancelled", "notifications/roots/list_changed":
			return next(ctx, method, request)
		case "resources/subscribe", "resources/unsubscribe":
			v, err := e.viewOf(ctx, session)
			if err != nil {
				return nil, err
			}
			leave, err := e.gateway.busy.enter(v.client.principal)
			if err != nil {
				return nil, wireError(err)
			}
			defer leave()
			return next(ctx, method, request)
		}
		r, err := e.read(ctx, session, request)
		if err != nil {
			return nil, wireError(err)
		}
		text, err := e.counted(ctx, r, method, next)
		if err != nil {
			e.gateway.failed(method, err)
			return nil, wireError(err)
		}
		if r.result != nil {
			return r.result, nil
		}
		return r.finish(method, text), nil
	}
}

// counted answers a request where its principal has room for another one.
func (e *endpoint) counted(ctx context.Context, r *request, method string, next mcp.MethodHandler) (json.RawMessage, error) {
	busy := e.gateway.busy
	if method == "subscriptions/listen" { // It is no work, and lasts: calls must not wait for its end.
		busy = e.gateway.listening
	}
	leave, err := busy.enter(r.client.principal)
	if err != nil {
		r.done()
		return nil, err
	}
	defer leave()
	if r.client.session != nil { // Its client may have gone from the stream, and come back for the rest.
		r.client.use()
		defer r.client.unuse()
	}
	return e.answer(ctx, r, method, next)
}

// A request is one of a client's, as the gateway handles it.
type request struct {
	request mcp.Request
	session *mcp.ServerSession
	client  *client
	view    *View
	modern  bool
	tasks   bool                       // the client takes tasks (2026-07-28)
	task    json.RawMessage            // what it says of the task that it wants (2025-11-25); nil where it wants none
	whole   map[string]json.RawMessage // the params
	meta    map[string]any
	done    func() // to be called once it has ended
	result  mcp.Result
}

// read finds out whose a request is.
func (e *endpoint) read(ctx context.Context, session *mcp.ServerSession, req mcp.Request) (*request, error) {
	r := &request{request: req, session: session, done: func() {}}
	params := req.GetParams()
	text, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if r.whole, err = members(text); err != nil {
		return nil, invalidParams("the params are no object")
	}
	if string(text) != "null" { // A request may have none.
		r.meta = params.GetMeta()
	}
	var task json.RawMessage
	switch params.(type) {
	case *mcp.CallToolParamsRaw:
		putRest(r.whole)
		task = takeTask(r.whole)
	case *mcp.GetPromptParams, *mcp.ReadResourceParams, *mcp.CompleteParams:
		putRest(r.whole)
	}
	delete(r.meta, carriedMember)
	version, _ := r.meta[mcp.MetaKeyProtocolVersion].(string)
	r.modern = version >= modern
	if r.modern {
		capabilities, wrong := capabilitiesIn(marshal(r.meta[mcp.MetaKeyClientCapabilities]))
		if wrong != nil {
			return nil, invalidParams("_meta has no " + mcp.MetaKeyClientCapabilities)
		}
		r.tasks = takesTasks(capabilities)
		r.client, r.done, err = e.gateway.share(e.gateway.principalOf(ctx), capabilities, false)
	} else {
		e.mu.Lock()
		r.client = e.clients[session]
		e.mu.Unlock()
		if r.client == nil {
			err = errors.New("the session has not been initialized")
		} else if task != nil && r.client.version == experimental {
			r.task = task
		}
	}
	if err != nil {
		return nil, err
	}
	r.view = e.view(r.client)
	return r, nil
}

func (e *endpoint) view(c *client) *View {
	return &View{client: c, only: e.only, sources: e.only == ""}
}

// answer answers a request. r.done is called when it has ended.
func (e *endpoint) answer(ctx context.Context, r *request, method string, next mcp.MethodHandler) (json.RawMessage, error) {
	switch method {
	case "tools/call", "prompts/get", "resources/read":
		if r.modern || r.task != nil {
			return e.call(ctx, r, method)
		}
	case "subscriptions/listen":
		defer r.done()
		res, err := e.listen(ctx, r, next)
		r.result = res
		return nil, err
	case "server/discover":
		defer r.done()
		res, err := e.discover(ctx, r, next)
		r.result = res
		return nil, err
	}
	return e.once(ctx, r, method)
}

// once answers a request whose client is asked nothing in rounds.
func (e *endpoint) once(ctx context.Context, r *request, method string) (json.RawMessage, error) {
	defer r.done()
	x := e.exchange(ctx, r)
	defer x.end()
	ctx, cancel := context.WithCancel(withExchange(caisson.WithCaller(ctx, policy.CallerClient), x))
	defer cancel()
	defer context.AfterFunc(r.client.ctx, cancel)()
	return e.work(ctx, r, x, method)
}

func (e *endpoint) exchange(ctx context.Context, r *request) *exchange {
	x := &exchange{client: r.client, view: r.view, modern: r.modern, tasks: r.tasks, taskWanted: r.task, clientName: r.clientName(), poll: polling(r.request)}
	if r.modern {
		level, _ := r.meta[mcp.MetaKeyLogLevel].(string)
		x.level = mcp.LoggingLevel(level)
	}
	x.turn(ctx, r.session, r.token())
	return x
}

// token is the token for the progress of a request; nil when it wants none.
func (r *request) token() json.RawMessage {
	meta, err := members(r.whole["_meta"])
	if err != nil {
		return nil
	}
	return meta["progressToken"]
}

// call begins a call of 2026-07-28 or one that is to be a task, or goes on with one.
func (e *endpoint) call(ctx context.Context, r *request, method string) (json.RawMessage, error) {
	var state string
	if text := r.whole["requestState"]; text != nil {
		if err := json.Unmarshal(text, &state); err != nil {
			r.done()
			return nil, invalidParams("the requestState is no string")
		}
	}
	responses, err := members(r.whole["inputResponses"])
	if err != nil {
		r.done()
		return nil, invalidParams("the inputResponses are no object")
	}
	delete(r.whole, "requestState")
	delete(r.whole, "inputResponses")
	if state == "" && !r.client.mayBeAsked() && !r.tasks && r.task == nil {
		return e.once(ctx, r, method)
	}
	about := r.about(e.path, method)
	if state != "" {
		defer r.done() // The call has its own hold on the client.
		held, err := e.gateway.held.take(state, r.client.principal, about)
		if err != nil {
			return nil, err
		}
		held.exchange.turn(ctx, r.session, r.token())
		held.exchange.questions.answer(responses)
		return held.wait(ctx)
	}
	x := e.exchange(ctx, r)
	x.questions, x.begun = newQuestions(), make(chan struct{})
	if e.gateway.options.Endpoints[e.path] == nil { // Nobody knows which server a key of the program's tools would be of.
		x.questions.give(responses)
	}
	working := withExchange(caisson.WithCaller(ctx, policy.CallerClient), x)
	return x.hold(working, about, r.done, func(ctx context.Context) (json.RawMessage, error) {
		return e.work(ctx, r, x, method)
	}).wait(ctx)
}

// about is what a call is about: everything in its params but `_meta`.
func (r *request) about(path, method string) [sha256.Size]byte {
	rest := map[string]json.RawMessage{}
	for key, value := range r.whole {
		if key != "_meta" {
			rest[key] = value
		}
	}
	return sha256.Sum256(marshal([]any{path, method, rest}))
}

// work does what a request asks for.
func (e *endpoint) work(ctx context.Context, r *request, x *exchange, method string) (json.RawMessage, error) {
	if caller, err := e.caller(r); caller != nil || err != nil {
		if err != nil {
			return nil, err
		}
		if x.wantsTask() {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the tools at " + e.path + " do not run as tasks"}
		}
		x.own, x.tasks = true, false // What the Caller calls is the Caller's to await.
		return callOwn(ctx, x, caller, method, r.request)
	}
	v := r.view
	if of := listings[method]; of != nil {
		text, err := v.list(ctx, x, of, r.whole)
		if err == nil && of == toolList && r.modern {
			r.client.headersAt(e.path).learn(text)
		}
		return text, err
	}
	switch p := r.request.GetParams().(type) {
	case *params:
		if slices.Contains(taskMethods, method) {
			return v.task(ctx, x, method, r.whole)
		}
		return v.extension(ctx, x, r.whole)
	case *mcp.CallToolParamsRaw:
		return v.callTool(ctx, x, p.Name, r.whole)
	case *mcp.GetPromptParams:
		return v.getPrompt(ctx, x, p.Name, r.whole)
	case *mcp.ReadResourceParams:
		return v.readResource(ctx, x, p.URI, r.whole)
	case *mcp.CompleteParams:
		return v.complete(ctx, x, p.Ref, r.whole)
	case *mcp.SetLoggingLevelParams:
		return v.setLevel(ctx, p.Level)
	}
	return nil, fmt.Errorf("the gateway does not have %s", method)
}

// caller is that of an endpoint of the program's; nil for the gateway's own.
func (e *endpoint) caller(r *request) (caisson.Caller, error) {
	make := e.gateway.options.Endpoints[e.path]
	if make == nil {
		return nil, nil
	}
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if made := c.callers[e.path]; made != nil {
		return made, nil
	}
	made, err := make(c.ctx, r.view)
	if err == nil && made == nil {
		err = errors.New("there is nothing at " + e.path)
	}
	if err != nil {
		return nil, err
	}
	c.callers[e.path] = made
	return made, nil
}

// callOwn answers a request with the tools of an endpoint of the program's.
func callOwn(ctx context.Context, x *exchange, caller caisson.Caller, method string, request mcp.Request) (json.RawMessage, error) {
	var answer any
	var err error
	switch p := request.GetParams().(type) {
	case *mcp.ListToolsParams:
		answer, err = caller.ListTools(ctx, p)
	case *mcp.CallToolParamsRaw:
		meta := maps.Clone(p.Meta)
		maps.DeleteFunc(meta, func(key string, _ any) bool { return !x.client.gateway.passes(key) })
		params := &mcp.CallToolParams{Meta: meta, Name: p.Name}
		if len(p.Arguments) > 0 {
			params.Arguments = p.Arguments
		}
		answer, err = caller.CallTool(x.withProgress(ctx), params)
	case *mcp.SetLoggingLevelParams:
		return x.view.setLevel(ctx, p.Level)
	default:
		if of := listings[method]; of != nil {
			return marshal(map[string]any{of.list: []any{}}), nil
		}
		return nil, invalidParams("there are only tools here")
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// finish gives a result the members that its client's revision has.
func (r *request) finish(method string, text json.RawMessage) *result {
	if !r.modern && !bytes.Contains(text, []byte(`"resultType"`)) {
		return &result{text: text}
	}
	whole, err := members(text)
	if err != nil {
		return &result{text: text}
	}
	_, typed := whole["resultType"]
	switch {
	case r.modern && !typed:
		whole["resultType"] = marshal("complete")
	case !r.modern && typed:
		delete(whole, "resultType")
	case !r.modern:
		return &result{text: text}
	}
	if _, cached := whole["ttlMs"]; r.modern && !cached && (listings[method] != nil || method == "resources/read") && string(whole["resultType"]) == `"complete"` {
		whole["ttlMs"], whole["cacheScope"] = marshal(0), marshal("private")
	}
	return &result{whole: whole}
}

// setLevel has all servers of a session log from a level on.
func (v *View) setLevel(ctx context.Context, level mcp.LoggingLevel) (json.RawMessage, error) {
	if !slices.Contains(levels, level) {
		return nil, invalidParams("the level is none of debug, info, notice, warning, error, critical, alert and emergency")
	}
	c := v.client
	c.mu.Lock()
	c.level = level
	c.mu.Unlock()
	for _, name := range v.Servers() {
		u := c.upstream(name)
		if u.client != c { // Calls that have a session to themselves set it.
			continue
		}
		if l := u.now(); l != nil {
			if err := l.setLevel(ctx, level); err != nil {
				if v.only != "" {
					return nil, err
				}
				c.gateway.options.Logger.Warn("a server's logging level was not set", "server", name, "error", err)
			}
		}
	}
	return json.RawMessage(`{}`), nil
}
