//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// An exchange is one request of a downstream client, until its result: in revision 2026-07-28 over several rounds,
// when the client is asked something meanwhile.
type exchange struct {
	client *client
	view   *View
	modern bool
	// clientName is what the client calls itself.
	clientName string
	level      mcp.LoggingLevel // that the request wants; "" for none, and for a session that has one
	poll       func()           // has the client poll for the result; nil where it cannot
	tasks      bool             // the client takes a task in place of a tool's result (2026-07-28)
	taskWanted json.RawMessage  // what the client says of the task that it wants (2025-11-25); nil where it wants none
	begun      chan struct{}    // closed when the server runs the call as a task that the gateway follows
	own        bool             // a Caller of the program's answers it, which says itself what progress goes on

	mu      sync.Mutex
	request context.Context // of the round
	session *mcp.ServerSession
	token   json.RawMessage // of the progress; nil without
	over    bool
	server  string    // that the call was sent to
	taskID  string    // the server's own, of the task that the gateway follows
	message string    // of the task's last state
	changed time.Time // when it came

	questions *questions // nil where nobody can be asked in rounds, nor in a task
}

type exchangeKey struct{}

// exchangeOf returns the exchange that a context belongs to.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// round is what the notifications of an exchange go with, now.
func (x *exchange) round() (ctx context.Context, session *mcp.ServerSession, token json.RawMessage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return nil, nil, nil
	}
	return x.request, x.session, x.token
}

// followed is the server's id of the task that the gateway follows; "" for none.
func (x *exchange) followed() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.taskID
}

// turn begins a round, and ends the one before.
func (x *exchange) turn(ctx context.Context, session *mcp.ServerSession, token json.RawMessage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.request, x.session, x.token = ctx, session, token
}

// end has no more notifications go with the exchange: after its result there must be none.
func (x *exchange) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
}

// notify tells the client something that belongs to the exchange. Between two rounds nobody hears it.
func (x *exchange) notify(method string, text json.RawMessage) {
	ctx, session, _ := x.round()
	if ctx == nil || ctx.Err() != nil {
		return
	}
	if err := notify(ctx, session, method, text); err != nil && ctx.Err() == nil {
		x.client.gateway.options.Logger.Warn("a client was not notified", "method", method, "error", err)
	}
}

// withProgress has what is called with a context tell the client of progress, where the client wants to hear of it.
func (x *exchange) withProgress(ctx context.Context) context.Context {
	if _, _, token := x.round(); token != nil {
		ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: x.progress})
	}
	return ctx
}

// progress passes progress on, under the token of the client's.
func (x *exchange) progress(p *mcp.ProgressNotificationParams) {
	_, _, token := x.round()
	if token == nil {
		return
	}
	whole, err := members(marshal(p))
	if err != nil {
		return
	}
	whole["progressToken"] = token
	x.notify("notifications/progress", marshal(whole))
}

// ask asks the client on behalf of a server. The question has a place when it is one of a server's round.
func (x *exchange) ask(ctx context.Context, method string, text json.RawMessage, at *place) (json.RawMessage, error) {
	if x.questions != nil {
		if x.modern && taskOf(text) != "" {
			text = withoutRelation(text)
		}
		if x.wantsTask() || x.followed() != "" { // Nobody may ever look at the task again.
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, x.client.gateway.options.HoldTimeout)
			defer cancel()
		}
		return x.questions.ask(ctx, method, text, at)
	}
	request, session, _ := x.round()
	if request == nil || x.modern {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the client cannot be asked in this request"}
	}
	ctx, cancel := merge(ctx, request)
	defer cancel()
	return x.client.askSession(ctx, session, method, text)
}

// merge returns a context with the values of one context that ends with another.
func merge(ends, values context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(values))
	stop := context.AfterFunc(ends, cancel)
	return ctx, func() { stop(); cancel() }
}

// own are the members of `_meta` that concern only the two ends of a connection.
var own = []string{mcp.MetaKeyProtocolVersion, mcp.MetaKeyClientInfo, mcp.MetaKeyClientCapabilities, mcp.MetaKeyLogLevel, mcp.MetaKeySubscriptionID, "progressToken", carriedMember}

// withoutOwn takes from params what concerns only the two ends of a connection, and what the gateway says itself.
func (g *Gateway) withoutOwn(whole map[string]json.RawMessage) error {
	meta, err := members(whole["_meta"])
	if err != nil {
		return invalidParams("_meta is no object")
	}
	maps.DeleteFunc(meta, func(key string, _ json.RawMessage) bool { return slices.Contains(own, key) || !g.passes(key) })
	delete(whole, "_meta")
	if len(meta) > 0 {
		whole["_meta"] = marshal(meta)
	}
	return nil
}

// send sends a request to a server on behalf of the exchange. Its params are an object.
func (x *exchange) send(ctx context.Context, server, method string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	err := x.client.gateway.withoutOwn(whole)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	x.server = server
	x.mu.Unlock()
	u := x.client.upstream(server)
	level, shared := x.logs(), u.client.session == nil
	// Who shares a session could be asked what another call is asked, or hear what another one logs.
	asked := x.client.mayBeAsked() && (x.questions != nil || x.client.session != nil)
	alone := shared && (asked || level != "")
	var l *link
	if alone {
		if l, err = u.take(ctx); err != nil {
			return nil, err
		}
		defer func() { u.give(l, abandoned(ctx, err)) }()
	} else {
		var done func(abandoned bool)
		if listings[method] != nil {
			l, done, err = u.use(ctx, u.get)
		} else {
			l, done, err = u.share(ctx)
		}
		if err != nil {
			return nil, err
		}
		defer func() { done(abandoned(ctx, err)) }()
	}
	if err := l.setLevel(ctx, level); err != nil {
		x.client.gateway.options.Logger.Warn("a server's logging level was not set", "server", server, "error", err)
	}
	if alone || !shared {
		defer l.enter(x)()
	}
	options := caisson.CallOptions{}
	if x.own {
		options, _ = caisson.CallOptionsOf(ctx)
	} else if _, _, token := x.round(); token != nil {
		options.OnProgress = x.progress
	}
	options.AfterNotifications = true // What belongs to the request goes before its result.
	ctx = caisson.WithCallOptions(ctx, options)
	var text json.RawMessage
	if method == "tools/call" && (x.tasks || x.wantsTask()) {
		text, err = x.callTask(ctx, l, whole)
		return text, err
	}
	text, err = l.session.Request(ctx, method, whole)
	return text, err
}

// logs is the level from which on the client wants to hear what is logged; "" where it has said nothing.
func (x *exchange) logs() mcp.LoggingLevel {
	if x.client.session == nil {
		return x.level
	}
	x.client.mu.Lock()
	defer x.client.mu.Unlock()
	return x.client.level
}

// abandoned reports whether a call has ended before its server had answered it: the server may go on with it, ask and log.
func abandoned(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || caisson.CodeOf(err) == caisson.CodeTimeout)
}
