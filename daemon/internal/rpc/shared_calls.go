package rpc

import (
	"context"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
)

// ListTools implements the service.
func (m *Shared) ListTools(ctx context.Context, r *connect.Request[caissonv1.ListToolsRequest]) (*connect.Response[caissonv1.ListToolsResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.ListTools, caissonv1connect.McpServiceClient.ListTools)
}

// CallTool implements the service.
func (m *Shared) CallTool(ctx context.Context, r *connect.Request[caissonv1.CallToolRequest]) (*connect.Response[caissonv1.CallToolResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.CallTool, caissonv1connect.McpServiceClient.CallTool)
}

// ListResources implements the service.
func (m *Shared) ListResources(ctx context.Context, r *connect.Request[caissonv1.ListResourcesRequest]) (*connect.Response[caissonv1.ListResourcesResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.ListResources, caissonv1connect.McpServiceClient.ListResources)
}

// ListResourceTemplates implements the service.
func (m *Shared) ListResourceTemplates(ctx context.Context, r *connect.Request[caissonv1.ListResourceTemplatesRequest]) (*connect.Response[caissonv1.ListResourceTemplatesResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.ListResourceTemplates, caissonv1connect.McpServiceClient.ListResourceTemplates)
}

// ReadResource implements the service.
func (m *Shared) ReadResource(ctx context.Context, r *connect.Request[caissonv1.ReadResourceRequest]) (*connect.Response[caissonv1.ReadResourceResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.ReadResource, caissonv1connect.McpServiceClient.ReadResource)
}

// ListPrompts implements the service.
func (m *Shared) ListPrompts(ctx context.Context, r *connect.Request[caissonv1.ListPromptsRequest]) (*connect.Response[caissonv1.ListPromptsResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.ListPrompts, caissonv1connect.McpServiceClient.ListPrompts)
}

// GetPrompt implements the service.
func (m *Shared) GetPrompt(ctx context.Context, r *connect.Request[caissonv1.GetPromptRequest]) (*connect.Response[caissonv1.GetPromptResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.GetPrompt, caissonv1connect.McpServiceClient.GetPrompt)
}

// Complete implements the service.
func (m *Shared) Complete(ctx context.Context, r *connect.Request[caissonv1.CompleteRequest]) (*connect.Response[caissonv1.CompleteResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.Complete, caissonv1connect.McpServiceClient.Complete)
}

// Ping implements the service.
func (m *Shared) Ping(ctx context.Context, r *connect.Request[caissonv1.PingRequest]) (*connect.Response[caissonv1.PingResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.Ping, caissonv1connect.McpServiceClient.Ping)
}

// Request implements the service.
func (m *Shared) Request(ctx context.Context, r *connect.Request[caissonv1.RequestRequest]) (*connect.Response[caissonv1.RequestResponse], error) {
	return unary(ctx, m, r.Msg.GetTarget().GetSession(), r, m.MCP.Request, caissonv1connect.McpServiceClient.Request)
}

// Disconnect implements the service.
func (m *Shared) Disconnect(ctx context.Context, r *connect.Request[caissonv1.DisconnectRequest]) (*connect.Response[caissonv1.DisconnectResponse], error) {
	return unary(ctx, m, r.Msg.GetSession(), r, m.MCP.Disconnect, caissonv1connect.McpServiceClient.Disconnect)
}

// CallToolStream implements the service.
func (m *Shared) CallToolStream(ctx context.Context, r *connect.Request[caissonv1.CallToolStreamRequest], stream *connect.ServerStream[caissonv1.CallToolStreamResponse]) error {
	return serverStream(ctx, m, r.Msg.GetTarget().GetSession(), r, stream, nil, m.MCP.CallToolStream, caissonv1connect.McpServiceClient.CallToolStream)
}

// Subscribe implements the service.
func (m *Shared) Subscribe(ctx context.Context, r *connect.Request[caissonv1.SubscribeRequest], stream *connect.ServerStream[caissonv1.SubscribeResponse]) error {
	return serverStream(ctx, m, r.Msg.GetTarget().GetSession(), r, stream, m.Draining, m.MCP.Subscribe, caissonv1connect.McpServiceClient.Subscribe)
}

// ListSessions implements the service. Of other daemons it has the sessions of Connect; those of a daemon that does not
// answer are missing.
func (m *Shared) ListSessions(ctx context.Context, r *connect.Request[caissonv1.ListSessionsRequest]) (*connect.Response[caissonv1.ListSessionsResponse], error) {
	all, err := m.MCP.ListSessions(ctx, r)
	if err != nil || cluster.Forwarded(ctx) {
		return all, err
	}
	entries, err := m.Cluster.List(ctx, access.FromContext(ctx).Name)
	if err != nil {
		return nil, Status(err)
	}
	asked := map[string]bool{m.Cluster.Node: true}
	for _, e := range entries {
		if asked[e.Node] {
			continue
		}
		asked[e.Node] = true
		others, err := m.client(e.Node).ListSessions(ctx, connect.NewRequest(r.Msg))
		if err != nil {
			continue
		}
		for _, s := range others.Msg.GetSessions() {
			if !s.GetShared() {
				all.Msg.Sessions = append(all.Msg.Sessions, s)
			}
		}
	}
	return all, nil
}
