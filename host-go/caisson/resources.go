package caisson

import (
	"context"
	"errors"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListResources returns one page of the server's resources (specification, server/resources,
// "Listing Resources"). The params may be nil. See [Session.Resources] for all of them.
func (s *Session) ListResources(ctx context.Context, params *mcp.ListResourcesParams) (*mcp.ListResourcesResult, error) {
	return callAs[mcp.ListResourcesResult](ctx, s, engine.Operation{Export: "list-resources", Method: "resources/list"}, params)
}

// Resources iterates over the resources of all pages, as [Session.Tools] does.
func (s *Session) Resources(ctx context.Context, params *mcp.ListResourcesParams) iter.Seq2[*mcp.Resource, error] {
	op := engine.Operation{Export: "list-resources", Method: "resources/list"}
	return items(ctx, s, op, params, func(page *mcp.ListResourcesResult) []*mcp.Resource { return page.Resources })
}

// ListResourceTemplates returns one page of the server's resource templates (specification,
// server/resources, "Resource Templates"). The params may be nil. See [Session.ResourceTemplates]
// for all of them.
func (s *Session) ListResourceTemplates(ctx context.Context, params *mcp.ListResourceTemplatesParams) (*mcp.ListResourceTemplatesResult, error) {
	return callAs[mcp.ListResourceTemplatesResult](ctx, s, engine.Operation{Export: "list-resource-templates", Method: "resources/templates/list"}, params)
}

// ResourceTemplates iterates over the resource templates of all pages, in the manner of
// [Session.Tools].
func (s *Session) ResourceTemplates(ctx context.Context, params *mcp.ListResourceTemplatesParams) iter.Seq2[*mcp.ResourceTemplate, error] {
	op := engine.Operation{Export: "list-resource-templates", Method: "resources/templates/list"}
	return items(ctx, s, op, params, func(page *mcp.ListResourceTemplatesResult) []*mcp.ResourceTemplate { return page.ResourceTemplates })
}

// ReadResource reads a resource (specification, server/resources, "Reading Resources").
func (s *Session) ReadResource(ctx context.Context, params *mcp.ReadResourceParams) (*mcp.ReadResourceResult, error) {
	return callAs[mcp.ReadResourceResult](ctx, s, engine.Operation{Export: "read-resource", Method: "resources/read"}, params)
}

// Subscribe asks for a notification whenever a resource changes (specification, server/resources,
// "Subscriptions"); see [Handlers.ResourceUpdatedHandler]. In revision 2026-07-28 it fails with
// [CodeInvalidArgument]: use [Session.Listen] there.
func (s *Session) Subscribe(ctx context.Context, params *mcp.SubscribeParams) error {
	_, err := s.call(ctx, engine.Operation{Export: "subscribe", Method: "resources/subscribe"}, params)
	return s.orListen(err)
}

// Unsubscribe undoes [Session.Subscribe].
func (s *Session) Unsubscribe(ctx context.Context, params *mcp.UnsubscribeParams) error {
	_, err := s.call(ctx, engine.Operation{Export: "unsubscribe", Method: "resources/unsubscribe"}, params)
	return s.orListen(err)
}

// orListen adds the remedy to the error of a session whose revision has no such subscriptions.
func (s *Session) orListen(err error) error {
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != CodeInvalidArgument || s.ProtocolVersion() < "2026-07-28" {
		return err
	}
	explained := *failed
	explained.Message += "; use Session.Listen"
	return &explained
}
