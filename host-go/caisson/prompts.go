package caisson

import (
	"context"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListPrompts returns one page of the server's prompts (specification, server/prompts, "Listing
// Prompts"). The params may be nil. See [Session.Prompts] for all of them.
func (s *Session) ListPrompts(ctx context.Context, params *mcp.ListPromptsParams) (*mcp.ListPromptsResult, error) {
	return callAs[mcp.ListPromptsResult](ctx, s, engine.Operation{Export: "list-prompts", Method: "prompts/list"}, params)
}

// Prompts iterates over the prompts of all pages, as [Session.Tools] does.
func (s *Session) Prompts(ctx context.Context, params *mcp.ListPromptsParams) iter.Seq2[*mcp.Prompt, error] {
	op := engine.Operation{Export: "list-prompts", Method: "prompts/list"}
	return items(ctx, s, op, params, func(page *mcp.ListPromptsResult) []*mcp.Prompt { return page.Prompts })
}

// GetPrompt gets a prompt with its arguments filled in (specification, server/prompts, "Getting a
// Prompt").
func (s *Session) GetPrompt(ctx context.Context, params *mcp.GetPromptParams) (*mcp.GetPromptResult, error) {
	return callAs[mcp.GetPromptResult](ctx, s, engine.Operation{Export: "get-prompt", Method: "prompts/get"}, params)
}

// Complete asks for completions of an argument of a prompt or of a resource template
// (specification, server/utilities/completion).
func (s *Session) Complete(ctx context.Context, params *mcp.CompleteParams) (*mcp.CompleteResult, error) {
	return callAs[mcp.CompleteResult](ctx, s, engine.Operation{Export: "complete", Method: "completion/complete"}, params)
}
