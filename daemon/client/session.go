package client

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"google.golang.org/protobuf/proto"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// A Session calls one MCP server through a daemon. Its methods are those of a [caisson.Session] and fail in the same
// ways; the text of [caisson.Error] says when it is the daemon that is not there. They are safe for concurrent use.
type Session struct {
	client  *Client
	server  string
	target  *caissonv1.Target
	info    *caissonv1.SessionInfo
	stream  *conversation
	options *caisson.CallOptions
}

var _ caisson.Caller = (*Session)(nil)

// Session returns the session with a server of the daemon's configuration that all calls of the principal share. The
// daemon makes it when it is first needed. Nothing is sent, and there is nothing to close.
func (c *Client) Session(server string) *Session {
	return &Session{client: c, server: server, target: &caissonv1.Target{Of: &caissonv1.Target_Server{Server: server}}}
}

// Name returns the name of the server.
func (s *Session) Name() string { return s.server }

// ID returns the id of the session at the daemon; "" for one of [Client.Session].
func (s *Session) ID() string { return s.info.GetId() }

// ProtocolVersion returns the revision of the protocol; "" for a session of [Client.Session].
func (s *Session) ProtocolVersion() string { return s.info.GetProtocolVersion() }

// Instructions returns what the server says of its use; "" for a session of [Client.Session].
func (s *Session) Instructions() string { return s.info.GetInstructions() }

// ServerInfo returns what the server says of itself; nil for a session of [Client.Session].
func (s *Session) ServerInfo() *mcp.Implementation {
	return told[mcp.Implementation](s.info.GetServerInfo())
}

// Capabilities returns what the server can do; nil for a session of [Client.Session].
func (s *Session) Capabilities() *mcp.ServerCapabilities {
	return told[mcp.ServerCapabilities](s.info.GetCapabilities())
}

// told reads what the daemon tells of a session; nil for nothing.
func told[T any](text []byte) *T {
	value := new(T)
	if len(text) == 0 || json.Unmarshal(text, value) != nil {
		return nil
	}
	return value
}

// With returns the session with options for its calls. Those of a call's context replace them. OnProgress, Timeout and
// MaxTimeout are as in process; the rest has no effect.
func (s *Session) With(options caisson.CallOptions) *Session {
	with := *s
	with.options = &options
	return &with
}

// ListTools returns one page of the server's tools (specification, server/tools). The params may be nil.
func (s *Session) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	r := &caissonv1.ListToolsResponse{}
	request := &caissonv1.ListToolsRequest{Target: s.target}
	if params != nil {
		request.Cursor = params.Cursor
	}
	err := s.invoke(ctx, "tools/list", caissonv1connect.McpServiceListToolsProcedure, request, r)
	return decode[mcp.ListToolsResult](s, "tools/list", r.GetResult(), err)
}

// Tools ranges over all tools, and stops at the first error.
func (s *Session) Tools(ctx context.Context, params *mcp.ListToolsParams) iter.Seq2[*mcp.Tool, error] {
	return pages(params, func(p *mcp.ListToolsParams) *string { return &p.Cursor }, func(p *mcp.ListToolsParams) ([]*mcp.Tool, string, error) {
		r, err := s.ListTools(ctx, p)
		if err != nil {
			return nil, "", err
		}
		return r.Tools, r.NextCursor, nil
	})
}

// ListResources returns one page of the server's resources (specification, server/resources). The params may be nil.
func (s *Session) ListResources(ctx context.Context, params *mcp.ListResourcesParams) (*mcp.ListResourcesResult, error) {
	r := &caissonv1.ListResourcesResponse{}
	request := &caissonv1.ListResourcesRequest{Target: s.target}
	if params != nil {
		request.Cursor = params.Cursor
	}
	err := s.invoke(ctx, "resources/list", caissonv1connect.McpServiceListResourcesProcedure, request, r)
	return decode[mcp.ListResourcesResult](s, "resources/list", r.GetResult(), err)
}

// Resources ranges over all resources, and stops at the first error.
func (s *Session) Resources(ctx context.Context, params *mcp.ListResourcesParams) iter.Seq2[*mcp.Resource, error] {
	return pages(params, func(p *mcp.ListResourcesParams) *string { return &p.Cursor }, func(p *mcp.ListResourcesParams) ([]*mcp.Resource, string, error) {
		r, err := s.ListResources(ctx, p)
		if err != nil {
			return nil, "", err
		}
		return r.Resources, r.NextCursor, nil
	})
}

// ListResourceTemplates returns one page of the server's templates of resources. The params may be nil.
func (s *Session) ListResourceTemplates(ctx context.Context, params *mcp.ListResourceTemplatesParams) (*mcp.ListResourceTemplatesResult, error) {
	r := &caissonv1.ListResourceTemplatesResponse{}
	request := &caissonv1.ListResourceTemplatesRequest{Target: s.target}
	if params != nil {
		request.Cursor = params.Cursor
	}
	err := s.invoke(ctx, "resources/templates/list", caissonv1connect.McpServiceListResourceTemplatesProcedure, request, r)
	return decode[mcp.ListResourceTemplatesResult](s, "resources/templates/list", r.GetResult(), err)
}

// ResourceTemplates ranges over all templates, and stops at the first error.
func (s *Session) ResourceTemplates(ctx context.Context, params *mcp.ListResourceTemplatesParams) iter.Seq2[*mcp.ResourceTemplate, error] {
	return pages(params, func(p *mcp.ListResourceTemplatesParams) *string { return &p.Cursor }, func(p *mcp.ListResourceTemplatesParams) ([]*mcp.ResourceTemplate, string, error) {
		r, err := s.ListResourceTemplates(ctx, p)
		if err != nil {
			return nil, "", err
		}
		return r.ResourceTemplates, r.NextCursor, nil
	})
}

// ReadResource reads a resource.
func (s *Session) ReadResource(ctx context.Context, params *mcp.ReadResourceParams) (*mcp.ReadResourceResult, error) {
	r := &caissonv1.ReadResourceResponse{}
	request := &caissonv1.ReadResourceRequest{Target: s.target}
	if params != nil {
		request.Uri = params.URI
	}
	err := s.invoke(ctx, "resources/read", caissonv1connect.McpServiceReadResourceProcedure, request, r)
	return decode[mcp.ReadResourceResult](s, "resources/read", r.GetResult(), err)
}

// ListPrompts returns one page of the server's prompts (specification, server/prompts). The params may be nil.
func (s *Session) ListPrompts(ctx context.Context, params *mcp.ListPromptsParams) (*mcp.ListPromptsResult, error) {
	r := &caissonv1.ListPromptsResponse{}
	request := &caissonv1.ListPromptsRequest{Target: s.target}
	if params != nil {
		request.Cursor = params.Cursor
	}
	err := s.invoke(ctx, "prompts/list", caissonv1connect.McpServiceListPromptsProcedure, request, r)
	return decode[mcp.ListPromptsResult](s, "prompts/list", r.GetResult(), err)
}

// Prompts ranges over all prompts, and stops at the first error.
func (s *Session) Prompts(ctx context.Context, params *mcp.ListPromptsParams) iter.Seq2[*mcp.Prompt, error] {
	return pages(params, func(p *mcp.ListPromptsParams) *string { return &p.Cursor }, func(p *mcp.ListPromptsParams) ([]*mcp.Prompt, string, error) {
		r, err := s.ListPrompts(ctx, p)
		if err != nil {
			return nil, "", err
		}
		return r.Prompts, r.NextCursor, nil
	})
}

// GetPrompt gets a prompt with its arguments filled in.
func (s *Session) GetPrompt(ctx context.Context, params *mcp.GetPromptParams) (*mcp.GetPromptResult, error) {
	r := &caissonv1.GetPromptResponse{}
	request := &caissonv1.GetPromptRequest{Target: s.target}
	if params != nil {
		request.Name = params.Name
		if len(params.Arguments) > 0 {
			request.Arguments, _ = json.Marshal(params.Arguments) // A map of texts always has a text.
		}
	}
	err := s.invoke(ctx, "prompts/get", caissonv1connect.McpServiceGetPromptProcedure, request, r)
	return decode[mcp.GetPromptResult](s, "prompts/get", r.GetResult(), err)
}

// Complete asks for completions of an argument (specification, server/utilities/completion).
func (s *Session) Complete(ctx context.Context, params *mcp.CompleteParams) (*mcp.CompleteResult, error) {
	const step = "completion/complete"
	r := &caissonv1.CompleteResponse{}
	request := &caissonv1.CompleteRequest{Target: s.target}
	if params != nil {
		var err error
		if request.Ref, err = json.Marshal(params.Ref); err == nil {
			request.Argument, err = json.Marshal(params.Argument)
		}
		if err == nil && params.Context != nil {
			request.Context, err = json.Marshal(params.Context)
		}
		if err != nil {
			return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Server: s.server, Step: step, Message: err.Error(), Err: err}
		}
	}
	err := s.invoke(ctx, step, caissonv1connect.McpServiceCompleteProcedure, request, r)
	return decode[mcp.CompleteResult](s, step, r.GetResult(), err)
}

// Ping asks the server whether it is there. The params may be nil.
func (s *Session) Ping(ctx context.Context, _ *mcp.PingParams) error {
	return s.invoke(ctx, "ping", caissonv1connect.McpServicePingProcedure, &caissonv1.PingRequest{Target: s.target}, &caissonv1.PingResponse{})
}

// Request sends any request of the protocol, or of an extension of it, and returns the untouched result. The params may
// be nil; otherwise they marshal to a JSON object.
func (s *Session) Request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	text, err := s.object(method, params)
	if err != nil {
		return nil, err
	}
	if s.stream != nil {
		return s.stream.call(ctx, s, method, text)
	}
	r := &caissonv1.RequestResponse{}
	if err := s.invoke(ctx, method, caissonv1connect.McpServiceRequestProcedure, &caissonv1.RequestRequest{Target: s.target, Method: method, Params: text}, r); err != nil {
		return nil, err
	}
	return r.GetResult(), nil
}

// object marshals params; nil for none.
func (s *Session) object(step string, params any) ([]byte, error) {
	if params == nil {
		return nil, nil
	}
	text, err := json.Marshal(params)
	if err == nil && string(text) == "null" {
		return nil, nil
	}
	if err != nil {
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Server: s.server, Step: step, Message: "the params do not marshal to JSON: " + err.Error(), Err: err}
	}
	return text, nil
}

// invoke makes an RPC with one answer.
func (s *Session) invoke(ctx context.Context, step, procedure string, request, response proto.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, timers := s.timed(ctx)
	defer timers.stop()
	with, sent := withSent(ctx)
	return failure(ctx, s.client.conn.Invoke(with, procedure, request, response), s.server, step, sent)
}

// decode decodes a result into a type of the Go SDK's.
func decode[T any](s *Session, step string, text []byte, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	result := new(T)
	if err := json.Unmarshal(text, result); err != nil {
		return nil, &caisson.Error{
			Code: caisson.CodeProtocol, Server: s.server, Step: step, Err: err,
			Message: "the result does not fit the Go SDK's type (" + err.Error() + "): Session.Request gives it as it is",
		}
	}
	return result, nil
}

// maxPages bounds how many pages an iterator asks for: a server may go on for ever.
const maxPages = 10_000

// pages ranges over what the pages of a list have.
func pages[P, T any](params *P, cursor func(*P) *string, page func(*P) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		p := new(P)
		if params != nil {
			*p = *params
		}
		for range maxPages {
			items, next, err := page(p)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			*cursor(p) = next
		}
		yield(none, &caisson.Error{Code: caisson.CodeLimit, Step: "list", Message: "the server has more than 10000 pages: list single pages"})
	}
}
