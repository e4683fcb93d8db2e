package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A result goes downstream as the text that it is, with all members that the Go SDK's types do not know.
type result struct {
	mcp.ResultBase
	text       json.RawMessage
	whole      map[string]json.RawMessage // its members, in place of the text
	serverInfo any                        // of the gateway, where the server says nothing
}

// GetMeta returns the server's `_meta`.
func (r *result) GetMeta() map[string]any {
	whole := r.whole
	if whole == nil {
		if !bytes.Contains(r.text, []byte(`"_meta"`)) {
			return nil
		}
		whole, _ = members(r.text) // It is an object.
	}
	if whole["_meta"] == nil {
		return nil
	}
	var meta map[string]any
	_ = json.Unmarshal(whole["_meta"], &meta)
	return meta
}

// SetMeta takes the one member that the Go SDK adds.
func (r *result) SetMeta(meta map[string]any) { r.serverInfo = meta[mcp.MetaKeyServerInfo] }

// MarshalJSON returns the text.
func (r *result) MarshalJSON() ([]byte, error) {
	whole, err := r.whole, error(nil)
	switch {
	case r.serverInfo == nil && whole == nil:
		return r.text, nil
	case r.serverInfo == nil:
		return json.Marshal(whole)
	case whole == nil:
		whole, err = members(r.text)
	}
	if err != nil {
		return nil, err
	}
	meta, err := members(whole["_meta"])
	if err != nil {
		return nil, err
	}
	if meta[mcp.MetaKeyServerInfo], err = json.Marshal(r.serverInfo); err != nil {
		return nil, err
	}
	if whole["_meta"], err = json.Marshal(meta); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

// params go downstream as the text that they are, and come from there as they came where the Go SDK does not know the
// method.
type params struct {
	mcp.ParamsBase
	text json.RawMessage
}

// UnmarshalJSON keeps the text.
func (p *params) UnmarshalJSON(text []byte) error {
	p.text = bytes.Clone(text)
	return json.Unmarshal(text, &p.ParamsBase)
}

// MarshalJSON returns the text.
func (p *params) MarshalJSON() ([]byte, error) {
	if p.text == nil {
		return []byte("null"), nil
	}
	return p.text, nil
}

// members takes an object apart; nothing is an empty object.
func members(text json.RawMessage) (map[string]json.RawMessage, error) {
	whole := map[string]json.RawMessage{}
	if len(text) == 0 {
		return whole, nil
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	if whole == nil {
		whole = map[string]json.RawMessage{}
	}
	return whole, nil
}

// marshal makes a text of what always has one.
func marshal(value any) json.RawMessage {
	text, _ := json.Marshal(value)
	return text
}

// outgoing is what the sending middleware sends in place of what the Go SDK was given: it has no method for any
// notification, and none for params as they are.
type outgoing struct {
	method string
	params json.RawMessage
}

type outgoingKey struct{}

// sdkNotices are the notifications that the Go SDK sends to clients.
var sdkNotices = []string{
	toolsChanged, promptsChanged, resourcesChanged, resourceUpdated, messageLogged, "notifications/progress",
	"notifications/cancelled", "notifications/elicitation/complete", "notifications/subscriptions/acknowledged",
}

func sending(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		if listening, ok := ctx.Value(listenKey{}).(*listening); ok {
			listening.sees(ctx, request)
		}
		if out, ok := ctx.Value(outgoingKey{}).(*outgoing); ok {
			session, _ := request.GetSession().(*mcp.ServerSession) // It is the server's.
			method, request = out.method, &mcp.ServerRequest[*params]{Session: session, Params: &params{text: out.params}}
			if strings.HasPrefix(method, "notifications/") && !slices.Contains(sdkNotices, method) {
				method = carriedNotice
				request = &mcp.ServerRequest[*params]{Session: session, Params: &params{text: marshal(map[string]any{carriedMember: carried{Method: out.method, Params: out.params}})}}
			}
		}
		return next(ctx, method, request)
	}
}

// notify sends a notification downstream: with a request's context on the stream of that request.
func notify(ctx context.Context, session *mcp.ServerSession, method string, text json.RawMessage) error {
	ctx = context.WithValue(ctx, outgoingKey{}, &outgoing{method, text})
	return session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{})
}
