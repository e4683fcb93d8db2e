package caisson

import (
	"net/http"
	"net/url"

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
	return authorization.New(authorization.Config{
		Server:           name,
		URL:              u,
		Method:           method,
		Store:            c.store,
		ClientName:       c.options.ClientInfo.Name,
		PrivateAddresses: c.options.PrivateAddresses,
	})
}

// explain makes of a refusal for want of authorization what says what to do.
func (s *Session) explain(failure *engine.Failure, cause *error) {
	if failure.Kind == engine.HTTPStatus && failure.HTTPStatus == http.StatusUnauthorized {
		failure.Kind = engine.Unauthorized
		if s.authorization == nil {
			failure.Message += "; the server wants authorization: set Server.Auth, or an Authorization header in Server.Headers"
			*cause = &auth.RequiredError{Server: s.name}
		}
	}
	if failure.Kind != engine.Unauthorized || s.authorization == nil {
		return
	}
	failure.Message = s.authorization.Hide(failure.Message)
	if *cause == nil {
		*cause = s.authorization.Refusal()
	}
}
