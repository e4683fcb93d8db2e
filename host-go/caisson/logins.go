package caisson

import (
	"context"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// AuthStatuses gives what the store of [ClientOptions].Auth has, for whatever server, without a secret. Where
// Auth has no store, it is what sessions of this client have got.
func (c *Client) AuthStatuses(ctx context.Context) ([]auth.Status, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	all, err := authorization.Statuses(ctx, authorization.StoreOf(c.options.Auth, c.store), time.Now)
	if err != nil {
		return nil, c.errStore(ctx, err, "", "auth status")
	}
	return all, nil
}

// AuthStatus gives what the store has for a server, as sessions with it would use it, without a secret; nil for
// nothing. It asks nobody.
func (c *Client) AuthStatus(ctx context.Context, server Server) (*auth.Status, error) {
	flow, err := c.flow(&server, "auth status")
	if err != nil {
		return nil, err
	}
	status, err := flow.Status(ctx)
	if err != nil {
		return nil, c.errStore(ctx, err, server.name(), "auth status")
	}
	return status, nil
}

// AccessToken gives the token that requests to a server carry, for another program that talks to it. Where there
// is none, or it is about to end, it connects to the server, which refreshes the token, or has a person log in
// where the server's way to authorize can ask one.
//
// It fails as [Client.Connect] does, and with [CodeAuthorizationRequired] where the server asks for nothing
// when it is connected to, and there is no token that has not ended.
func (c *Client) AccessToken(ctx context.Context, server Server) (*auth.Token, error) {
	const step = "auth token"
	flow, err := c.flow(&server, step)
	if err != nil {
		return nil, err
	}
	for connected := false; ; connected = true {
		token, err := flow.Token(ctx, connected) // What is about to end is renewed, and then it is what there is.
		switch {
		case err != nil:
			return nil, c.errStore(ctx, err, server.name(), step)
		case token != nil:
			return token, nil
		case connected:
			message := "there is no token, and the server has not asked for one when it was connected to: it may want none, or only for some calls"
			if status, err := flow.Status(ctx); err == nil && status != nil && status.TokenType != "" {
				message = "the token has ended, and the server has not asked for one when it was connected to; log in anew"
			}
			return nil, &Error{Code: CodeAuthorizationRequired, Server: server.name(), Step: step, Message: message}
		}
		session, err := c.Connect(ctx, server)
		if err != nil {
			return nil, err
		}
		_ = session.Close()
	}
}

// Logout forgets the login at a server, as sessions with it would use it: that of its way to authorize, its client and
// its principal, and the client that was registered for it. The tokens are revoked before (RFC 7009), where the
// authorization server has an endpoint for it; one that cannot be reached costs 10 seconds at most, and no more than an
// error in [auth.Logout]. Sessions that are open go on with the token that they have.
//
// It fails when the store does. It gives nil where there is nothing in the store.
func (c *Client) Logout(ctx context.Context, server Server) (*auth.Logout, error) {
	all, err := c.logout(ctx, &server, func(_ context.Context, flow *authorization.Flow) ([]string, error) {
		return []string{flow.Key()}, nil
	})
	if len(all) == 0 {
		return nil, err
	}
	return &all[0], err
}

// LogoutAll is [Client.Logout] for all logins at a server's address, of whatever way to authorize, client and
// principal. The authorization server may refuse to revoke those of a client whose secret server.Auth does not have.
// Beside an error it gives those that are gone.
func (c *Client) LogoutAll(ctx context.Context, server Server) ([]auth.Logout, error) {
	return c.logout(ctx, &server, func(ctx context.Context, flow *authorization.Flow) ([]string, error) { return flow.Keys(ctx) })
}

// logout ends the logins with these keys.
func (c *Client) logout(ctx context.Context, server *Server, keys func(context.Context, *authorization.Flow) ([]string, error)) ([]auth.Logout, error) {
	const step = "auth logout"
	flow, err := c.flow(server, step)
	if err != nil {
		return nil, err
	}
	which, err := keys(ctx, flow)
	if err != nil {
		return nil, c.errStore(ctx, err, server.name(), step)
	}
	transport := c.egress.Transport
	if server.HTTPTransport != nil {
		transport = server.HTTPTransport
	}
	var all []auth.Logout
	for _, key := range which {
		out, err := flow.Logout(ctx, key, transport)
		if err != nil {
			return all, c.errStore(ctx, err, server.name(), step)
		}
		if out != nil {
			all = append(all, *out)
		}
	}
	return all, nil
}

// flow is the authorization of a server, outside of a session.
func (c *Client) flow(server *Server, step string) (*authorization.Flow, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	_, u, wrong := server.check()
	if wrong != nil {
		wrong.Step = step
		return nil, wrong
	}
	flow := c.authorization(server, u, server.name())
	if flow == nil {
		return nil, &Error{
			Code: CodeInvalidArgument, Server: server.name(), Step: step,
			Message: "the server has no way to authorize: it is for a server with a URL, without an Authorization header, and with Server.Auth or ClientOptions.Auth",
		}
	}
	return flow, nil
}

// errStore is an error of a store, or of a program that gives no token.
func (c *Client) errStore(ctx context.Context, err error, server, step string) error {
	var whole *Error
	if ctx.Err() != nil || errors.As(err, &whole) {
		return err
	}
	var failed *egress.Error
	if errors.As(err, &failed) { // Of the program's own token.
		return &Error{Code: CodeAuthorizationRequired, Server: server, Step: step, Message: failed.Message, Err: failed.Err}
	}
	return &Error{Code: CodeAuthorizationRequired, Server: server, Step: step, Message: "the store of credentials: " + err.Error(), Err: err}
}
