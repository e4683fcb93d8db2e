//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/policy/elicit"
)

// withExchange returns a context whose calls belong to an exchange. Approvals are asked of its client.
func withExchange(ctx context.Context, x *exchange) context.Context {
	return elicit.WithClient(context.WithValue(ctx, exchangeKey{}, x), &approver{x})
}

// An approver is the client of an exchange, for approvals.
type approver struct{ exchange *exchange }

func (a *approver) Principal() string { return a.exchange.client.principal }

func (a *approver) ClientName() string { return a.exchange.clientName }

// Elicit asks in the form of the client's revision.
func (a *approver) Elicit(ctx context.Context, params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	can := a.exchange.client.capabilities
	if can == nil || can.Elicitation == nil || can.Elicitation.Form == nil && can.Elicitation.URL != nil {
		return nil, errors.New("the client does not show forms to its person")
	}
	answer, err := a.exchange.ask(ctx, "elicitation/create", marshal(params), nil)
	if err != nil {
		return nil, err
	}
	result := &mcp.ElicitResult{}
	return result, json.Unmarshal(answer, result)
}

// clientName is what a request's client calls itself.
func (r *request) clientName() string {
	if r.modern {
		info, _ := r.meta[mcp.MetaKeyClientInfo].(map[string]any)
		name, _ := info["name"].(string)
		return name
	}
	if params := r.session.InitializeParams(); params != nil && params.ClientInfo != nil {
		return params.ClientInfo.Name
	}
	return ""
}
