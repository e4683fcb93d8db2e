package rpc

import (
	"context"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

var _ caissonv1connect.McpServiceHandler = (*MCP)(nil)

// answer makes the answer of a result.
func answer[T any](result []byte, err error, of func([]byte) *T) (*connect.Response[T], error) {
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(of(result)), nil
}

// ListTools implements the service.
func (m *MCP) ListTools(ctx context.Context, r *connect.Request[caissonv1.ListToolsRequest]) (*connect.Response[caissonv1.ListToolsResponse], error) {
	result, err := m.request(ctx, r.Msg.GetTarget(), "tools/list", newParams().text("cursor", r.Msg.GetCursor()))
	return answer(result, err, func(b []byte) *caissonv1.ListToolsResponse { return &caissonv1.ListToolsResponse{Result: b} })
}

// CallTool implements the service.
func (m *MCP) CallTool(ctx context.Context, r *connect.Request[caissonv1.CallToolRequest]) (*connect.Response[caissonv1.CallToolResponse], error) {
	result, err := m.request(ctx, r.Msg.GetTarget(), "tools/call", toolCall(r.Msg))
	return answer(result, err, func(b []byte) *caissonv1.CallToolResponse { return &caissonv1.CallToolResponse{Result: b} })
}

// toolCall makes the params of a call of a tool.
func toolCall(r interface {
	GetName() string
	GetArguments() []byte
	GetMeta() []byte
},
) *params {
	arguments := r.GetArguments()
	if len(arguments) == 0 {
		arguments = []byte("{}")
	}
	p := newParams().object("arguments", arguments).object("_meta", r.GetMeta())
	p.members["name"] = r.GetName()
	return p
}

// ListResources implements the service.
func (m *MCP) ListResources(ctx context.Context, r *connect.Request[caissonv1.ListResourcesRequest]) (*connect.Response[caissonv1.ListResourcesResponse], error) {
	result, err := m.request(ctx, r.Msg.GetTarget(), "resources/list", newParams().text("cursor", r.Msg.GetCursor()))
	return answer(result, err, func(b []byte) *caissonv1.ListResourcesResponse {
		return &caissonv1.ListResourcesResponse{Result: b}
	})
}

// ListResourceTemplates implements the service.
func (m *MCP) ListResourceTemplates(ctx context.Context, r *connect.Request[caissonv1.ListResourceTemplatesRequest]) (*connect.Response[caissonv1.ListResourceTemplatesResponse], error) {
	result, err := m.request(ctx, r.Msg.GetTarget(), "resources/templates/list", newParams().text("cursor", r.Msg.GetCursor()))
	return answer(result, err, func(b []byte) *caissonv1.ListResourceTemplatesResponse {
		return &caissonv1.ListResourceTemplatesResponse{Result: b}
	})
}

// ReadResource implements the service.
func (m *MCP) ReadResource(ctx context.Context, r *connect.Request[caissonv1.ReadResourceRequest]) (*connect.Response[caissonv1.ReadResourceResponse], error) {
	p := newParams()
	p.members["uri"] = r.Msg.GetUri()
	result, err := m.request(ctx, r.Msg.GetTarget(), "resources/read", p)
	return answer(result, err, func(b []byte) *caissonv1.ReadResourceResponse { return &caissonv1.ReadResourceResponse{Result: b} })
}

// ListPrompts implements the service.
func (m *MCP) ListPrompts(ctx context.Context, r *connect.Request[caissonv1.ListPromptsRequest]) (*connect.Response[caissonv1.ListPromptsResponse], error) {
	result, err := m.request(ctx, r.Msg.GetTarget(), "prompts/list", newParams().text("cursor", r.Msg.GetCursor()))
	return answer(result, err, func(b []byte) *caissonv1.ListPromptsResponse { return &caissonv1.ListPromptsResponse{Result: b} })
}

// GetPrompt implements the service.
func (m *MCP) GetPrompt(ctx context.Context, r *connect.Request[caissonv1.GetPromptRequest]) (*connect.Response[caissonv1.GetPromptResponse], error) {
	p := newParams().object("arguments", r.Msg.GetArguments())
	p.members["name"] = r.Msg.GetName()
	result, err := m.request(ctx, r.Msg.GetTarget(), "prompts/get", p)
	return answer(result, err, func(b []byte) *caissonv1.GetPromptResponse { return &caissonv1.GetPromptResponse{Result: b} })
}

// Complete implements the service.
func (m *MCP) Complete(ctx context.Context, r *connect.Request[caissonv1.CompleteRequest]) (*connect.Response[caissonv1.CompleteResponse], error) {
	p := newParams().object("ref", r.Msg.GetRef()).object("argument", r.Msg.GetArgument()).object("context", r.Msg.GetContext())
	result, err := m.request(ctx, r.Msg.GetTarget(), "completion/complete", p)
	return answer(result, err, func(b []byte) *caissonv1.CompleteResponse { return &caissonv1.CompleteResponse{Result: b} })
}

// Ping implements the service.
func (m *MCP) Ping(ctx context.Context, r *connect.Request[caissonv1.PingRequest]) (*connect.Response[caissonv1.PingResponse], error) {
	err := m.call(ctx, r.Msg.GetTarget(), "ping", func(ctx context.Context, s *caisson.Session) error { return s.Ping(ctx, nil) })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&caissonv1.PingResponse{}), nil
}

// Request implements the service.
func (m *MCP) Request(ctx context.Context, r *connect.Request[caissonv1.RequestRequest]) (*connect.Response[caissonv1.RequestResponse], error) {
	result, err := m.raw(ctx, r.Msg)
	return answer(result, err, func(b []byte) *caissonv1.RequestResponse { return &caissonv1.RequestResponse{Result: b} })
}

func (m *MCP) raw(ctx context.Context, r *caissonv1.RequestRequest) ([]byte, error) {
	p, err := rawParams(r.GetParams())
	if err != nil {
		return nil, invalid(r.GetMethod(), err.Error())
	}
	return m.send(ctx, r.GetTarget(), r.GetMethod(), p)
}
