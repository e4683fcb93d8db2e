package caisson

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// authorization makes the authorization of a session, where there is one.
func (c *Client) authorization(server *Server, u *url.URL, name string) *authorization.Flow {
	method := server.Auth
	if method == nil && u != nil && !server.hasAuthorization() {
		method = c.options.Auth
	}
	if method == nil {
		return nil
	}
	config := authorization.Config{
		Server:           name,
		URL:              u,
		Method:           method,
		Store:            c.store,
		ClientName:       c.options.ClientInfo.Name,
		PrivateAddresses: c.options.PrivateAddresses,
		RetryBudget:      c.options.RetryBudget,
		Unsaved:          &c.unsaved,
		Logger:           c.options.Logger,
	}
	if c.authorizing != nil {
		c.authorizing(&config)
	}
	return authorization.New(config)
}

// explain makes of a refusal for want of authorization what says what to do.
func (s *Session) explain(failure *engine.Failure, cause *error) {
	if failure.Kind == engine.HTTPStatus && failure.HTTPStatus == http.StatusUnauthorized {
		failure.Kind = engine.Unauthorized
	}
	if s.authorization == nil {
		if failure.Kind == engine.Unauthorized {
			required := authorization.Required(s.challenge())
			required.Server = s.name
			*cause = required
		}
		return
	}
	var away *auth.UnavailableError
	if errors.As(*cause, &away) && away.Status != 0 {
		failure.Kind, failure.HTTPStatus = engine.HTTPStatus, away.Status
	}
	// What a server says of its refusals may quote what it was sent.
	failure.Message = s.authorization.Hide(failure.Message)
	var wire *jsonrpc.Error
	if errors.As(*cause, &wire) {
		hidden := &jsonrpc.Error{Code: wire.Code, Message: s.authorization.Hide(wire.Message)}
		if wire.Data != nil {
			if hidden.Data = json.RawMessage(s.authorization.Hide(string(wire.Data))); !json.Valid(hidden.Data) {
				hidden.Data, _ = json.Marshal(string(hidden.Data)) // A secret of digits alone may have been a number there.
			}
		}
		*cause = hidden
	}
	if failure.Kind == engine.Unauthorized && *cause == nil {
		*cause = s.authorization.Refusal()
	}
	var refused *auth.RefusedError
	switch {
	case !errors.As(*cause, &refused):
	case strings.HasPrefix(failure.Message, (&auth.RefusedError{Code: refused.Code}).Error()):
		failure.Message = refused.Error() // The SDK has the code again where there is no description.
	case !strings.Contains(failure.Message, refused.Code):
		what := failure.Message               // The SDK's words for what came of it have no reason.
		if refused.Code == "invalid_client" { // They are about another client, which the SDK would register in its place.
			what = "check the client's identifier, and its secret, key or assertion"
		}
		failure.Message = refused.Error() + ": " + what
	}
}
