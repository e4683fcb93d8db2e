package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// rawParams are the params of any request: nil for none.
func rawParams(text []byte) (any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	return json.RawMessage(text), isObject(text)
}

// Connect implements the service.
func (m *MCP) Connect(ctx context.Context, r *connect.Request[caissonv1.ConnectRequest]) (*connect.Response[caissonv1.ConnectResponse], error) {
	s, release, err := m.connect(ctx, r.Msg)
	if err != nil {
		return nil, err
	}
	defer release()
	return connect.NewResponse(&caissonv1.ConnectResponse{Session: m.info(s)}), nil
}

func (m *MCP) connect(ctx context.Context, r *caissonv1.ConnectRequest) (*pool.Session, func(), error) {
	p, err := caller(ctx, access.MCP)
	if err != nil {
		return nil, nil, err
	}
	o := pool.ConnectOptions{ID: r.GetId(), Capabilities: r.GetCapabilities()}
	switch of := r.GetOf().(type) {
	case *caissonv1.ConnectRequest_Server:
		o.Server = of.Server
	case *caissonv1.ConnectRequest_Inline:
		if o.Inline, err = inline(p, of.Inline); err != nil {
			return nil, nil, err
		}
	}
	if o.Server == "" && o.Inline == nil {
		return nil, nil, invalid("connect", "the server is missing: name one of the configuration")
	}
	s, release, err := m.connectOwn(ctx, p.Name, o)
	return s, release, Status(err)
}

// inline makes a server of what a principal describes, if they may.
func inline(p *access.Principal, r *caissonv1.InlineServer) (*caisson.Server, error) {
	scope := access.InlineURL
	if r.GetCommand() != "" {
		scope = access.InlineCommand
	}
	if !p.Has(scope) {
		return nil, lacks(p, scope)
	}
	kind, ok := wire.TransportOf(r.GetType())
	if !ok {
		return nil, invalid("connect", fmt.Sprintf("the type %d of the server is not known", r.GetType()))
	}
	if r.GetName() == "" {
		return nil, invalid("connect", "the name of the server is missing: the policy decides by it")
	}
	server := &caisson.Server{Name: r.GetName(), Type: kind, URL: r.GetEndpoint(), Command: r.GetCommand(), Args: r.GetArgs(), Env: r.GetEnv()}
	for name, value := range r.GetHeaders() {
		if server.Headers == nil {
			server.Headers = http.Header{}
		}
		server.Headers.Add(name, value)
	}
	var err error
	if server.Auth, err = inlineAuth(r); err != nil {
		return nil, invalid("connect", err.Error())
	}
	if err := server.Validate(); err != nil {
		return nil, Status(err)
	}
	return server, nil
}

// inlineAuth reads how to authorize. It takes no references: those would be to what the daemon has.
func inlineAuth(r *caissonv1.InlineServer) (auth.Method, error) {
	var text struct {
		Token        string   `json:"token"`
		ClientID     string   `json:"clientId"`
		ClientSecret string   `json:"clientSecret"`
		Scopes       []string `json:"scopes"`
		Issuer       string   `json:"issuer"`
		TokenURL     string   `json:"tokenUrl"`
	}
	if len(r.GetAuth()) > 0 {
		if err := json.Unmarshal(r.GetAuth(), &text); err != nil {
			return nil, fmt.Errorf("auth is not a JSON object as auth_type wants it")
		}
	}
	switch r.GetAuthType() {
	case "":
		return nil, nil
	case "none":
		return &auth.None{}, nil
	case "bearer":
		return &auth.Bearer{Token: text.Token}, nil
	case "client-credentials":
		return &auth.ClientCredentials{
			Common:   auth.Common{Scopes: text.Scopes},
			ClientID: text.ClientID, ClientSecret: text.ClientSecret, Issuer: text.Issuer, TokenURL: text.TokenURL,
		}, nil
	}
	return nil, fmt.Errorf("auth_type %q is not one of none, bearer and client-credentials", r.GetAuthType())
}

// Disconnect implements the service.
func (m *MCP) Disconnect(ctx context.Context, r *connect.Request[caissonv1.DisconnectRequest]) (*connect.Response[caissonv1.DisconnectResponse], error) {
	p, err := caller(ctx, access.MCP)
	if err != nil {
		return nil, err
	}
	if err := m.disconnect(ctx, p.Name, r.Msg.GetSession()); err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.DisconnectResponse{}), nil
}

// ListSessions implements the service.
func (m *MCP) ListSessions(ctx context.Context, _ *connect.Request[caissonv1.ListSessionsRequest]) (*connect.Response[caissonv1.ListSessionsResponse], error) {
	p, err := caller(ctx, access.MCP)
	if err != nil {
		return nil, err
	}
	response := &caissonv1.ListSessionsResponse{}
	for _, s := range m.Pool.List(p.Name) {
		response.Sessions = append(response.Sessions, m.info(s))
	}
	return connect.NewResponse(response), nil
}

// info says what there is to know of a session.
func (m *MCP) info(s *pool.Session) *caissonv1.SessionInfo {
	used, underway := m.Pool.Usage(s)
	c := s.Caisson()
	info := &caissonv1.SessionInfo{
		Id: s.ID, Server: s.Server, Shared: s.Shared, ProtocolVersion: c.ProtocolVersion(), Instructions: c.Instructions(),
		Created: timestamppb.New(s.Created), Used: timestamppb.New(used), Underway: int32(underway),
	}
	info.Transport = wire.Transports[c.TransportType()]
	if server := c.ServerInfo(); server != nil {
		info.ServerInfo, _ = json.Marshal(server) // It came as JSON.
	}
	info.Capabilities, _ = json.Marshal(c.Capabilities())
	return info
}
