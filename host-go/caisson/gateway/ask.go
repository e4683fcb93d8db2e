//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// askSession asks a client of the older revisions, with a request of its own. The question ends with the client: a session
// of the Go SDK's does not end while one waits for an answer.
func (c *client) askSession(ctx context.Context, session *mcp.ServerSession, method string, text json.RawMessage) (json.RawMessage, error) {
	whole, err := members(text)
	if err != nil {
		return nil, err
	}
	meta, err := members(whole["_meta"])
	if err != nil {
		return nil, err
	}
	for _, key := range own {
		delete(meta, key)
	}
	delete(whole, "_meta")
	if len(meta) > 0 {
		whole["_meta"] = marshal(meta)
	}
	url := method == "elicitation/create" && string(whole["mode"]) == `"url"`
	if url && whole["elicitationId"] == nil {
		// A server of 2026-07-28 gives none, and a client of 2025-11-25 refuses a question without one.
		whole["elicitationId"] = marshal(rand.Text())
	}
	ctx, cancel := context.WithTimeout(ctx, c.gateway.options.HoldTimeout)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	ctx = context.WithValue(ctx, outgoingKey{}, &outgoing{method, marshal(whole)})
	var answer any
	switch method {
	case "sampling/createMessage":
		answer, err = session.CreateMessageWithTools(ctx, &mcp.CreateMessageWithToolsParams{})
	case "elicitation/create":
		p := &mcp.ElicitParams{Mode: "form"}
		if url {
			p.Mode, p.ElicitationID = "url", "sent as it is"
		}
		answer, err = session.Elicit(ctx, p)
	case "roots/list":
		answer, err = session.ListRoots(ctx, nil)
	default:
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the gateway does not pass on " + method}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}
