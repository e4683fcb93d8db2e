// Package elicit asks for approvals through an elicitation: of the client that a program serves, such as an
// editor in front of a gateway.
//
// An answer counts only where the policy says that a person is at the client: see [policy.Rules.People]. The
// question goes to the client that has made the call, and never to the server or the tool that the call is for.
package elicit

import (
	"context"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
)

// A Client is a client downstream that has made a call, and can be asked about it. Its methods may be called by
// several goroutines at once.
type Client interface {
	// Principal is the principal that has proven who it is. It must be that of the call.
	Principal() string
	// ClientName is the name that the client gave in clientInfo; "" where it gave none.
	ClientName() string
	// Elicit asks the person at the client, and waits for the answer or the end of the context.
	Elicit(ctx context.Context, params *mcp.ElicitParams) (*mcp.ElicitResult, error)
}

type clientKey struct{}

// WithClient returns a context whose calls were made by a client downstream. Its approvals are asked of that
// client, by [Approve]. Those that last count for clients of the same name alone.
func WithClient(ctx context.Context, client Client) context.Context {
	if client != nil {
		ctx = gate.WithClient(ctx, client.ClientName())
	}
	return context.WithValue(ctx, clientKey{}, client)
}

// Approve is a [policy.Approver] that asks the client of the call's context.
//
// It fails, and so the call is denied, where the context has no client, the policy does not say that a person is
// there, the rule asks another principal ([policy.ErrNotAsked]), another principal has made the call, the question is too long to be shown, or the client cannot be
// asked. Everything but a yes in the form that was asked for is a no.
func Approve(ctx context.Context, q *policy.Question) (policy.Answer, error) {
	client, _ := ctx.Value(clientKey{}).(Client)
	switch {
	case client == nil:
		return q.No(), errors.New("the call was not made by a client that can be asked")
	case client.Principal() != q.Call.Principal:
		return q.No(), errors.New("the client is another principal's than the call")
	}
	if !q.Accepts(client.Principal()) {
		return q.No(), policy.ErrNotAsked
	}
	name := client.ClientName()
	if !q.IsPerson(name) {
		return q.No(), fmt.Errorf("the policy does not say that a person is at the client %q: its key is people", name)
	}
	params, err := params(q)
	if err != nil {
		return q.No(), err
	}
	result, err := client.Elicit(ctx, params)
	if err != nil {
		return q.No(), fmt.Errorf("the client %q cannot be asked: %w", name, err)
	}
	return answer(q, q.Call.Principal+" at "+name, result), nil
}

// Session makes a Client of a session of the Go SDK's server. principal is who has proven to be at its other
// end. Where requests of the server to the client are not allowed (revision 2026-07-28), Elicit fails: a server
// of that revision makes a Client of its own that asks in the result of the call.
func Session(principal string, session *mcp.ServerSession) Client {
	return &sessionClient{principal, session}
}

type sessionClient struct {
	principal string
	session   *mcp.ServerSession
}

func (c *sessionClient) Principal() string { return c.principal }

func (c *sessionClient) ClientName() string {
	if params := c.session.InitializeParams(); params != nil && params.ClientInfo != nil {
		return params.ClientInfo.Name
	}
	return ""
}

func (c *sessionClient) Elicit(ctx context.Context, params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	return c.session.Elicit(ctx, params)
}
