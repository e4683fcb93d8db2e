package client

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// A ConnectRequest says which session [Client.Connect] makes.
type ConnectRequest struct {
	// ID is the id of the session, 1 to 64 letters, digits and -._ of ASCII. Default: one that the daemon makes.
	ID string
	// Server is the name of a server of the daemon's configuration.
	Server string
	// Inline is a server that the configuration does not have: its Name, and a URL with headers or a command with arguments
	// and environment. The principal needs a scope for it. What else a [caisson.Server] has must not be set. Set this or
	// Server.
	Inline *caisson.Server
	// Handlers answer what the server asks, and hear what it tells. The Session of a [caisson.Request] is nil: it is
	// in the daemon. A capability is declared to the server exactly when its handler is set. Default: nothing is
	// answered, and nothing is heard.
	Handlers caisson.Handlers
}

// Connect makes a session that only this program uses, for a server that keeps something for its client, and to answer
// what the server asks. It ends with [Session.Close], and with its connection to the daemon: then its calls
// fail with [caisson.CodeTransport], as what was sent may have had an effect. The context bounds connecting.
func (c *Client) Connect(ctx context.Context, request *ConnectRequest) (*Session, error) {
	if request == nil {
		request = &ConnectRequest{}
	}
	open := &caissonv1.ConnectRequest{Id: request.ID}
	server := request.Server
	switch in := request.Inline; {
	case (in == nil) == (server == ""):
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "connect", Message: "ConnectRequest has Server and Inline, or none of them: set one"}
	case in != nil && (in.Auth != nil || in.Transport != nil || in.HTTPTransport != nil || in.ProtocolVersions != nil || in.InheritEnv || in.Dir != ""):
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Server: in.Name, Step: "connect", Message: "an inline server has Auth, Transport, HTTPTransport, ProtocolVersions, InheritEnv or Dir, which do not go to the daemon: leave them out, or configure the server there"}
	case in != nil:
		server = in.Name
		open.Of = &caissonv1.ConnectRequest_Inline{Inline: inline(in)}
	default:
		open.Of = &caissonv1.ConnectRequest_Server{Server: server}
	}
	if capabilities := capabilitiesOf(&request.Handlers); len(capabilities) > 0 {
		open.Capabilities, _ = json.Marshal(capabilities) // Maps of maps have a text.
	}
	return c.converse(ctx, server, open, request.Handlers)
}

func inline(s *caisson.Server) *caissonv1.InlineServer {
	in := &caissonv1.InlineServer{Name: s.Name, Type: wire.Transports[s.Type], Endpoint: s.URL, Command: s.Command, Args: s.Args, Env: s.Env}
	for name, values := range s.Headers {
		if in.Headers == nil {
			in.Headers = map[string]string{}
		}
		in.Headers[name] = strings.Join(values, ", ")
	}
	return in
}

// capabilitiesOf are what handlers can be asked.
func capabilitiesOf(h *caisson.Handlers) map[string]any {
	capabilities := map[string]any{}
	empty := map[string]any{}
	if h.CreateMessageWithToolsHandler != nil {
		capabilities["sampling"] = map[string]any{"tools": empty}
	} else if h.CreateMessageHandler != nil {
		capabilities["sampling"] = empty
	}
	elicitation := map[string]any{}
	if h.ElicitationHandler != nil {
		elicitation["form"] = empty
	}
	if h.URLElicitationHandler != nil {
		elicitation["url"] = empty
	}
	if len(elicitation) > 0 {
		capabilities["elicitation"] = elicitation
	}
	if h.ListRootsHandler != nil {
		capabilities["roots"] = map[string]any{"listChanged": true}
	}
	return capabilities
}
