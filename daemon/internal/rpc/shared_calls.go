package rpc

import (
	"context"
	"slices"

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

// ListSessions implements the service. Of other daemons it has the sessions of Connect; those that do not answer are named.
func (m *Shared) ListSessions(ctx context.Context, r *connect.Request[caissonv1.ListSessionsRequest]) (*connect.Response[caissonv1.ListSessionsResponse], error) {
	all, err := m.MCP.ListSessions(ctx, r)
	if err != nil || cluster.Forwarded(ctx) {
		return all, err
	}
	asking, cancel := context.WithTimeout(ctx, daemonWait)
	defer cancel()
	entries, err := m.Cluster.List(asking, access.FromContext(ctx).Name)
	if err != nil {
		all.Msg.Failures = append(all.Msg.Failures, failureOf(everyDaemon, err))
		return all, nil
	}
	var others []string
	for _, e := range entries {
		if e.Node != m.Cluster.Node && !slices.Contains(others, e.Node) {
			others = append(others, e.Node)
		}
	}
	for _, one := range sideBySide(others, func(name string) reply[caissonv1.ListSessionsResponse] {
		got, err := m.client(name).ListSessions(asking, connect.NewRequest(r.Msg))
		return replyOf(asking, name, daemonWait, got, err)
	}) {
		if one.err != nil {
			all.Msg.Failures = append(all.Msg.Failures, failureOf(one.daemon, one.err))
			continue
		}
		for _, s := range one.of.GetSessions() {
			if !s.GetShared() {
				all.Msg.Sessions = append(all.Msg.Sessions, s)
			}
		}
	}
	return all, nil
}
